/** What the benchmark prints: a table for each part. */
import {
  type Measurement,
  type ProcessCost,
  ratioWithinRounds,
  type Series,
  type Target,
} from "./measurement.js";
import { echoName } from "./servers.js";

export type Measured = ReadonlyMap<string, Series>;

/** Throughput, latency, processor time and memory of each target, and its ratio to the floor and to etcd. */
export function measuredTable(
  targets: readonly Pick<Target, "name" | "likeEtcd">[],
  measured: Measured,
): string {
  const echo = measured.get(echoName);
  const rows = targets.flatMap((target) => {
    const one = measured.get(target.name);
    if (one === undefined) return [];
    const etcd = measured.get(target.likeEtcd ?? "");
    const { latency } = one;
    return [
      [
        target.name,
        String(Math.round(one.perSecond)),
        ratio(one, echo, perSecond),
        ratio(one, etcd, perSecond),
        ...[latency?.p50Ms, latency?.p99Ms, latency?.p999Ms].map(milliseconds),
        ...costs(one),
        ratio(one, etcd, serversCpu),
        memory(one),
        String(one.failed),
      ],
    ];
  });
  const header = [
    "TARGET",
    "CALLS/S",
    "× ECHO",
    "× ETCD",
    "P50 MS",
    "P99 MS",
    "P99.9 MS",
    "CPU µs/CALL",
    "GENERATOR",
    "CPU × ETCD",
    "RSS MiB",
    "FAILED",
  ];
  return [columns(header, rows), ...elections(measured)].join("\n");
}

/** Said only where it happened, on machines with too little time for everybody. */
function elections(measured: Measured): readonly string[] {
  const moved = [...measured].filter(([, one]) => one.leaderMoved > 0);
  if (moved.length === 0) return [];
  const runs = moved.reduce((sum, [, one]) => sum + one.leaderMoved, 0);
  const names = moved.map(([name, one]) => `${name} (${one.leaderMoved})`).join(", ");
  return [`another node led at the end of ${runs} of the runs: ${names}`];
}

function serversOf({ processes }: Measurement): readonly ProcessCost[] {
  const { generator: _, ...servers } = processes;
  return Object.values(servers);
}

/** Processor time of a call in all servers together: what limits throughput where they share a machine. */
const serversCpu = (one: Measurement): number =>
  serversOf(one).reduce((sum, server) => sum + server.cpuUsPerCall, 0);

/** Processor time of the servers one by one, the leader first, and of the generator. */
function costs(one: Measurement): readonly string[] {
  const servers = serversOf(one);
  const { generator } = one.processes;
  return [
    servers.length === 0 ? "-" : servers.map((server) => Math.round(server.cpuUsPerCall)).join("+"),
    generator === undefined ? "-" : String(Math.round(generator.cpuUsPerCall)),
  ];
}

/** Of the largest server. */
function memory(one: Measurement): string {
  const largest = serversOf(one).toSorted((a, b) => b.rssMaxMiB - a.rssMaxMiB)[0];
  if (largest === undefined) return "-";
  return [largest.rssStartMiB, largest.rssEndMiB, largest.rssMaxMiB].map(Math.round).join("/");
}

const perSecond = (one: Measurement): number => one.perSecond;

function ratio(one: Series, to: Series | undefined, figure: (run: Measurement) => number): string {
  if (to === undefined || figure(to) === 0) return "-";
  return ratioWithinRounds(one, to, figure).toFixed(2);
}

export const milliseconds = (ms: number | undefined): string =>
  ms === undefined ? "-" : ms < 10 ? ms.toFixed(2) : ms.toFixed(1);

/** The first column to the left, figures to the right. */
export function columns(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [header, ...rows]
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
