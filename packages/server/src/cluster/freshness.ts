/**
 * How old this node's state can be at most. A *probe* is a read barrier: the leader confirms with a majority
 * that it still leads, and this node has applied everything that was committed by then. So everything that
 * was acknowledged before the probe was *sent* is in the state: its age is counted from there, on this
 * node's own monotonic clock alone. A probe that did not end well proves nothing, and neither does silence.
 *
 * Probes are sent only when a read asks for more than is known, one at a time, shared by all who wait.
 */
import type { Clock } from "@quorate/raft";
import type { Raft } from "./ports.js";

export class Freshness {
  readonly #raft: Pick<Raft, "readBarrier">;
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  /** When the newest probe that ended well was sent; monotonic milliseconds. */
  #provenAt = Number.NEGATIVE_INFINITY;
  #probing = false;
  /** Called whenever a probe has ended, well or not. */
  readonly #waiting = new Set<() => void>();

  constructor(raft: Pick<Raft, "readBarrier">, clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#raft = raft;
    this.#clock = clock;
  }

  /** Whether the state is known to be at most `boundMs` old now. */
  isWithin(boundMs: number): boolean {
    return this.#clock.monotonicMs() - this.#provenAt <= boundMs;
  }

  /**
   * Learn, by probing if need be, whether the state is at most `boundMs` old. `done(true)` is called while it
   * is: read in that very turn. `done(false)` after `waitMs`, or when a probe of this read's own did not reach
   * it. Called exactly once, possibly before this returns.
   */
  reach(boundMs: number, waitMs: number, done: (met: boolean) => void): void {
    if (this.isWithin(boundMs)) {
      done(true);
      return;
    }
    // One that is under way was sent before this read came and may be too old when it ends: then one more.
    let probes = this.#probing ? 2 : 1;
    const end = (met: boolean) => {
      cancel();
      this.#waiting.delete(probed);
      done(met);
    };
    const probed = () => {
      probes -= 1;
      if (this.isWithin(boundMs)) end(true);
      else if (probes === 0) end(false);
      else this.#probe();
    };
    const cancel = this.#clock.after(waitMs, () => end(false));
    this.#waiting.add(probed);
    this.#probe();
  }

  /** Raft ends every barrier, in order: a probe that waits for entries ends when they are applied. */
  #probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    const sentAt = this.#clock.monotonicMs();
    this.#raft.readBarrier((outcome) => {
      this.#probing = false;
      if (outcome.kind === "ready") this.#provenAt = sentAt;
      for (const probed of [...this.#waiting]) probed();
    });
  }
}
