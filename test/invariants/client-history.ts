import { checkLinearizable } from "../linearizability/checker.js";
import type { History } from "../linearizability/history.js";
import { type RegisterOp, type RegisterResult, registerModel } from "../linearizability/register-model.js";
import { InvariantViolation } from "./observation.js";

/** What clients saw can be put in one order that respects real time (paper, section 8). Undecided fails too. */
export function checkRegisters(history: History<RegisterOp, RegisterResult>): void {
  const verdict = checkLinearizable(registerModel, history, { maxSteps: 3_000_000 });
  if (!verdict.ok) throw new InvariantViolation("client history is linearizable", verdict.reason);
}

/** One `incr`: a counter starts at 0 and answers its new value. */
export interface Increment {
  readonly key: string;
  readonly calledAt: number;
  /** Null: no answer, it may have happened once or never. */
  readonly answer: { readonly value: number; readonly returnedAt: number } | null;
}

/**
 * Each executed increment moved its counter by exactly one: answers are distinct, follow real time, and the
 * final values leave room for all answered ones and for no more than the unanswered ones.
 */
export function checkCounters(increments: readonly Increment[], final: ReadonlyMap<string, number>): void {
  const property = "each command executes at most once";
  const byKey = new Map<string, Increment[]>();
  for (const increment of increments) {
    const same = byKey.get(increment.key);
    if (same) same.push(increment);
    else byKey.set(increment.key, [increment]);
  }
  for (const [key, all] of byKey) {
    const answered = all
      .flatMap(({ calledAt, answer }) => (answer ? [{ calledAt, ...answer }] : []))
      .sort((a, b) => a.value - b.value);
    /** When the latest of the calls with lower answers began. */
    let calledBefore = Number.NEGATIVE_INFINITY;
    for (const [i, { value, calledAt, returnedAt }] of answered.entries()) {
      if (i > 0 && answered[i - 1]?.value === value) {
        throw new InvariantViolation(property, `two increments of ${key} both answered ${value}`);
      }
      if (returnedAt < calledBefore) {
        throw new InvariantViolation(
          property,
          `${key} = ${value} was answered before a lower value was called for`,
        );
      }
      calledBefore = Math.max(calledBefore, calledAt);
    }
    const value = final.get(key) ?? 0;
    if (value < answered.length || value > all.length || value < (answered.at(-1)?.value ?? 0)) {
      throw new InvariantViolation(
        property,
        `${key} ends at ${value} after ${answered.length} answered increments of ${all.length}`,
      );
    }
  }
}
