import { createRandom, type Random } from "@quorate/raft/core";
import { Trace } from "./trace.js";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  readonly owner: Owner | null;
}

/** Whose events they are: decides at their time whether and how they run. */
export interface Owner {
  runEvent(run: () => void): void;
}

/** Simulated time in microseconds. */
export const millisecond = 1_000;
export const second = 1_000_000;

/**
 * The clock, the queue of what will happen, and all chance. Everything in a simulation runs from here, one
 * event at a time: the seed decides the whole run.
 */
export class World {
  readonly random: Random;
  readonly trace = new Trace();
  #now = 0;
  #scheduled = 0;
  /** Binary heap by (time, order of scheduling). */
  readonly #queue: Event[] = [];

  constructor(readonly seed: number) {
    this.random = createRandom(seed);
  }

  get now(): number {
    return this.#now;
  }

  /** Events with the same time run in the order in which they were scheduled. */
  after(delay: number, run: () => void, owner: Owner | null = null): void {
    const event = { at: this.#now + Math.max(0, Math.round(delay)), order: this.#scheduled++, run, owner };
    const queue = this.#queue;
    let i = queue.length;
    queue.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = queue[parent];
      if (!above || !isEarlier(event, above)) break;
      queue[i] = above;
      i = parent;
    }
    queue[i] = event;
  }

  /** Runs the next event, if it is due by `until`; false when none is. */
  runNext(until: number): boolean {
    const event = this.#queue[0];
    if (!event || event.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#removeFirst();
    this.#now = event.at;
    if (event.owner === null) event.run();
    else event.owner.runEvent(event.run);
    return true;
  }

  #removeFirst(): void {
    const queue = this.#queue;
    const moved = queue.pop();
    if (!moved || queue.length === 0) return;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const leftEvent = queue[left];
      if (!leftEvent) break;
      const rightEvent = queue[left + 1];
      const useRight = rightEvent !== undefined && isEarlier(rightEvent, leftEvent);
      const child = useRight ? rightEvent : leftEvent;
      if (!isEarlier(child, moved)) break;
      queue[i] = child;
      i = useRight ? left + 1 : left;
    }
    queue[i] = moved;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  integer(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  /** Waiting time to the next of events that come `mean` apart on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.random()) * mean;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random() * from.length)];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
