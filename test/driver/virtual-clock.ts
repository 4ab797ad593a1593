import type { Clock } from "@quorate/raft";

interface Event {
  readonly at: number;
  /** Order among events of one moment. */
  readonly order: number;
  readonly callback: () => void;
}

export interface ProcessClock {
  readonly clock: Clock;
  readonly kill: () => void;
  /** The event loop stands still: timers come due, and nothing is called. */
  readonly stall: () => void;
  /** It runs again: first the timers that came due, then `sockets`, then everything else. */
  readonly wake: (sockets: () => void) => void;
}

/** Time that passes only when a test says so: one event after the other, always in the same order. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  /** A binary heap by (at, order). */
  readonly #events: Event[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    let cancelled = false;
    this.#push({
      at: this.#now + Math.max(0, delayMs),
      order: ++this.#order,
      callback: () => {
        if (!cancelled) callback();
      },
    });
    return () => {
      cancelled = true;
    };
  }

  nextTurn(callback: () => void): void {
    this.#push({ at: this.#now, order: ++this.#order, callback });
  }

  /** A clock for one process: after `kill` nothing calls back any more. */
  process(): ProcessClock {
    let alive = true;
    /** What has come due while the process does nothing. */
    let waiting: { readonly timers: (() => void)[]; readonly turns: (() => void)[] } | null = null;
    const guarded = (kind: "timers" | "turns", callback: () => void) => () => {
      if (!alive) return;
      if (waiting === null) callback();
      else waiting[kind].push(callback);
    };
    const after: Clock["after"] = (delayMs, callback) => {
      let cancelled = false;
      const once = () => {
        if (!cancelled) callback();
      };
      const cancel = this.after(delayMs, guarded("timers", once));
      return () => {
        cancelled = true;
        cancel();
      };
    };
    return {
      clock: {
        monotonicMs: () => this.monotonicMs(),
        after,
        nextTurn: (callback) => this.nextTurn(guarded("turns", callback)),
      },
      kill: () => {
        alive = false;
      },
      stall: () => {
        waiting ??= { timers: [], turns: [] };
      },
      wake: (sockets) => {
        const { timers, turns } = waiting ?? { timers: [], turns: [] };
        waiting = null;
        // The order of Node's event loop: timers, sockets, then what waits for the sockets.
        for (const callback of timers) this.after(0, guarded("timers", callback));
        this.after(0, guarded("timers", sockets));
        for (const callback of turns) this.nextTurn(guarded("turns", callback));
      },
    };
  }

  /** The callback that runs keeps the processor for `ms`: what is due meanwhile comes late. */
  spend(ms: number): void {
    this.#now += ms;
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#events[0]; next !== undefined && next.at <= end; next = this.#events[0]) {
      await this.#runOne();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Runs until `condition` holds. Throws with `what` when it does not within `ms`. */
  async until(what: string, condition: () => boolean, ms = 20_000): Promise<void> {
    const end = this.#now + ms;
    await settled();
    while (!condition()) {
      const next = this.#events[0];
      if (next === undefined || next.at > end)
        throw new Error(`not within ${ms} ms of virtual time: ${what}`);
      await this.#runOne();
    }
  }

  async #runOne(): Promise<void> {
    const event = this.#pop();
    if (event === undefined) return;
    this.#now = Math.max(this.#now, event.at);
    event.callback();
    await settled();
  }

  #push(event: Event): void {
    const heap = this.#events;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !comesBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child = right !== undefined && left !== undefined && comesBefore(right, left) ? right : left;
      if (child === undefined || !comesBefore(child, last)) break;
      const next = child === left ? 2 * at + 1 : 2 * at + 2;
      heap[at] = child;
      at = next;
    }
    heap[at] = last;
    return first;
  }
}

function comesBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Every promise that can go on has gone on: microtasks run dry before the next macrotask. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
