/**
 * Decides whether a history is linearizable: whether every answered call can be given one moment between
 * its call and its return so that a single copy, executing the calls in that order, gives the same answers.
 */
import type { History, Operation } from "./history.js";
import type { Model } from "./model.js";
import { Search } from "./search.js";

export interface CheckOptions {
  /** Executions of the model, over all keys, before the check gives up. Some 10⁶ per second. */
  readonly maxSteps: number;
}

export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly key: string; readonly reason: string }
  /** The budget ran out at `key`. Callers count it as a failure: nothing was shown. */
  | { readonly ok: false; readonly undecided: true; readonly key: string; readonly reason: string };

/** `maxSteps` defaults to ten million. Throws `RangeError` when an answer is older than its call. */
export function checkLinearizable<State, Op, Result>(
  model: Model<State, Op, Result>,
  history: History<Op, Result>,
  options: CheckOptions = { maxSteps: 10_000_000 },
): Verdict {
  const byKey = new Map<string, Operation<Op, Result>[]>();
  for (const operation of history) {
    assertTimes(operation);
    if (operation.outcome.kind === "failed") continue;
    if (operation.outcome.kind === "unknown" && !model.mayWrite(operation.op)) continue;
    const key = model.key(operation.op);
    const same = byKey.get(key);
    if (same) same.push(operation);
    else byKey.set(key, [operation]);
  }
  const budget = { steps: options.maxSteps };
  for (const [key, operations] of byKey) {
    const search = new Search(model, operations, budget);
    const found = search.run();
    if (found === "undecided") {
      const reason = `no decision on key ${key} (${operations.length} calls) within ${options.maxSteps} steps`;
      return { ok: false, undecided: true, key, reason };
    }
    if (found === "impossible") return { ok: false, key, reason: search.explain(key) };
  }
  return { ok: true };
}

function assertTimes<Op, Result>(operation: Operation<Op, Result>): void {
  const { calledAt, outcome } = operation;
  if (Number.isNaN(calledAt) || (outcome.kind === "ok" && !(outcome.returnedAt >= calledAt))) {
    throw new RangeError(
      `a call of client ${operation.client} at ${calledAt} cannot have returned ${JSON.stringify(outcome)}`,
    );
  }
}
