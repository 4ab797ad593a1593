import { expect, test } from "vitest";
import { SlowWrites } from "./slow-writes.js";

test("slow writes are told, with how many and how slow, at most once a minute", () => {
  let now = 0;
  const told: object[] = [];
  const writes = new SlowWrites(
    { warn: (fields, message) => told.push({ ...fields, message }) },
    { monotonicMs: () => now },
  );
  writes.wrote(499);
  expect(told).toEqual([]);
  writes.wrote(700.4);
  expect(told).toMatchObject([
    { count: 1, longestMs: 700, message: expect.stringContaining("a synced write took up to 700 ms") },
  ]);

  now = 59_999;
  writes.wrote(900);
  writes.wrote(3);
  expect(told).toHaveLength(1);
  now = 60_000;
  writes.wrote(600);
  expect(told.slice(1)).toMatchObject([
    { count: 2, longestMs: 900, message: expect.stringContaining("2 synced writes took up to 900 ms") },
  ]);
});
