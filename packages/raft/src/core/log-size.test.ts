import { describe, expect, test } from "vitest";
import { LogSize } from "./log-size.js";

const KiB = 1024;

describe("the size of a log", () => {
  test("adds up, and forgets what is cut off at either end", () => {
    const size = new LogSize(10);
    for (let index = 11; index <= 110; index++) size.add(index, 10 * KiB);
    expect(size.total).toBe(1000 * KiB);
    size.compactTo(60);
    expect(size.total).toBe(500 * KiB);
    size.truncateFrom(101);
    expect(size.total).toBe(400 * KiB);
    size.add(101, KiB);
    expect(size.total).toBe(401 * KiB);
  });

  test("says where to cut so that at most so many bytes stay", () => {
    const size = new LogSize(0);
    for (let index = 1; index <= 1000; index++) size.add(index, KiB);
    expect(size.cutLeaving(100 * KiB, 1000)).toBe(900);
    expect(size.cutLeaving(100 * KiB, 500)).toBe(400);
    expect(size.cutLeaving(0, 1000)).toBe(1000);
    expect(size.cutLeaving(1001 * KiB, 1000)).toBe(0);
  });

  test("of a part of which only the sum is known, it assumes entries of equal size", () => {
    const size = new LogSize(0);
    size.add(1000, 1000 * KiB);
    for (let index = 1001; index <= 1100; index++) size.add(index, 10 * KiB);
    expect(size.cutLeaving(1500 * KiB, 1100)).toBe(500);
    expect(size.cutLeaving(100 * KiB, 1100)).toBe(1090);
  });
});
