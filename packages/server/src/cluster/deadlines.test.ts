import { beforeEach, describe, expect, it } from "vitest";
import { Deadlines, Expiring } from "./deadlines.js";
import { ManualClock } from "./testing-rig.js";

let clock: ManualClock;
let deadlines: Deadlines;
let expired: string[];

beforeEach(() => {
  clock = new ManualClock();
  deadlines = new Deadlines(clock);
  expired = [];
});

class Wait extends Expiring {
  readonly deadlineAt = clock.monotonicMs() + 100;

  constructor(
    readonly name: string,
    readonly then?: () => void,
  ) {
    super();
  }

  expire(): void {
    expired.push(this.name);
    this.then?.();
  }
}

const begin = (name: string, then?: () => void): Expiring => {
  const wait = new Wait(name, then);
  deadlines.add(wait);
  return wait;
};

describe("deadlines", () => {
  it("each passes at its own time, on one timer", () => {
    begin("a");
    clock.advance(40);
    begin("b");
    expect(clock.timers).toBe(1);
    clock.advance(60);
    expect(expired).toEqual(["a"]);
    clock.advance(39);
    expect(expired).toEqual(["a"]);
    clock.advance(1);
    expect(expired).toEqual(["a", "b"]);
    expect(clock.timers).toBe(0);
  });

  it("what ended in time does not expire, nor does it move the deadline of others", () => {
    const first = begin("a");
    clock.advance(40);
    begin("b");
    deadlines.remove(first);
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(["b"]);
  });

  it("an end in the middle leaves the others in their order", () => {
    begin("a");
    const middle = begin("b");
    begin("c");
    deadlines.remove(middle);
    deadlines.remove(middle);
    clock.advance(100);
    expect(expired).toEqual(["a", "c"]);
  });

  it("leave no timer behind when nobody waits", () => {
    const one = begin("a");
    const other = begin("b");
    deadlines.remove(one);
    expect(clock.timers).toBe(1);
    deadlines.remove(other);
    expect(clock.timers).toBe(0);
  });

  it("hold when an end begins the next one", () => {
    begin("a", () => begin("c"));
    clock.advance(50);
    begin("b");
    clock.advance(50);
    expect(clock.timers).toBe(1);
    clock.advance(50);
    expect(expired).toEqual(["a", "b"]);
    clock.advance(50);
    expect(expired).toEqual(["a", "b", "c"]);
  });
});
