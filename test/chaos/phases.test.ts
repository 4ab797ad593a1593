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

test("a row lists the long gaps of its phases only", () => {
  const counts = { ok: 0, refused: 0, unknown: 0 };
  const phase = (fault: string | null, from: number, to: number) => ({
    ...{ fault, from, to, counts },
    ...{ recoveryMs: 0, terms: 0 },
  });
  const phases = [phase(null, 0, 1000), phase("loss", 1000, 3000), phase(null, 3000, 9000)];
  const [calm, loss] = rowsOf(phases, [10, 900, 1500, 1550, 1900, 3100, 9000]);
  expect(loss).toMatchObject({ longGapsMs: [600, 350, 1100], longestGapMs: 1100, seconds: 2 });
  expect(calm).toMatchObject({ longestGapMs: 5900, seconds: 7 });
});

test("seconds in which a write was acknowledged", () => {
  expect(secondsWithWrites([1100, 1900, 4000, 4999.5, 5001], 1000, 5500)).toEqual([2, 4]);
});
