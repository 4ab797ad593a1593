import { expect, it } from "vitest";
import type { Clock } from "../ports/index.js";
import { startTicker } from "./ticker.js";

/** A clock whose timers fire when the test says so, as late as it says. */
function lateClock() {
  let now = 1000.5;
  let due: (() => void) | null = null;
  let dueAt = 0;
  const turns: (() => void)[] = [];
  const clock: Clock = {
    monotonicMs: () => now,
    after: (delayMs, callback) => {
      due = callback;
      dueAt = now + delayMs;
      return () => {
        due = null;
      };
    },
    nextTurn: (callback) => turns.push(callback),
  };
  return {
    clock,
    fire(lateMs: number) {
      now = dueAt + lateMs;
      const callback = due;
      due = null;
      callback?.();
    },
    turn() {
      for (const callback of turns.splice(0)) callback();
    },
    dueAt: () => dueAt,
    armed: () => due !== null,
  };
}

it("stays on its origin however late the timers are", () => {
  const late = lateClock();
  let ticks = 0;
  startTicker(late.clock, 10, () => ticks++);
  expect(late.dueAt()).toBeCloseTo(1010.5);
  late.fire(3);
  expect(late.dueAt()).toBeCloseTo(1020.5);
  late.fire(7);
  expect(late.dueAt()).toBeCloseTo(1030.5);
  expect(ticks).toBe(2);
});

it("ticks once after a stall, and only after the sockets had a turn", () => {
  const late = lateClock();
  let ticks = 0;
  startTicker(late.clock, 10, () => ticks++);
  late.fire(1_004);
  expect(ticks).toBe(0);
  late.turn();
  expect(ticks).toBe(1);
  expect(late.dueAt()).toBeCloseTo(2020.5);
});

it("does not tick twice for a timer that fires early", () => {
  const late = lateClock();
  let ticks = 0;
  startTicker(late.clock, 10, () => ticks++);
  late.fire(-0.4);
  expect(late.dueAt()).toBeCloseTo(1020.5);
  expect(ticks).toBe(1);
});

it("never ticks after it was stopped", () => {
  const late = lateClock();
  let ticks = 0;
  const stop = startTicker(late.clock, 10, () => ticks++);
  late.fire(500);
  stop();
  late.turn();
  expect(ticks).toBe(0);
  expect(late.armed()).toBe(false);
});

it("tells how late each timer came", () => {
  const late = lateClock();
  const told: number[] = [];
  startTicker(late.clock, 10, (lateMs) => told.push(Math.round(lateMs * 1_000) / 1_000));
  late.fire(0.25);
  late.fire(-0.1);
  late.fire(25);
  late.turn();
  expect(told).toEqual([0.25, 0, 25]);
});
