/** The benchmark's command line. */
import { parseArgs } from "node:util";

export const parts = ["closed", "open", "disk", "cold", "catchup", "failover"] as const;
export type Part = (typeof parts)[number];

export interface Options {
  readonly only: ReadonlySet<Part>;
  /** Parts of the names of the closed loop's targets to measure; empty for all. */
  readonly targets: readonly string[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Load on each target before the first run: Node compiles what it runs often while it runs. */
  readonly settleSeconds: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly keys: number;
  readonly valueBytes: number;
  /** Milliseconds that every sync of a slow disk takes longer. */
  readonly delaysMs: readonly number[];
  /** MiB of state that the node misses which catches up. */
  readonly behindMiB: number;
  readonly failovers: number;
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

export const usage = `npm run bench -- [options]
  --only PART,…       closed, open, disk, cold, catchup, failover (all)
  --targets TEXT,…    in part closed, only targets with one of these in their names (all)
  --seconds N         measured time of a run (3)
  --warm-up N         seconds before that, of every run (1)
  --settle N          seconds of load on each target before its first run, in part closed (10)
  --rounds N          runs of each target, in turn; medians are printed (3)
  --connections N,…   closed loops with so many (64,1); the first is also the open loop's
  --keys N            keys that are written and read (10000)
  --value-bytes N     length of the written values (256)
  --delays N,…        milliseconds that every sync of a slow disk takes longer (1,5,10)
  --behind N          MiB of state that the node misses which catches up (1024)
  --failovers N       kills of the leader (20)
  --json FILE         everything that was measured
  --svg FILE          a plot of latency against offered load (part open)`;

/** @throws Error that says what was expected */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: parts.join(",") },
      targets: { type: "string" },
      seconds: { type: "string", default: "3" },
      "warm-up": { type: "string", default: "1" },
      settle: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      connections: { type: "string", default: "64,1" },
      keys: { type: "string", default: "10000" },
      "value-bytes": { type: "string", default: "256" },
      delays: { type: "string", default: "1,5,10" },
      behind: { type: "string", default: "1024" },
      failovers: { type: "string", default: "20" },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  const only = values.only.split(",").map((name) => {
    const part = parts.find((known) => known === name);
    if (part === undefined) throw new Error(`--only: expected some of ${parts.join(",")}, got ${name}`);
    return part;
  });
  return {
    only: new Set(only),
    targets: values.targets?.split(",") ?? [],
    seconds: within("--seconds", values.seconds, 0.1, 3600),
    warmUpSeconds: within("--warm-up", values["warm-up"], 0, 3600),
    settleSeconds: within("--settle", values.settle, 0, 3600),
    rounds: whole("--rounds", values.rounds, 1, 1000),
    connections: values.connections.split(",").map((text) => whole("--connections", text, 1, 1000)),
    keys: whole("--keys", values.keys, 1, 1_000_000),
    valueBytes: whole("--value-bytes", values["value-bytes"], 1, 1024 * 1024),
    delaysMs: values.delays.split(",").map((text) => whole("--delays", text, 1, 1000)),
    behindMiB: whole("--behind", values.behind, 1, 100_000),
    failovers: whole("--failovers", values.failovers, 1, 1000),
    json: values.json,
    svg: values.svg,
  };
}

function within(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most))
    throw new Error(`${flag}: expected a number from ${least} to ${most}, got ${JSON.stringify(text)}`);
  return value;
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = within(flag, text, least, most);
  if (!Number.isInteger(value)) throw new Error(`${flag}: expected a whole number, got ${text}`);
  return value;
}
