import type { ReadOutcome } from "@quorate/raft";
import { beforeEach, describe, expect, it } from "vitest";
import { Freshness } from "./freshness.js";
import { ManualClock } from "./testing-rig.js";

const waitMs = 1_000;

let clock: ManualClock;
let probes: ((outcome: ReadOutcome) => void)[];
let freshness: Freshness;
let met: boolean[];
const reach = (boundMs: number) => freshness.reach(boundMs, waitMs, (reached) => met.push(reached));
const ready: ReadOutcome = { kind: "ready", index: 40 };
const refused: ReadOutcome = { kind: "refused" };

beforeEach(() => {
  clock = new ManualClock();
  probes = [];
  met = [];
  freshness = new Freshness({ readBarrier: (settle) => probes.push(settle) }, clock);
});

describe("the age of the state", () => {
  it("is unknown, hence over every bound, until a probe has ended well", () => {
    clock.advance(1);
    expect(freshness.isWithin(Number.MAX_SAFE_INTEGER)).toBe(false);
    reach(500);
    expect(probes).toHaveLength(1);
    expect(met).toEqual([]);
    probes[0]?.(refused);
    expect(freshness.isWithin(Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(met).toEqual([false]);
  });

  it("counts from when the probe was sent, not from when it was answered", () => {
    reach(500);
    clock.advance(300);
    probes[0]?.(ready);
    expect(met).toEqual([true]);
    clock.advance(200);
    expect(freshness.isWithin(500)).toBe(true);
    clock.advance(1);
    expect(freshness.isWithin(500)).toBe(false);
  });

  it("grows on when a later probe fails", () => {
    reach(500);
    probes[0]?.(ready);
    clock.advance(600);
    reach(500);
    probes[1]?.(refused);
    expect(met).toEqual([true, false]);
    expect(freshness.isWithin(600)).toBe(true);
    expect(freshness.isWithin(599)).toBe(false);
  });
});

describe("a bounded read", () => {
  it("is served at once while the newest probe is young enough, without another one", () => {
    reach(500);
    probes[0]?.(ready);
    clock.advance(500);
    reach(500);
    expect(met).toEqual([true, true]);
    expect(probes).toHaveLength(1);
  });

  it("is not served when its own probe took longer than the bound", () => {
    reach(500);
    clock.advance(501);
    probes[0]?.(ready);
    expect(met).toEqual([false]);
    expect(probes).toHaveLength(1);
  });

  it("waits for a probe of its own when the one under way was sent too long ago", () => {
    reach(1_000);
    clock.advance(400);
    reach(300);
    expect(probes).toHaveLength(1);
    probes[0]?.(ready);
    expect(met).toEqual([true]);
    expect(probes).toHaveLength(2);
    clock.advance(300);
    probes[1]?.(ready);
    expect(met).toEqual([true, true]);
  });

  it("tries once more after a probe of others was refused, and only once", () => {
    reach(500);
    reach(500);
    probes[0]?.(refused);
    expect(met).toEqual([false]);
    probes[1]?.(refused);
    expect(met).toEqual([false, false]);
    expect(probes).toHaveLength(2);
  });

  it("gives up after the wait, and a late probe still counts for those who come after", () => {
    reach(60_000);
    clock.advance(waitMs);
    expect(met).toEqual([false]);
    probes[0]?.(ready);
    expect(met).toEqual([false]);
    reach(60_000);
    expect(met).toEqual([false, true]);
  });

  it("shares its probe with all others, and leaves no timer behind", () => {
    for (let read = 0; read < 100; read++) reach(500);
    expect(probes).toHaveLength(1);
    probes[0]?.(ready);
    expect(met).toEqual(new Array(100).fill(true));
    expect(clock.timers).toBe(0);
  });
});
