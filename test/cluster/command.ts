import { execFile } from "node:child_process";
import { quorateCommand } from "../support/project-root.js";

/** How a command ended, and what it printed. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

/** Runs `quorate` with these arguments, as a user would. */
export function quorate(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [quorateCommand, ...args], (_error, out, errors) =>
      resolve({ code: child.exitCode ?? -1, out, errors }),
    );
  });
}
