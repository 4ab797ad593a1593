/** Latency against offered load: open loops at shares of what a closed loop reaches. */
import { inTurn, type Measurement, type Pace, type Target } from "./measurement.js";
import type { Plot, Series } from "./plot.js";
import { columns, milliseconds } from "./report.js";

export const shares = [0.1, 0.25, 0.5, 0.75, 0.9] as const;

export interface SweepPoint {
  readonly target: string;
  /** Of the closed loop's throughput, which was measured just before. */
  readonly share: number;
  readonly offeredPerSecond: number;
  readonly measured: Measurement;
}

export async function sweep(
  targets: readonly Target[],
  rounds: number,
  pace: Pace,
  progress: (text: string) => void,
): Promise<readonly SweepPoint[]> {
  const closed = await inTurn(targets, 1, { ...pace, perSecond: null }, progress);
  const points: SweepPoint[] = [];
  for (const share of shares) {
    const offered = new Map<string, number>();
    const open = targets.map((target): Target => {
      const perSecond = Math.max(1, Math.round((closed.get(target.name)?.perSecond ?? 0) * share));
      offered.set(target.name, perSecond);
      return { ...target, measure: (given) => target.measure({ ...given, perSecond }) };
    });
    const measured = await inTurn(open, rounds, pace, (text) => progress(`${share * 100} % load, ${text}`));
    for (const [target, one] of measured)
      points.push({ target, share, offeredPerSecond: offered.get(target) ?? 0, measured: one });
  }
  return points;
}

export function sweepTable(points: readonly SweepPoint[]): string {
  const header = [
    "TARGET",
    "LOAD",
    "OFFERED/S",
    "ANSWERED/S",
    "LATE MS",
    "P50 MS",
    "P99 MS",
    "P99.9 MS",
    "MAX MS",
    "UNSENT",
    "FAILED",
  ];
  const byTarget = points.toSorted((a, b) => a.target.localeCompare(b.target) || a.share - b.share);
  return columns(
    header,
    byTarget.map(({ target, share, offeredPerSecond, measured }) => [
      target,
      `${share * 100} %`,
      String(offeredPerSecond),
      String(Math.round(measured.perSecond)),
      ...[
        measured.latenessP50Ms ?? undefined,
        measured.latency?.p50Ms,
        measured.latency?.p99Ms,
        measured.latency?.p999Ms,
        measured.latency?.maxMs,
      ].map(milliseconds),
      String(measured.unsent),
      String(measured.failed),
    ]),
  );
}

export function sweepPlot(points: readonly SweepPoint[], title: string): Plot {
  const names = [...new Set(points.map((point) => point.target))];
  const series = names.flatMap((name, group): Series[] => {
    const own = points.filter((point) => point.target === name);
    const percentile = (label: string, figure: "p50Ms" | "p99Ms", dashed: boolean): Series => ({
      name: `${name}, ${label}`,
      group,
      dashed,
      points: own.flatMap(({ offeredPerSecond: x, measured: { latency } }) =>
        latency === null ? [] : [{ x, y: latency[figure] }],
      ),
    });
    return [percentile("p99", "p99Ms", false), percentile("p50", "p50Ms", true)];
  });
  return {
    title,
    xLabel: "offered calls a second (open loop)",
    yLabel: "latency from the intended time, ms",
    series,
  };
}
