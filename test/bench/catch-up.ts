/** A node that is far behind catches up by a snapshot while clients write: how long, and what the writes feel of it. */
import { type KvLoad, kvCalls, type LoadResult, runHttpLoad } from "@quorate/server/load";
import { Cluster, type ClusterNode, until } from "../cluster/cluster.js";
import { status } from "../cluster/status.js";
import { fillByMulticall } from "./fill.js";
import { columns, milliseconds } from "./report.js";
import type { Output } from "./slow-disks.js";

export interface CatchUpOptions {
  /** Of state that the node misses. */
  readonly behindMiB: number;
  /** Of the writes before and after. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const valueBytes = 64 * 1024;
const perMiB = (1024 * 1024) / valueBytes;
/** Writes a second, evenly spaced: a service at work, not one at its limit. */
const perSecond = 200;
const small: KvLoad = { prefix: "small/", keys: 1000, valueBytes: 256, readPercent: 0 };
/** So many entries behind the leader count as caught up: some are always under way. */
const lagMax = 100;
const hourMs = 3_600_000;

export async function catchUp(
  { behindMiB, seconds, signal }: CatchUpOptions,
  { progress, title, say }: Output,
): Promise<object> {
  await using cluster = await Cluster.start({ nodes: 3 });
  const [behind] = await cluster.followers();
  if (behind === undefined) throw new Error("three nodes have two followers");
  const leader = await cluster.leader();
  await behind.kill("SIGKILL");
  progress(`catch-up: writing ${behindMiB} MiB`);
  const large: KvLoad = { ...small, prefix: "large/", keys: behindMiB * perMiB, valueBytes };
  await fillByMulticall(leader.url, large);

  const writes = (measureMs: number, until: AbortSignal) =>
    runHttpLoad({
      urls: [leader.url],
      calls: kvCalls(small),
      connections: 16,
      perSecond,
      warmUpMs: 1000,
      measureMs,
      timeoutMs: 20_000,
      signal: AbortSignal.any([signal, until]),
    });
  const never = new AbortController().signal;
  const phases = new Map<string, LoadResult>();
  progress("catch-up: writes with two of three nodes");
  phases.set("two of three nodes", await writes(seconds * 1000, never));

  const caughtUp = new AbortController();
  const startedAt = performance.now();
  behind.start();
  const during = writes(hourMs, caughtUp.signal);
  for (;;) {
    signal.throwIfAborted();
    const { lag, installed } = await distance(leader, behind);
    progress(`catch-up: ${lag} entries behind`);
    if (installed && lag <= lagMax) break;
  }
  const tookMs = performance.now() - startedAt;
  caughtUp.abort();
  phases.set("while the third catches up", await during);
  await behind.ready();
  progress("catch-up: writes with three nodes");
  phases.set("three nodes", await writes(seconds * 1000, never));

  const normal = phases.get("three nodes")?.latency?.p99Ms ?? Number.NaN;
  const meanwhile = phases.get("while the third catches up")?.latency?.p99Ms ?? Number.NaN;
  title(`a node ${behindMiB} MiB behind catches up, while ${perSecond} writes a second go on`);
  say(
    columns(
      ["PHASE", "SECONDS", "ANSWERED/S", "P50 MS", "P99 MS", "P99.9 MS", "MAX MS", "FAILED"],
      [...phases].map(([phase, { measuredMs, perSecond: rate, latency, errors }]) => [
        phase,
        (measuredMs / 1000).toFixed(1),
        String(Math.round(rate)),
        ...[latency?.p50Ms, latency?.p99Ms, latency?.p999Ms, latency?.maxMs].map(milliseconds),
        String(Object.values(errors).reduce((sum, count) => sum + count, 0)),
      ]),
    ),
  );
  const took = tookMs / 1000;
  say(
    `caught up ${took.toFixed(1)} s after its start, ${(behindMiB / took).toFixed(0)} MiB a second; ` +
      `p99 ${(meanwhile / normal).toFixed(2)} x that of three nodes`,
  );
  return { behindMiB, tookMs, phases: Object.fromEntries(phases), p99Ratio: meanwhile / normal };
}

/** How far `behind` is, and whether the snapshot is in its place. */
async function distance(leader: ClusterNode, behind: ClusterNode) {
  const [theirs, own] = await until("both nodes to say how far they are", async () => {
    const both = await Promise.all([status(leader), status(behind)]);
    return both[0] === undefined || both[1] === undefined ? undefined : ([both[0], both[1]] as const);
  });
  return { lag: theirs.lastIndex - own.appliedIndex, installed: own.snapshotFrom === null };
}
