/** The verdict of a run, and its table. */
import type { Fault } from "./fault.js";
import type { Row } from "./phases.js";

export interface Report {
  readonly seed: number;
  readonly nodes: number;
  readonly seconds: number;
  readonly rows: readonly Row[];
  /** Calls whose answers were checked. */
  readonly calls: number;
  readonly windows: number;
  /** Of the probes; each one was looked for on every node. */
  readonly acknowledgedWrites: number;
  readonly secondsWithWrites: number;
  readonly secondsProbed: number;
  /** Sentences; empty when the run is sound. */
  readonly violations: readonly string[];
}

const columns: readonly (readonly [title: string, cell: (row: Row) => string])[] = [
  ["fault", (row) => row.fault],
  ["times", (row) => `${row.times}`],
  ["ok", (row) => `${row.ok}`],
  ["refused", (row) => `${row.refused}`],
  ["unknown", (row) => `${row.unknown}`],
  ["longest gap ms", (row) => `${row.longestGapMs}`],
  ["recovery ms", (row) => `${row.recoveryMs}`],
  ["terms", (row) => `${row.terms}`],
];

/** The longest gap under faults that leave a majority able to work. */
export function worstGap(report: Report, faults: readonly Fault[]): Row | undefined {
  const stopping = new Set(
    faults.filter(({ stopsMajority }) => stopsMajority === true).map(({ name }) => name),
  );
  return report.rows
    .filter(({ fault }) => !stopping.has(fault))
    .reduce<Row | undefined>(
      (worst, row) => (row.longestGapMs > (worst?.longestGapMs ?? -1) ? row : worst),
      undefined,
    );
}

export function table(rows: readonly Row[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function summary(report: Report, faults: readonly Fault[]): string {
  const gap = worstGap(report, faults);
  const stopping = report.rows.filter(({ fault }) =>
    faults.some(({ name, stopsMajority }) => name === fault && stopsMajority === true),
  );
  return [
    `${report.nodes} nodes, ${report.seconds} s, seed ${report.seed}`,
    `histories          ${report.calls} calls checked, in ${report.windows} windows`,
    `acknowledged       ${report.acknowledgedWrites} probes, each looked for on every node`,
    `available          in ${report.secondsWithWrites} of ${report.secondsProbed} seconds a write was acknowledged`,
    `longest write gap  ${gap === undefined ? "none" : `${gap.longestGapMs} ms (${gap.fault})`}`,
    ...stopping.map(
      ({ fault, longestGapMs }) =>
        `                   ${fault} leaves no majority and is not counted: ${longestGapMs} ms`,
    ),
    report.violations.length === 0
      ? "linearizable, no acknowledged write lost, all nodes hold the same"
      : `WRONG:\n${report.violations.map((text) => `  ${text}`).join("\n")}`,
  ].join("\n");
}
