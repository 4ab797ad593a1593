/** What a seed decides. */
import { expect, test } from "vitest";
import { allFaults, type PlannedFault, schedule } from "./schedule.js";

function first(count: number, seed: number, seconds = 300): readonly PlannedFault[] {
  const planned: PlannedFault[] = [];
  for (const one of schedule(allFaults, seconds, seed)) {
    planned.push(one);
    if (planned.length === count) return planned;
  }
  return planned;
}

const plain = (planned: readonly PlannedFault[]) =>
  planned.map(({ fault, calmMs, lastsMs, random }) => [fault.name, calmMs, lastsMs, random()]);

test("the same seed gives the same faults, another one gives others", () => {
  expect(plain(first(100, 7))).toEqual(plain(first(100, 7)));
  expect(plain(first(100, 7))).not.toEqual(plain(first(100, 8)));
});

test("every fault comes once before any comes again", () => {
  const names = first(2 * allFaults.length, 3).map(({ fault }) => fault.name);
  const sorted = allFaults.map(({ name }) => name).sort();
  expect(names.slice(0, allFaults.length).sort()).toEqual(sorted);
  expect(names.slice(allFaults.length).sort()).toEqual(sorted);
});

test("names are unique, and every fault fits some cluster", () => {
  expect(new Set(allFaults.map(({ name }) => name)).size).toBe(allFaults.length);
  for (const { name, fits } of allFaults)
    expect(
      [3, 5].some((nodes) => fits?.(nodes) ?? true),
      name,
    ).toBe(true);
});

test("a long run has longer faults; none is too short for an election", () => {
  const drawn = (seconds: number) =>
    first(200, 1, seconds)
      .filter(({ fault }) => fault.lastsMs === undefined)
      .map(({ lastsMs }) => lastsMs);
  expect(Math.max(...drawn(600))).toBeGreaterThan(Math.max(...drawn(30)));
  expect(Math.min(...drawn(30))).toBeGreaterThanOrEqual(1500);
});
