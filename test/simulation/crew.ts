/** Several threads that run one cluster after the other: a seed decides its run wherever that is done. */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Arguments } from "./arguments.js";
import type { Tally } from "./totals.js";

/** What a thread is told. */
export interface Orders extends Pick<Arguments, "seed" | "seeds" | "knobs" | "checkTrace"> {
  /** How many seeds are taken, by whichever thread. */
  readonly taken: Int32Array;
}

/**
 * Runs all seeds of `args` on `args.jobs` threads; `done` hears of each run when it is over, in any order. Rejects when
 * a thread dies, which is no finding but a fault of the simulator.
 */
export async function runAll(args: Arguments, done: (tally: Tally) => void): Promise<void> {
  const { seed, seeds, knobs, checkTrace, jobs } = args;
  // Most of what a step makes is gone after the next one: with room for that, less of it is moved about.
  setFlagsFromString("--min-semi-space-size=16");
  const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: Orders = { seed, seeds, knobs, checkTrace, taken };
  await Promise.all(
    Array.from(
      { length: Math.min(jobs, seeds) },
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL("./crew-member.js", import.meta.url), { workerData });
          worker.on("message", done);
          worker.on("error", reject);
          worker.on("exit", () => resolve());
        }),
    ),
  );
}
