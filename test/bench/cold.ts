/**
 * Reads right after a start, with the data out of the system's page cache, beside the same reads once it is there.
 * Only Quorate: etcd maps its database with MAP_POPULATE when it starts (its mvcc/backend/config_linux.go), so it is
 * never cold.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type KvLoad, kvCalls } from "@quorate/server/load";
import { Cluster } from "../cluster/cluster.js";
import { fillByMulticall } from "./fill.js";
import { combined, httpTarget, type Measurement, type Pace, type Target } from "./measurement.js";
import { measuredTable } from "./report.js";
import type { Output } from "./slow-disks.js";

export async function coldReads(
  options: { readonly keys: number; readonly valueBytes: number; readonly rounds: number },
  pace: Pace,
  { progress, title, say }: Output,
): Promise<object> {
  if (process.platform !== "linux") {
    title("cold reads are left out: only GNU dd on Linux can empty the page cache");
    return {};
  }
  const load: KvLoad = {
    prefix: "bench/",
    keys: options.keys,
    valueBytes: options.valueBytes,
    readPercent: 100,
  };
  const runs: Record<"cold" | "warm", Measurement[]> = { cold: [], warm: [] };
  await using cluster = await Cluster.start({ nodes: 3 });
  await fillByMulticall((await cluster.leader()).url, load);
  for (let round = 1; round <= options.rounds; round++) {
    progress(`cold reads, round ${round}/${options.rounds}`);
    await Promise.all(cluster.nodes.map((node) => node.kill("SIGTERM")));
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    const leader = await cluster.leader();
    // After the start: it reads every table to check it. LevelDB maps tables only when they are first asked for.
    dropFromCache(cluster.folder);
    const target = httpTarget({
      name: "",
      calls: kvCalls(load),
      place: async () => ({ url: leader.url, servers: new Map([["leader", leader.pid]]) }),
    });
    runs.cold.push(await target.measure({ ...pace, warmUpMs: 0 }));
    runs.warm.push(await target.measure(pace));
  }
  const measured = new Map(
    (["cold", "warm"] as const).map((name) => [`kv.get, linearizable, ${name}`, combined(runs[name])]),
  );
  title(`closed loop, ${pace.connections} connections, after a restart with the data out of the page cache`);
  say(
    measuredTable(
      [...measured.keys()].map((name): Pick<Target, "name"> => ({ name })),
      measured,
    ),
  );
  return Object.fromEntries(measured);
}

/** What GNU dd documents for it: an empty copy with `oflag=nocache` asks the system to forget the file's pages. */
function dropFromCache(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const dd = spawnSync("dd", [
      `of=${file}`,
      "oflag=nocache",
      "conv=notrunc,nocreat,fdatasync",
      "count=0",
      "status=none",
    ]);
    // Files come and go while a database runs.
    if (dd.status !== 0 && !dd.stderr.toString().includes("No such file"))
      throw new Error(`dd could not drop ${file} from the page cache: ${dd.stderr}`);
  }
}
