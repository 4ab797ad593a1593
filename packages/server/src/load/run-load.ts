/**
 * Puts load on a server and measures it.
 *
 * Closed loop: every channel starts its next call when the last one has ended. Answers how much is possible.
 * Open loop: calls are meant to start evenly spaced, whatever happens to the ones before, and a call's latency counts
 * from when it was *meant* to start: a server that stalls is charged for the calls that had to wait for a channel
 * (G. Tene, "How NOT to Measure Latency", 2013, calls leaving them out "coordinated omission").
 *
 * Knows neither sockets nor the time of day: both are handed in.
 */
import { Latencies, type LatencySummary } from "./latencies.js";
import { Schedule } from "./schedule.js";

/** Takes one call at a time. */
export interface Channel {
  /** Makes the load's call of that number; tells how it failed, or undefined for a good answer. */
  call(index: number, done: (failure: string | undefined) => void): void;
  /** Ends the call in flight as a failure. */
  close(): void;
}

export interface LoadClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

export interface LoadOptions {
  readonly clock: LoadClock;
  readonly channels: readonly Channel[];
  /** Names of the kinds of calls. */
  readonly kinds: readonly string[];
  readonly kindOf: (index: number) => number;
  /** Calls a second of an open loop; null for a closed one. */
  readonly perSecond: number | null;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** How long calls in flight may take after the end. */
  readonly drainMs: number;
  /** Ends the load early; what was measured until then is the result. */
  readonly signal?: AbortSignal;
  /** Every second: how long the load runs, and how many good answers came. */
  readonly onSecond?: (elapsedMs: number, answered: number) => void;
}

export interface KindResult {
  /** Good answers a second. */
  readonly perSecond: number;
  /** Of calls with a good answer; in an open loop also of those that were never sent, as they had waited by the end. */
  readonly latency: LatencySummary | null;
}

export interface LoadResult extends KindResult {
  /** After the warm-up. */
  readonly measuredMs: number;
  readonly kinds: Readonly<Record<string, KindResult>>;
  /** Calls that failed, warm-up included, by the way they did. */
  readonly errors: Readonly<Record<string, number>>;
  /** Open loop: calls whose time had come and for which no channel was free until the end. */
  readonly unsent: number;
  /** Open loop: how late the generator itself was where a channel was free. Part of the latencies. */
  readonly lateness: LatencySummary | null;
}

export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve) => new LoadRun(options, resolve).start());
}

class LoadRun {
  readonly #measureFromMs: number;
  readonly #startMs: number;
  #endMs: number;
  readonly #schedule: Schedule | null;
  readonly #latencies: readonly Latencies[];
  readonly #answered: number[];
  readonly #lateness = new Latencies();
  readonly #errors = new Map<string, number>();
  /** Open loop: channels with nothing to do yet, the one that waits longest first. */
  readonly #idle: Channel[] = [];
  #armed = false;
  #calls = 0;
  #answeredEver = 0;
  #working: number;
  readonly #timers = new Set<() => void>();

  constructor(
    private readonly options: LoadOptions,
    private readonly resolve: (result: LoadResult) => void,
  ) {
    this.#startMs = options.clock.monotonicMs();
    this.#measureFromMs = this.#startMs + options.warmUpMs;
    this.#endMs = this.#measureFromMs + options.measureMs;
    this.#schedule = options.perSecond === null ? null : new Schedule(this.#startMs, options.perSecond);
    this.#latencies = options.kinds.map(() => new Latencies());
    this.#answered = options.kinds.map(() => 0);
    this.#working = options.channels.length;
  }

  start(): void {
    const { channels, signal } = this.options;
    signal?.addEventListener("abort", this.#stop, { once: true });
    this.#after(this.#endMs - this.#startMs, this.#stop);
    if (this.options.onSecond !== undefined) this.#tick();
    for (const channel of channels) this.#next(channel);
    if (signal?.aborted === true) this.#stop();
  }

  /** Nothing new is sent from now on. */
  readonly #stop = (): void => {
    const now = this.options.clock.monotonicMs();
    this.#endMs = Math.min(this.#endMs, now);
    this.#after(this.options.drainMs, () => {
      for (const channel of this.options.channels) channel.close();
    });
    for (const _ of this.#idle.splice(0)) this.#retire();
  };

  #tick(): void {
    this.#after(1000, () => {
      this.options.onSecond?.(this.options.clock.monotonicMs() - this.#startMs, this.#answeredEver);
      this.#tick();
    });
  }

  #next(channel: Channel): void {
    const now = this.options.clock.monotonicMs();
    if (now >= this.#endMs) {
      this.#retire();
    } else if (this.#schedule === null) {
      this.#send(channel, now);
    } else if (this.#schedule.nextMs <= now) {
      // Others were free before this one: the generator should have sent it earlier.
      if (this.#idle.length > 0) this.#recordLateness(this.#schedule.nextMs, now);
      this.#send(channel, this.#schedule.take());
    } else {
      this.#idle.push(channel);
      this.#arm(this.#schedule, now);
    }
  }

  #arm(schedule: Schedule, now: number): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#after(schedule.nextMs - now, () => {
      this.#armed = false;
      const woken = this.options.clock.monotonicMs();
      while (schedule.nextMs <= woken) {
        if (schedule.nextMs >= this.#endMs) return;
        const channel = this.#idle.shift();
        if (channel === undefined) return;
        const meantMs = schedule.take();
        this.#recordLateness(meantMs, woken);
        this.#send(channel, meantMs);
      }
      if (this.#idle.length > 0) this.#arm(schedule, woken);
    });
  }

  #send(channel: Channel, meantMs: number): void {
    const index = this.#calls++;
    channel.call(index, (failure) => {
      this.#record(this.options.kindOf(index), meantMs, failure);
      this.#next(channel);
    });
  }

  #recordLateness(meantMs: number, now: number): void {
    if (meantMs >= this.#measureFromMs) this.#lateness.record(now - meantMs);
  }

  #record(kind: number, meantMs: number, failure: string | undefined): void {
    if (failure !== undefined) {
      this.#errors.set(failure, (this.#errors.get(failure) ?? 0) + 1);
      return;
    }
    const now = this.options.clock.monotonicMs();
    this.#answeredEver++;
    if (now >= this.#measureFromMs && now < this.#endMs)
      this.#answered[kind] = (this.#answered[kind] ?? 0) + 1;
    if (meantMs >= this.#measureFromMs && meantMs < this.#endMs) this.#latencies[kind]?.record(now - meantMs);
  }

  #retire(): void {
    this.#working--;
    if (this.#working > 0) return;
    for (const cancel of this.#timers) cancel();
    this.options.signal?.removeEventListener("abort", this.#stop);
    this.resolve(this.#result());
  }

  /** Calls that were meant to start before the end and never did: they had waited that long at least. */
  #countUnsent(): number {
    const schedule = this.#schedule;
    let unsent = 0;
    while (schedule !== null && schedule.nextMs < this.#endMs) {
      const kind = this.options.kindOf(this.#calls + unsent);
      const meantMs = schedule.take();
      unsent++;
      if (meantMs >= this.#measureFromMs) this.#latencies[kind]?.record(this.#endMs - meantMs);
    }
    return unsent;
  }

  #result(): LoadResult {
    const unsent = this.#countUnsent();
    const measuredMs = Math.max(0, this.#endMs - this.#measureFromMs);
    const rate = (answered: number) => (measuredMs === 0 ? 0 : (answered * 1000) / measuredMs);
    const all = new Latencies();
    for (const one of this.#latencies) all.add(one);
    const kinds = this.options.kinds.map((name, kind) => [
      name,
      { perSecond: rate(this.#answered[kind] ?? 0), latency: this.#latencies[kind]?.summary() ?? null },
    ]);
    return {
      perSecond: rate(this.#answered.reduce((sum, one) => sum + one, 0)),
      latency: all.summary(),
      measuredMs,
      kinds: Object.fromEntries(kinds),
      errors: Object.fromEntries(this.#errors),
      unsent,
      lateness: this.#lateness.summary(),
    };
  }

  #after(delayMs: number, callback: () => void): void {
    const cancel = this.options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}
