/** `npm run bench`: figures of this machine, side by side in one run. See README.md in this folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Cluster } from "../cluster/cluster.js";
import { measureFailover } from "./failover.js";
import { closedLoop, type LoadResult } from "./load.js";

const { values: args } = parseArgs({
  options: {
    connections: { type: "string", default: "64" },
    seconds: { type: "string", default: "4" },
    runs: { type: "string", default: "5" },
    failovers: { type: "string", default: "20" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const connections = Number(args.connections);
const runs = Number(args.runs);
const measureMs = Number(args.seconds) * 1000;
const payload = "x".repeat(256);
const keys = 10_000;

interface Target {
  readonly name: string;
  readonly url: string;
  readonly body: (count: number) => string;
}

/** Shown to a person; a pipe stays quiet. */
const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

const call = (method: string, params: string) =>
  `<?xml version='1.0'?>\n<methodCall>\n<methodName>${method}</methodName>\n<params>\n${params}</params>\n</methodCall>\n`;
const text = (value: string) => `<param>\n<value><string>${value}</string></value>\n</param>\n`;
const set = (count: number) => call("kv.set", text(`key-${count % keys}`) + text(payload));
const get = (count: number) => call("kv.get", text(`key-${count % keys}`) + text("missing"));

async function startEcho(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./echo-server.js", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  if (child.stdout === null) throw new Error("the echo server has no output");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, url: `http://127.0.0.1:${line.toString().trim()}/RPC2` };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function throughput(): Promise<object[]> {
  const echo = await startEcho();
  await using cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  const [follower] = await cluster.followers();
  const targets: Target[] = [
    { name: "bare fastify echo", url: echo.url, body: set },
    { name: "kv.set at the leader", url: leader.rpcUrl, body: set },
    { name: "kv.get at the leader, linearizable", url: leader.rpcUrl, body: get },
    { name: "kv.get at the leader, stale", url: `${leader.rpcUrl}?consistency=stale`, body: get },
    { name: "kv.set at a follower, forwarded", url: `${follower?.rpcUrl}?route=forward`, body: set },
  ];
  const results = new Map<string, LoadResult[]>(targets.map((target) => [target.name, []]));
  for (let run = 0; run < runs; run++) {
    // In turn, so that a machine whose speed drifts treats all alike.
    for (const target of targets) {
      progress(`run ${run + 1}/${runs}: ${target.name}`);
      const result = await closedLoop({ ...target, connections, warmUpMs: 1000, measureMs });
      results.get(target.name)?.push(result);
    }
  }
  progress("");
  echo.child.kill();
  return targets.map((target) => {
    const all = results.get(target.name) ?? [];
    return {
      target: target.name,
      perSecond: Math.round(median(all.map((one) => one.requestsPerSecond))),
      p50Ms: median(all.map((one) => one.p50Ms)),
      p99Ms: median(all.map((one) => one.p99Ms)),
      errors: all.reduce((sum, one) => sum + one.errors, 0),
    };
  });
}

function printThroughput(rows: readonly object[]): void {
  const floor = rows[0] as { perSecond: number };
  console.log(
    `3 nodes, ${connections} connections, closed loop, values of 256 bytes; median of ${runs} runs of ${args.seconds} s`,
  );
  console.table(
    (rows as { perSecond: number }[]).map((row) => ({
      ...row,
      ofEcho: `${((100 * row.perSecond) / floor.perSecond).toFixed(0)} %`,
    })),
  );
}

const report: Record<string, unknown> = {
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`,
};
if (!args.json) console.log(String(report.machine));
if (args.only === "" || args.only === "throughput") {
  const rows = await throughput();
  report.throughput = rows;
  if (!args.json) printThroughput(rows);
}
if (args.only === "" || args.only === "failover") {
  const gaps = await measureFailover(Number(args.failovers), progress);
  progress("");
  report.failover = {
    medianMs: Math.round(median(gaps)),
    worstMs: Math.round(Math.max(...gaps)),
    rounds: gaps.map(Math.round),
  };
  if (!args.json) {
    console.log(
      `time without acknowledged writes after kill -9 of the leader, default settings, ${gaps.length} rounds:`,
    );
    console.log(`  median ${median(gaps).toFixed(0)} ms, worst ${Math.max(...gaps).toFixed(0)} ms`);
  }
}
if (args.json) console.log(JSON.stringify(report, null, 2));
