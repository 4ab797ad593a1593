import { describe, expect, it } from "vitest";
import { NumberWindow } from "./number-window.js";

describe("a number window", () => {
  it.each([0, 7, 2 ** 40])("behaves as a map does, from %d on", (base) => {
    const window = new NumberWindow<number>();
    const map = new Map<number, number>();
    let state = 1;
    for (let step = 0; step < 5000; step++) {
      state = (state * 48_271) % 2_147_483_647; // Park and Miller, 1988
      const number = base + (state % 37);
      if (state % 5 < 2) {
        window.set(number, step);
        map.set(number, step);
      } else {
        window.delete(number);
        map.delete(number);
      }
      expect(window.size).toBe(map.size);
      expect(window.get(number)).toBe(map.get(number));
      expect(window.entries()).toEqual([...map].sort(([a], [b]) => a - b));
    }
  });

  it("holds a run that moves on for ever in little room, and starts anew after clear", () => {
    const window = new NumberWindow<string>();
    for (let number = 0; number < 100_000; number++) {
      window.set(number, `at ${number}`);
      if (number >= 64) window.delete(number - 64);
    }
    expect(window.size).toBe(64);
    expect(window.entries()[0]).toEqual([99_936, "at 99936"]);
    window.clear();
    expect(window.size).toBe(0);
    expect(window.get(99_999)).toBeUndefined();
    window.set(5, "again");
    expect(window.entries()).toEqual([[5, "again"]]);
  });
});
