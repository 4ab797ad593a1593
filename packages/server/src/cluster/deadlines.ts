/** One timer for many deadlines that are all equally far ahead: who began first ends first. */
import type { Clock } from "@quorate/raft";

export interface Expiring {
  /** By the clock's `monotonicMs`; not before that of who was added earlier. */
  readonly deadlineAt: number;
  /** The deadline has passed. Not called after `remove`. */
  expire(): void;
}

/** A timer of its own for every call would cost each of them a timer's making and unmaking. */
export class Deadlines {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  /** In order of their deadlines. */
  readonly #waiting = new Set<Expiring>();
  /** Set while anybody waits. */
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#clock = clock;
  }

  add(expiring: Expiring): void {
    this.#waiting.add(expiring);
    if (this.#cancelTimer === null) this.#arm(expiring.deadlineAt);
  }

  remove(expiring: Expiring): void {
    this.#waiting.delete(expiring);
    if (this.#waiting.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #arm(deadlineAt: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(deadlineAt - this.#clock.monotonicMs(), () => this.#onTimer());
  }

  #onTimer(): void {
    this.#cancelTimer = null;
    const now = this.#clock.monotonicMs();
    for (const first of this.#waiting) {
      // It was armed for one that ended meanwhile, or the timer came a fraction early.
      if (first.deadlineAt > now) {
        this.#arm(first.deadlineAt);
        return;
      }
      this.#waiting.delete(first);
      first.expire();
    }
  }
}
