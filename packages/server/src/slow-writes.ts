/**
 * Says in the log that the disk is slow: calls wait for it, leaders are asked to step down for it, and who looks for the
 * cause seldom thinks of the disk.
 */
import type { Clock, RaftLog } from "@quorate/raft";

/** A healthy disk takes less than 10 ms; a leader of the default timing is asked to step down after 1,500. */
const slowMs = 500;
const pauseMs = 60_000;

export class SlowWrites {
  readonly #log: Pick<RaftLog, "warn">;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #quietUntil = Number.NEGATIVE_INFINITY;
  /** Not told yet. */
  #count = 0;
  #longestMs = 0;

  constructor(log: Pick<RaftLog, "warn">, clock: Pick<Clock, "monotonicMs">) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A synced batch took so long. Told at most once a minute. */
  wrote(tookMs: number): void {
    if (tookMs < slowMs) return;
    this.#count++;
    this.#longestMs = Math.max(this.#longestMs, Math.round(tookMs));
    const now = this.#clock.monotonicMs();
    if (now < this.#quietUntil) return;
    const [count, longestMs] = [this.#count, this.#longestMs];
    this.#quietUntil = now + pauseMs;
    this.#count = 0;
    this.#longestMs = 0;
    const writes = count === 1 ? "a synced write" : `${count} synced writes`;
    this.#log.warn(
      { count, longestMs },
      `${writes} took up to ${longestMs} ms, where a healthy disk takes less than 10: look for what else uses the disk of ` +
        "the data folder, or give it one of its own",
    );
  }
}
