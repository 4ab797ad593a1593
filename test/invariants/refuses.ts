import { expect } from "vitest";
import { CommittedLog } from "./committed-log.js";
import { InvariantViolation } from "./observation.js";

/** Runs once: a checker may remember what it has refused. */
export function refuses(run: () => void, text: string): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvariantViolation);
  expect(String(thrown)).toContain(text);
}

export function committed(...terms: readonly (readonly [term: number, committedIn: number])[]): CommittedLog {
  const log = new CommittedLog();
  for (const [term, committedIn] of terms) log.append(term, committedIn);
  return log;
}
