/** Clients that count with `kv.incr`: what each one was told must fit one order of all of them. */
import { attempt } from "../cluster/workload.js";

export const counterKey = "counter";

export interface Increment {
  readonly calledAt: number;
  readonly returnedAt: number;
  /** What the counter was after it; null when nobody knows whether it happened. */
  readonly result: number | null;
}

/** Nobody answers within it: paused, or cut off. */
const timeoutMs = 1_500;

/** Resolves when `next` says no. */
export async function countUp(
  urls: readonly string[],
  increments: Increment[],
  next: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let call = 0; await next(); call++) {
    const calledAt = performance.now();
    const end = await attempt(urls[call % urls.length] ?? "", "kv.incr", [counterKey], { timeoutMs });
    if (end.kind === "fault") throw end.fault;
    if (end.kind === "failed") continue;
    const result = end.kind === "ok" ? Number(end.value) : null;
    increments.push({ calledAt, returnedAt: performance.now(), result });
  }
}

/**
 * Whether the increments have one order: each result once, later calls with higher results, and a last value
 * that counts what was acknowledged, and of the rest at most everything. Null when all is well, else why not.
 */
export function counterViolation(increments: readonly Increment[], last: number): string | null {
  const known = increments.filter((one): one is Increment & { result: number } => one.result !== null);
  const unknown = increments.length - known.length;
  const results = new Set(known.map(({ result }) => result));
  if (results.size < known.length) return `two increments had the same result (${known.length} calls)`;
  const byCall = [...known].sort((a, b) => a.calledAt - b.calledAt);
  const byReturn = [...known].sort((a, b) => a.returnedAt - b.returnedAt);
  let [returned, highest] = [0, 0];
  for (const { calledAt, result } of byCall) {
    for (
      let one = byReturn[returned];
      one !== undefined && one.returnedAt < calledAt;
      one = byReturn[returned]
    ) {
      highest = Math.max(highest, one.result);
      returned++;
    }
    if (result <= highest) return `an increment gave ${result} after another one had given ${highest}`;
  }
  const highestOfAll = Math.max(0, ...results);
  if (last < highestOfAll) return `the counter is ${last} at the end, after it had been ${highestOfAll}`;
  if (last < known.length || last > increments.length)
    return `the counter is ${last} after ${known.length} acknowledged and ${unknown} unknown increments`;
  return null;
}
