/** Gaps and rows, on hand-made times. */
import { expect, test } from "vitest";
import { Phases, rowsOf, secondsWithWrites } from "./phases.js";
import { longestGapMs } from "./probes.js";

test.each([
  ["between two answers", [0, 100, 900, 1000], 50, 950, 800],
  ["that began before", [0, 100, 900, 1000], 500, 1000, 800],
  ["that goes on to the end", [0, 100], 0, 700, 600],
  ["without any answer", [], 100, 400, 300],
])("the longest gap %s", (_, acknowledgedAt, from, to, gap) => {
  expect(longestGapMs(acknowledgedAt, from, to)).toBe(gap);
});

test("a row holds what all phases of one fault have in common", () => {
  const phases = new Phases();
  const first = phases.begin("kill");
  phases.ended("ok");
  phases.ended("failed");
  first.recoveryMs = 40;
  phases.begin(null);
  phases.ended("ok");
  const second = phases.begin("kill");
  phases.ended("unknown");
  second.recoveryMs = 30;
  second.terms = 2;
  phases.begin(null);
  const rows = rowsOf(phases.all, []);
  expect(rows.map(({ fault, times }) => [fault, times])).toEqual([
    ["(no fault)", 3],
    ["kill", 2],
  ]);
  expect(rows[1]).toMatchObject({ ok: 1, refused: 1, unknown: 1, recoveryMs: 40, terms: 2 });
  expect(rows[0]).toMatchObject({ ok: 1, refused: 0, unknown: 0 });
});

test("seconds in which a write was acknowledged", () => {
  expect(secondsWithWrites([1100, 1900, 4000, 4999.5, 5001], 1000, 5500)).toEqual([2, 4]);
});
