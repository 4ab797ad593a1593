/** The judge of counters, on hand-made histories. */
import { describe, expect, test } from "vitest";
import { counterViolation, type Increment } from "./counter.js";

const increment = (calledAt: number, returnedAt: number, result: number | null): Increment => ({
  calledAt,
  returnedAt,
  result,
});

describe("increments", () => {
  test("that overlap may have either order", () => {
    expect(counterViolation([increment(0, 10, 2), increment(5, 12, 1)], 2)).toBeNull();
  });

  test("of which one is unknown may have counted it or not", () => {
    const history = [increment(0, 1, 1), increment(2, 9, null)];
    expect(counterViolation(history, 1)).toBeNull();
    expect(counterViolation(history, 2)).toBeNull();
    expect(counterViolation(history, 3)).toContain("the counter is 3 after 1 acknowledged and 1 unknown");
  });

  test("with one result twice", () => {
    expect(counterViolation([increment(0, 1, 1), increment(2, 3, 1)], 2)).toContain("the same result");
  });

  test("with a later call that counted less", () => {
    expect(counterViolation([increment(0, 1, 2), increment(2, 3, 1)], 2)).toContain(
      "gave 1 after another one had given 2",
    );
  });

  test("of which an acknowledged one is missing", () => {
    expect(counterViolation([increment(0, 1, 1), increment(2, 3, 2)], 1)).toContain("after it had been 2");
  });
});
