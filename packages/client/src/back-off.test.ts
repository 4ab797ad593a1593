import { expect, test } from "vitest";
import { pause, pauseMs } from "./back-off.js";

test("the limit doubles from 20 ms to 500 ms, and the whole of it is used", () => {
  const limits = [1, 2, 3, 4, 5, 6, 60].map((round) => pauseMs(round, 0, () => 1));
  expect(limits).toEqual([20, 40, 80, 160, 320, 500, 500]);
  expect(pauseMs(5, 0, () => 0)).toBe(0);
  expect(pauseMs(5, 0, () => 0.5)).toBe(160);
});

test("what the server asked for comes on top", () => {
  expect(pauseMs(1, 1000, () => 0)).toBe(1000);
  expect(pauseMs(1, 1000, () => 1)).toBe(1020);
});

test("callers of one moment are spread over the whole limit", () => {
  const tenths = new Set(Array.from({ length: 1000 }, () => Math.floor(pauseMs(9, 0) / 50)));
  expect(tenths.size).toBe(10);
});

test("a pause ends with the signal, before or while it lasts", async () => {
  const hours = 3_600_000;
  await pause(hours, AbortSignal.abort());
  const stop = new AbortController();
  const paused = pause(hours, stop.signal);
  stop.abort();
  await paused;
});
