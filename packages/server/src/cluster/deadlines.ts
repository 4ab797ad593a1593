/** One timer for many deadlines that are all equally far ahead: who began first ends first. */
import type { Clock } from "@quorate/raft";

/** What has a deadline; a link of the list of those that wait. */
export abstract class Expiring {
  /** By the clock's `monotonicMs`; not before that of who was added earlier. */
  abstract readonly deadlineAt: number;
  /** The deadline has passed. Not called after `remove`. */
  abstract expire(): void;

  /** Of `Deadlines`. */
  earlier: Expiring | null = null;
  later: Expiring | null = null;
  waits = false;
}

/** A timer of its own for every call would cost each of them a timer's making and unmaking. */
export class Deadlines {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  #first: Expiring | null = null;
  #last: Expiring | null = null;
  /** Set while anybody waits. */
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#clock = clock;
  }

  add(expiring: Expiring): void {
    expiring.waits = true;
    expiring.earlier = this.#last;
    if (this.#last === null) this.#first = expiring;
    else this.#last.later = expiring;
    this.#last = expiring;
    if (this.#cancelTimer === null) this.#arm(expiring);
  }

  /** Safe to call again. */
  remove(expiring: Expiring): void {
    if (!expiring.waits) return;
    const { earlier, later } = expiring;
    expiring.waits = false;
    expiring.earlier = null;
    expiring.later = null;
    if (earlier === null) this.#first = later;
    else earlier.later = later;
    if (later === null) this.#last = earlier;
    else later.earlier = earlier;
    if (this.#first !== null) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #arm({ deadlineAt }: Expiring): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(deadlineAt - this.#clock.monotonicMs(), () => this.#onTimer());
  }

  #onTimer(): void {
    this.#cancelTimer = null;
    const now = this.#clock.monotonicMs();
    for (let first = this.#first; first !== null; first = this.#first) {
      // It was armed for one that ended meanwhile, or the timer came a fraction early.
      if (first.deadlineAt > now) {
        this.#arm(first);
        return;
      }
      this.remove(first);
      first.expire();
    }
  }
}
