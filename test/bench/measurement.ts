/** One run of one target, and what several of them say together. */
import { type Calls, type LatencySummary, type LoadResult, runHttpLoad } from "@quorate/server/load";
import { type ProcessUsage, UsageWatch } from "./usage.js";

export interface Pace {
  readonly connections: number;
  /** Calls a second of an open loop; null for a closed one. */
  readonly perSecond: number | null;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly signal: AbortSignal;
}

export interface ProcessCost {
  readonly cpuUsPerCall: number;
  readonly rssStartMiB: number;
  readonly rssEndMiB: number;
  readonly rssMaxMiB: number;
}

export interface Measurement {
  /** Good answers a second. */
  readonly perSecond: number;
  readonly latency: LatencySummary | null;
  readonly failed: number;
  readonly unsent: number;
  /** Open loop: how late the generator itself was, in the middle; a part of the latency that no server is to blame for. */
  readonly latenessP50Ms: number | null;
  /** Runs at whose end another node led than at their start: their figures hold an election. */
  readonly leaderMoved: number;
  /** By process; `generator` is the bench itself. */
  readonly processes: Readonly<Record<string, ProcessCost>>;
}

/** Several runs of one target: the median of each figure. */
export interface Series extends Measurement {
  /** One of each round, in their order: what is compared between targets is compared within a round. */
  readonly runs: readonly Measurement[];
}

export interface Target {
  readonly name: string;
  /** What etcd does in its place, if there is such a target. */
  readonly likeEtcd?: string;
  readonly measure: (pace: Pace) => Promise<Measurement>;
}

export interface Place {
  readonly url: string;
  /** Process ids of the servers, by name; `leader` comes first where there is one. */
  readonly servers: ReadonlyMap<string, number>;
}

export interface HttpTarget {
  readonly name: string;
  readonly likeEtcd?: string;
  readonly calls: Calls;
  /** Where the calls go: asked anew for each run, because leadership may have moved. */
  readonly place: () => Promise<Place>;
}

/** Silence after which a call counts as lost: longer than any deadline of a server. */
const timeoutMs = 20_000;

export function httpTarget({ calls, place, ...names }: HttpTarget): Target {
  return {
    ...names,
    measure: async ({ signal, ...pace }) => {
      signal.throwIfAborted();
      const { url, servers } = await place();
      let watch: UsageWatch | undefined;
      const timer = setTimeout(() => {
        watch = new UsageWatch(new Map([...servers, ["generator", process.pid]]));
      }, pace.warmUpMs);
      const result = await runHttpLoad({ urls: [url], calls, ...pace, timeoutMs, signal });
      clearTimeout(timer);
      const usage = watch?.stop() ?? new Map<string, ProcessUsage>();
      signal.throwIfAborted();
      const moved = (await place()).servers.get("leader") !== servers.get("leader");
      return { ...measurementOf(result, usage), leaderMoved: moved ? 1 : 0 };
    },
  };
}

function measurementOf(
  result: LoadResult,
  usage: ReadonlyMap<string, ProcessUsage>,
): Omit<Measurement, "leaderMoved"> {
  const calls = Math.max(1, (result.perSecond * result.measuredMs) / 1000);
  const processes = [...usage].map(([name, { cpuMs, ...rss }]) => [
    name,
    { cpuUsPerCall: (cpuMs * 1000) / calls, ...rss },
  ]);
  return {
    perSecond: result.perSecond,
    latency: result.latency,
    failed: Object.values(result.errors).reduce((sum, count) => sum + count, 0),
    unsent: result.unsent,
    latenessP50Ms: result.lateness?.p50Ms ?? null,
    processes: Object.fromEntries(processes),
  };
}

export const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
};

/**
 * The middle of how many times as much one target has as another in the same round. A machine that is slow for some
 * rounds is slow for both, so this varies less than the ratio of two medians.
 */
export function ratioWithinRounds(one: Series, other: Series, figure: (run: Measurement) => number): number {
  return median(
    one.runs.flatMap((run, round) => {
      const beside = other.runs[round];
      return beside === undefined ? [] : [figure(run) / figure(beside)];
    }),
  );
}

/** The median of each figure, the sum of what went wrong, and memory from the first start to the last end. */
export function combined(runs: readonly Measurement[]): Series {
  const latencies = runs.map((run) => run.latency).filter((latency) => latency !== null);
  const latenesses = runs.map((run) => run.latenessP50Ms).filter((lateness) => lateness !== null);
  const names = Object.keys(runs[0]?.processes ?? {});
  return {
    runs,
    perSecond: median(runs.map((run) => run.perSecond)),
    latency: latencies.length === 0 ? null : medianLatency(latencies),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
    unsent: runs.reduce((sum, run) => sum + run.unsent, 0),
    leaderMoved: runs.reduce((sum, run) => sum + run.leaderMoved, 0),
    latenessP50Ms: latenesses.length === 0 ? null : median(latenesses),
    processes: Object.fromEntries(
      names.map((name) => [name, combinedCost(runs.map((run) => run.processes[name]))]),
    ),
  };
}

function medianLatency(latencies: readonly LatencySummary[]): LatencySummary {
  const of = (figure: keyof LatencySummary) => median(latencies.map((latency) => latency[figure]));
  return {
    count: latencies.reduce((sum, latency) => sum + latency.count, 0),
    meanMs: of("meanMs"),
    p50Ms: of("p50Ms"),
    p90Ms: of("p90Ms"),
    p99Ms: of("p99Ms"),
    p999Ms: of("p999Ms"),
    maxMs: Math.max(...latencies.map((latency) => latency.maxMs)),
  };
}

function combinedCost(costs: readonly (ProcessCost | undefined)[]): ProcessCost {
  const known = costs.filter((cost) => cost !== undefined);
  return {
    cpuUsPerCall: median(known.map((cost) => cost.cpuUsPerCall)),
    rssStartMiB: known[0]?.rssStartMiB ?? 0,
    rssEndMiB: known.at(-1)?.rssEndMiB ?? 0,
    rssMaxMiB: Math.max(...known.map((cost) => cost.rssMaxMiB)),
  };
}

/** All targets in turn, round after round, there and back, so that a machine whose speed drifts treats all alike. */
export async function inTurn(
  targets: readonly Target[],
  rounds: number,
  pace: Pace,
  progress: (text: string) => void,
): Promise<ReadonlyMap<string, Series>> {
  const runs = new Map<string, Measurement[]>(targets.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const target of round % 2 === 1 ? targets : targets.toReversed()) {
      progress(`${pace.connections} connections, round ${round}/${rounds}: ${target.name}`);
      runs.get(target.name)?.push(await target.measure(pace));
    }
  }
  return new Map([...runs].map(([name, measured]) => [name, combined(measured)]));
}
