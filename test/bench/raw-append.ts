/**
 * The disk's floor: synced appends to a LevelDB of the kind that every node has, each when the last one is durable.
 * Arguments: folder, calls that share a batch, bytes of each, milliseconds. Prints one line of JSON.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Latencies, type LatencySummary } from "@quorate/server/load";
import { projectRoot } from "../support/project-root.js";

export interface RawAppendResult {
  /** Appended values a second, whole batches counted. */
  readonly perSecond: number;
  readonly latency: LatencySummary | null;
}

interface Database {
  open(): Promise<void>;
  batch(operations: readonly object[], options: { sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** LevelDB as the raft package has it: a dependency of that package only, so it is looked up from there. */
const requireFromRaft = createRequire(join(projectRoot, "packages/raft/package.json"));
const { Level } = requireFromRaft("level") as { Level: new (folder: string, options: object) => Database };

const [folder = "", share = "1", bytes = "256", ms = "1000"] = process.argv.slice(2);
const database = new Level(folder, { compression: false });
await database.open();
const latencies = new Latencies();
const value = "x".repeat(Number(bytes));
// Opening syncs as well; the first batches pay for files that are made.
await delay(100);
let count = 0;
const from = performance.now();
const end = from + Number(ms);
while (performance.now() < end) {
  const at = performance.now();
  const operations = Array.from({ length: Number(share) }, () => ({
    type: "put",
    key: `log/${String(count++).padStart(12, "0")}`,
    value,
  }));
  await database.batch(operations, { sync: true });
  latencies.record(performance.now() - at);
}
const seconds = (performance.now() - from) / 1000;
const result: RawAppendResult = { perSecond: count / seconds, latency: latencies.summary() };
await database.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
