/** One thread of `crew.ts`: takes seeds until there are none. */
import { parentPort, workerData } from "node:worker_threads";
import type { Orders } from "./crew.js";
import { runOnce } from "./run-once.js";
import { tallyOf } from "./totals.js";

const { seed, seeds, knobs, checkTrace, taken } = workerData as Orders;
for (let i = Atomics.add(taken, 0, 1); i < seeds; i = Atomics.add(taken, 0, 1)) {
  const run = runOnce({ seed: seed + i, knobs }, { checkTrace, traceFile: undefined });
  parentPort?.postMessage(tallyOf(run));
}
