/** Latencies of many calls in little memory: a high dynamic range histogram, true to one part in a thousand. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** All in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The largest itself, not its class. */
  readonly maxMs: number;
}

const microsecondsMax = 3_600_000_000;

export class Latencies {
  /** In microseconds. */
  readonly #histogram: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: microsecondsMax,
    figures: 3,
  });
  #maxMs = 0;

  record(ms: number): void {
    this.#histogram.record(Math.min(microsecondsMax, Math.max(1, Math.round(ms * 1000))));
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  add(other: Latencies): void {
    if (other.#histogram.count > 0) this.#histogram.add(other.#histogram);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** Null when nothing was recorded: there is no latency of no calls. */
  summary(): LatencySummary | null {
    const histogram = this.#histogram;
    if (histogram.count === 0) return null;
    const maxMs = rounded(this.#maxMs);
    const percentile = (share: number) => Math.min(histogram.percentile(share) / 1000, maxMs);
    return {
      count: histogram.count,
      meanMs: rounded(histogram.mean / 1000),
      p50Ms: percentile(50),
      p90Ms: percentile(90),
      p99Ms: percentile(99),
      p999Ms: percentile(99.9),
      maxMs,
    };
  }
}

/** To microseconds: finer is noise. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
