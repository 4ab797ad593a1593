/** What the voters' clocks say of this node's: arithmetic on what was measured, and nothing else. */

/** Clocks that differ by more, beyond what the measurement leaves open, do not agree: milliseconds. */
export const clocksAgreeMs = 1_000;

/** A clock, as this node sees it. */
export interface ClockReading {
  readonly node: string;
  /** That clock minus this node's, milliseconds. */
  readonly offsetMs: number;
  /** The true offset differs from it by no more than this, milliseconds. */
  readonly uncertaintyMs: number;
}

/** A majority of the voters whose clocks agree. */
export interface ClockMajority {
  /** In the order of their clocks. */
  readonly readings: readonly ClockReading[];
  /** This node's clock minus the median of theirs, milliseconds: positive = this node is ahead. */
  readonly aheadMs: number;
}

/**
 * The largest majority whose clocks agree, the closest one of equal size; null when there is none, because too few
 * were read or because they differ.
 *
 * @param readings of voters, this node's own (offset 0) among them if it is one; no node twice
 * @param voters how many there are, read or not
 */
export function agreeingMajority(readings: readonly ClockReading[], voters: number): ClockMajority | null {
  const sorted = readings.toSorted((a, b) => a.offsetMs - b.offsetMs);
  const [best] = sorted
    .map((first, from) => {
      const others = sorted.slice(from + 1);
      const stranger = others.findIndex((other) => !agree(first, other));
      return [first, ...(stranger === -1 ? others : others.slice(0, stranger))];
    })
    .toSorted((a, b) => b.length - a.length || width(a) - width(b));
  if (best === undefined || 2 * best.length <= voters) return null;
  return { readings: best, aheadMs: -median(best) };
}

/** Whether this node's clock differs from each of these others by more than `limitMs`, however badly they were measured. */
export function isFar(others: readonly ClockReading[], limitMs: number): boolean {
  const isOff = ({ offsetMs, uncertaintyMs }: ClockReading) => Math.abs(offsetMs) > limitMs + uncertaintyMs;
  return others.length > 0 && others.every(isOff);
}

function agree(a: ClockReading, b: ClockReading): boolean {
  return b.offsetMs - a.offsetMs <= clocksAgreeMs + a.uncertaintyMs + b.uncertaintyMs;
}

function width(sorted: readonly ClockReading[]): number {
  return (sorted.at(-1)?.offsetMs ?? 0) - (sorted.at(0)?.offsetMs ?? 0);
}

function median(sorted: readonly ClockReading[]): number {
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)]?.offsetMs ?? 0) + (sorted[Math.ceil(half)]?.offsetMs ?? 0)) / 2;
}
