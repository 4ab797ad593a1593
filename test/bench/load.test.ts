/** The generator's arithmetic, in virtual time: no socket, no waiting. */
import { type Channel, isAmong, keyOf, Latencies, type LoadResult, runLoad } from "@quorate/server/load";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../driver/virtual-clock.js";

/** A server that answers one call after `takesMs(now)`, however many wait; `failure` names how it fails. */
function channelsOf(
  clock: VirtualClock,
  count: number,
  takesMs: (now: number) => number,
  failure: (index: number) => string | undefined = () => undefined,
): readonly Channel[] {
  return Array.from({ length: count }, () => {
    let pending: (() => void) | undefined;
    return {
      call: (index: number, done: (failure: string | undefined) => void) => {
        const cancel = clock.after(takesMs(clock.monotonicMs()), () => {
          pending = undefined;
          done(failure(index));
        });
        pending = () => {
          cancel();
          done("no answer in time");
        };
      },
      close: () => pending?.(),
    };
  });
}

interface Situation {
  readonly perSecond: number | null;
  readonly connections?: number;
  readonly warmUpMs?: number;
  readonly measureMs?: number;
  readonly takesMs: (now: number) => number;
  readonly failure?: (index: number) => string | undefined;
  readonly signal?: AbortSignal;
  /** Runs when the load does. */
  readonly meanwhile?: (clock: VirtualClock) => void;
}

async function load(situation: Situation): Promise<LoadResult> {
  const clock = new VirtualClock();
  let result: LoadResult | undefined;
  const pending = new Set<object>();
  const done = runLoad({
    clock: {
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => {
        const timer = {};
        pending.add(timer);
        const cancel = clock.after(delayMs, () => {
          pending.delete(timer);
          callback();
        });
        return () => {
          pending.delete(timer);
          cancel();
        };
      },
    },
    channels: channelsOf(clock, situation.connections ?? 1, situation.takesMs, situation.failure),
    kinds: ["even", "odd"],
    kindOf: (index) => index % 2,
    perSecond: situation.perSecond,
    warmUpMs: situation.warmUpMs ?? 0,
    measureMs: situation.measureMs ?? 1000,
    drainMs: 5000,
    ...(situation.signal === undefined ? {} : { signal: situation.signal }),
  }).then((ended) => {
    result = ended;
  });
  situation.meanwhile?.(clock);
  await clock.until("the load's end", () => result !== undefined, 60_000);
  await done;
  // A timer that is left would keep a command from ending.
  expect(pending.size).toBe(0);
  if (result === undefined) throw new Error("no result");
  return result;
}

describe("latencies", () => {
  test("percentiles of known numbers are right to one part in a thousand, the largest exactly", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
    latencies.record(12_345.678);
    const summary = latencies.summary();
    expect(summary?.count).toBe(1001);
    for (const [found, expected] of [
      [summary?.p50Ms, 501],
      [summary?.p90Ms, 901],
      [summary?.p99Ms, 991],
      [summary?.p999Ms, 1000],
    ] as const) {
      expect(Math.abs((found ?? 0) - expected) / expected).toBeLessThan(0.002);
    }
    expect(summary?.maxMs).toBe(12_345.678);
  });

  test("no calls have no latency; calls faster than a microsecond and slower than an hour count", () => {
    const latencies = new Latencies();
    expect(latencies.summary()).toBeNull();
    latencies.record(0);
    latencies.record(7_200_000);
    expect(latencies.summary()).toMatchObject({ count: 2, maxMs: 7_200_000 });
  });

  test("adding up is as if all had been recorded in one place", () => {
    const [one, other, both] = [new Latencies(), new Latencies(), new Latencies()];
    for (let ms = 1; ms < 500; ms += 3) {
      one.record(ms);
      other.record(2 * ms);
      both.record(ms);
      both.record(2 * ms);
    }
    one.add(other);
    one.add(new Latencies());
    expect(one.summary()).toStrictEqual(both.summary());
  });
});

describe("closed loop", () => {
  test("a channel calls again when its answer is there", async () => {
    const result = await load({ perSecond: null, connections: 4, takesMs: () => 10 });
    // At 0, 10, …, 990 ms on four channels; the answers of the last ones come when the second is over.
    expect(result.perSecond).toBe(4 * 99);
    expect(result.latency).toMatchObject({ count: 4 * 100, maxMs: 10 });
    expect(result).toMatchObject({ errors: {}, unsent: 0, lateness: null, measuredMs: 1000 });
  });

  test("the warm-up is not measured", async () => {
    const result = await load({
      perSecond: null,
      warmUpMs: 500,
      takesMs: (now) => (now < 500 ? 100 : 1),
    });
    expect(result.latency?.maxMs).toBe(1);
    expect(result.latency?.count).toBe(1000);
  });

  test("failures are counted by name, and are no throughput", async () => {
    const result = await load({
      perSecond: null,
      takesMs: () => 10,
      failure: (index) => (index % 4 === 0 ? "fault -32004" : undefined),
    });
    expect(result.errors).toStrictEqual({ "fault -32004": 25 });
    expect(result.latency?.count).toBe(75);
  });

  test("an answer that never comes ends with the drain, as a failure", async () => {
    const result = await load({ perSecond: null, connections: 2, takesMs: () => 1_000_000 });
    expect(result.errors).toStrictEqual({ "no answer in time": 2 });
    expect(result).toMatchObject({ perSecond: 0, latency: null });
  });

  test("ended early, it tells what was measured until then", async () => {
    const stop = new AbortController();
    const result = await load({
      perSecond: null,
      takesMs: () => 10,
      signal: stop.signal,
      meanwhile: (clock) => clock.after(205, () => stop.abort()),
    });
    expect(result.measuredMs).toBe(205);
    expect(result.perSecond).toBeCloseTo(20 / 0.205);
  });
});

describe("open loop", () => {
  test("the rate is kept to the call, and no lateness adds up", async () => {
    // 333 a second are no whole number of milliseconds apart.
    const result = await load({ perSecond: 333, connections: 8, measureMs: 10_000, takesMs: () => 7 });
    expect(result.latency?.count).toBe(3330);
    expect(result.unsent).toBe(0);
    expect(result.latency?.maxMs).toBeCloseTo(7, 5);
    expect(result.kinds.even?.latency?.count).toBe(1665);
  });

  test("a stall of one second is charged to every call that was meant to start in it", async () => {
    const stall = (now: number) => (now >= 2000 && now < 3000 ? 3000 - now + 1 : 1);
    const open = await load({ perSecond: 100, measureMs: 10_000, takesMs: stall });
    const closed = await load({ perSecond: null, measureMs: 10_000, takesMs: stall });
    // 100 of 1,000 calls fell into the stall and waited half a second on average, or less by what was caught up.
    expect(open.latency?.count).toBe(1000);
    expect(open.latency?.p99Ms).toBeGreaterThan(890);
    expect(open.latency?.p90Ms).toBeGreaterThan(0.9);
    expect(open.latency?.maxMs).toBeCloseTo(1001, 3);
    expect(open.latency?.meanMs).toBeGreaterThan(45);
    // The closed loop saw the same stall as one slow call among thousands: that is the omission.
    expect(closed.latency?.p99Ms).toBe(1);
    expect(closed.latency?.maxMs).toBeGreaterThan(1000);
  });

  test("more than the server can do: what was never sent counts, with the time it had waited", async () => {
    const result = await load({ perSecond: 200, measureMs: 1000, takesMs: () => 10 });
    expect(result.perSecond).toBeLessThanOrEqual(100);
    expect(result.unsent).toBe(100);
    expect(result.latency?.count).toBe(200);
    // Served after waiting for up to half a second, or still waiting.
    expect(result.latency?.maxMs).toBeGreaterThan(490);
  });

  test("a late timer shows as lateness and in the latencies, not as a lower rate", async () => {
    const clock = new VirtualClock();
    let result: LoadResult | undefined;
    void runLoad({
      // Wakes up 5 ms late, every time.
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        after: (delayMs, callback) => clock.after(delayMs + 5, callback),
      },
      channels: channelsOf(clock, 16, () => 0.5),
      kinds: ["only"],
      kindOf: () => 0,
      perSecond: 1000,
      warmUpMs: 0,
      measureMs: 2000,
      drainMs: 1000,
    }).then((ended) => {
      result = ended;
    });
    await clock.until("the load's end", () => result !== undefined, 60_000);
    expect(result?.latency?.count).toBe(2000);
    expect(result?.lateness?.maxMs).toBeGreaterThan(4);
    expect(result?.latency?.maxMs).toBeGreaterThan(5);
  });
});

test("a mix has its share in any hundred calls in a row, spread evenly", () => {
  for (const percent of [0, 1, 20, 50, 80, 99, 100]) {
    for (const from of [0, 7, 100, 12_345]) {
      const among = Array.from({ length: 100 }, (_, index) => isAmong(from + index, percent));
      expect(among.filter(Boolean)).toHaveLength(percent);
    }
  }
  expect([0, 1, 2, 3].map((index) => isAmong(index, 50))).toEqual([true, false, true, false]);
});

test("keys are spread over all of them, in the reads and the writes of a mix alike", () => {
  const keys = 100;
  for (const read of [true, false]) {
    const counts = new Array<number>(keys).fill(0);
    for (let index = 0; index < 20_000; index++) {
      if (isAmong(index, 50) === read) counts[keyOf(index, keys)] = (counts[keyOf(index, keys)] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(200);
  }
});
