/** `npm run bench`: figures of this machine, side by side in one run. See README.md in this folder. */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { catchUp } from "./catch-up.js";
import { coldReads } from "./cold.js";
import { measureFailover } from "./failover.js";
import { inTurn, median, type Pace, type Series, type Target } from "./measurement.js";
import { type Options, type Part, parseOptions, usage } from "./options.js";
import { svgOf } from "./plot.js";
import { measuredTable } from "./report.js";
import { echoName, hasEtcd, hasPython, Servers } from "./servers.js";
import { slowDisks } from "./slow-disks.js";
import { sweep, sweepPlot, sweepTable } from "./sweep.js";

const closedTargets = [
  echoName,
  "kv.set at the leader",
  "etcd put",
  "SimpleXMLRPCServer, set",
  "kv.set at a follower, forwarded",
  "kv.get, linearizable",
  "etcd range, linearizable",
  "SimpleXMLRPCServer, get",
  "kv.get, stale",
  "etcd range, serializable",
  "half kv.set, half kv.get",
  "etcd half put, half range",
  "raw synced append",
];
const sweepTargets = [
  echoName,
  "kv.set at the leader",
  "etcd put",
  "kv.get, linearizable",
  "etcd range, linearizable",
];

const options = optionsOrUsage();
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort(new Error("interrupted")));
process.once("SIGTERM", () => interrupted.abort(new Error("interrupted")));

const machine = {
  processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  system: `${process.platform} ${process.arch}`,
  node: process.version,
};
const pace: Pace = {
  connections: options.connections[0] ?? 64,
  perSecond: null,
  warmUpMs: options.warmUpSeconds * 1000,
  measureMs: options.seconds * 1000,
  signal: interrupted.signal,
};
const run: Record<Part, () => Promise<unknown>> = { closed, open, disk, cold, catchup, failover };

say(`${machine.processors}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`);
say(
  `3 nodes, values of ${options.valueBytes} bytes, ${options.keys} keys; medians of ${options.rounds} runs of ${options.seconds} s in turn`,
);
if (!hasEtcd()) say("etcd is not installed (apt-get install etcd-server): its rows are left out");
if (!hasPython()) say("python3 is not installed: SimpleXMLRPCServer's rows are left out");
const report: Record<string, unknown> = { machine, options: { ...options, only: [...options.only] } };
try {
  for (const part of options.only) report[part] = await run[part]();
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  progress("");
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);

async function closed(): Promise<object> {
  await using servers = await Servers.start({ ...options, beside: ["echo", "append", "etcd", "python"] });
  const named = (name: string) =>
    options.targets.length === 0 || options.targets.some((t) => name.includes(t));
  const targets = servers.pick(closedTargets.filter(named));
  await settle(targets);
  const found: Record<string, Record<string, Series>> = {};
  for (const connections of options.connections) {
    const measured = await inTurn(targets, options.rounds, { ...pace, connections }, progress);
    title(`closed loop, ${connections} connection${connections === 1 ? "" : "s"}`);
    say(measuredTable(targets, measured));
    found[connections] = Object.fromEntries(measured);
  }
  return found;
}

/**
 * Figures are of servers that have run for a while, as they do. A node of Quorate takes some 80,000 calls until Node has
 * compiled all that it runs often, and is slower by a third before that.
 */
async function settle(targets: readonly Target[]): Promise<void> {
  if (options.settleSeconds === 0) return;
  const measureMs = options.settleSeconds * 1000;
  for (const target of targets) {
    progress(`warming up: ${target.name}`);
    await target.measure({ ...pace, warmUpMs: 0, measureMs });
  }
}

async function open(): Promise<unknown> {
  await using servers = await Servers.start({ ...options, beside: ["echo", "etcd"] });
  const points = await sweep(servers.pick(sweepTargets), options.rounds, pace, progress);
  title(`open loop, ${pace.connections} connections, latency from when a call was meant to start`);
  say(sweepTable(points));
  if (options.svg !== undefined) {
    const plot = sweepPlot(points, `Latency against offered load: ${machine.processors}`);
    writeFileSync(options.svg, svgOf(plot));
  }
  return points;
}

async function disk(): Promise<unknown> {
  return slowDisks(options, pace, { progress, title, say });
}

async function cold(): Promise<unknown> {
  return coldReads(options, pace, { progress, title, say });
}

async function catchup(): Promise<unknown> {
  const { behindMiB } = options;
  // Five times as long as other runs: there is one of each, and few calls to take a percentile of.
  return catchUp(
    { behindMiB, seconds: 5 * options.seconds, signal: interrupted.signal },
    { progress, title, say },
  );
}

async function failover(): Promise<object> {
  const gaps = await measureFailover(options.failovers, progress);
  title(
    `time without acknowledged writes after kill -9 of the leader, default settings, ${gaps.length} rounds`,
  );
  const found = { medianMs: Math.round(median(gaps)), worstMs: Math.round(Math.max(...gaps)) };
  say(`median ${found.medianMs} ms, worst ${found.worstMs} ms`);
  return { ...found, rounds: gaps.map(Math.round) };
}

function optionsOrUsage(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}

/** Shown to a person; a pipe stays quiet. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function title(text: string): void {
  progress("");
  say(`\n${text}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
