/** What clients saw, phase by phase: one phase per fault, from its beginning until all is normal again. */
import type { RegisterOperation } from "../cluster/workload.js";
import { gapsMs, longestGapMs } from "./probes.js";

export interface Counts {
  ok: number;
  /** Surely not executed: refused by a node, or by a closed port. */
  refused: number;
  unknown: number;
}

export interface Phase {
  /** Null: calm. */
  readonly fault: string | null;
  readonly from: number;
  to: number;
  readonly counts: Counts;
  /** From the fault's end until every node acknowledged a new write. */
  recoveryMs: number;
  /** By how much the cluster's term rose. */
  terms: number;
}

export class Phases {
  readonly all: Phase[] = [];
  #current: Phase;

  constructor() {
    this.#current = this.begin(null);
  }

  begin(fault: string | null): Phase {
    const now = performance.now();
    const last = this.all.at(-1);
    if (last !== undefined) last.to = now;
    const counts = { ok: 0, refused: 0, unknown: 0 };
    this.#current = { fault, from: now, to: now, counts, recoveryMs: 0, terms: 0 };
    this.all.push(this.#current);
    return this.#current;
  }

  ended(kind: RegisterOperation["outcome"]["kind"]): void {
    const { counts } = this.#current;
    if (kind === "ok") counts.ok++;
    else if (kind === "failed") counts.refused++;
    else counts.unknown++;
  }
}

export interface Row {
  readonly fault: string;
  readonly times: number;
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  readonly longestGapMs: number;
  /** Every gap of at least `longGapMs`, in order. */
  readonly longGapsMs: readonly number[];
  /** How long these phases took together, recovery included. */
  readonly seconds: number;
  readonly recoveryMs: number;
  readonly terms: number;
}

/** Several heartbeats long, and shorter than any election that begins with a timeout. */
export const longGapMs = 300;

export const calm = "(no fault)";

/** One row per fault, the worst of each figure, in order of appearance. */
export function rowsOf(phases: readonly Phase[], acknowledgedAt: readonly number[]): readonly Row[] {
  const byFault = new Map<string, Phase[]>();
  for (const phase of phases) {
    const name = phase.fault ?? calm;
    byFault.set(name, [...(byFault.get(name) ?? []), phase]);
  }
  return [...byFault].map(([fault, same]) => {
    const sum = (of: (phase: Phase) => number) => same.reduce((total, phase) => total + of(phase), 0);
    const worst = (of: (phase: Phase) => number) => Math.round(Math.max(...same.map(of)));
    return {
      fault,
      times: same.length,
      ok: sum(({ counts }) => counts.ok),
      refused: sum(({ counts }) => counts.refused),
      unknown: sum(({ counts }) => counts.unknown),
      longestGapMs: worst(({ from, to }) => longestGapMs(acknowledgedAt, from, to)),
      longGapsMs: same.flatMap(({ from, to }) =>
        gapsMs(acknowledgedAt, from, to)
          .filter((gap) => gap >= longGapMs)
          .map(Math.round),
      ),
      seconds: Math.round(sum(({ from, to }) => to - from) / 1000),
      recoveryMs: worst(({ recoveryMs }) => recoveryMs),
      terms: sum(({ terms }) => terms),
    };
  });
}

/** Of the whole seconds in `[from, to]`, those in which a write was acknowledged. */
export function secondsWithWrites(
  acknowledgedAt: readonly number[],
  from: number,
  to: number,
): readonly [number, number] {
  const seconds = Math.floor((to - from) / 1000);
  const seen = new Set(acknowledgedAt.map((at) => Math.floor((at - from) / 1000)));
  return [[...seen].filter((second) => second >= 0 && second < seconds).length, seconds];
}
