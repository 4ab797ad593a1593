import { expect, it } from "vitest";
import { shrink } from "./shrink.js";
import { type Simulation, simulate } from "./simulate.js";

function faults(run: Simulation): number {
  const counts = run.faults.filter(([kind]) => !kind.startsWith("event "));
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

/** The first seed under which a planted fault is found, with enough gone wrong that there is something to take out. */
function failing() {
  const knobs = { plantedBugs: new Set(["voteForOlderLog"] as const), nodes: 5 };
  for (let seed = 1; seed <= 40; seed++) {
    const run = simulate({ seed, knobs });
    if (run.failure && faults(run) > 200) return { run, knobs };
  }
  throw new Error("voteForOlderLog stayed hidden");
}

it("a failing run is made smaller and still breaks the same property, again and again", () => {
  const { run, knobs } = failing();
  const shrunk = shrink(run, knobs, 60);
  expect(shrunk.run.failure?.property).toBe(run.failure?.property);
  expect(shrunk.run.steps).toBeLessThan(run.steps);
  expect(faults(shrunk.run)).toBeLessThan(faults(run));
  const again = simulate({ seed: shrunk.seed, knobs: shrunk.knobs });
  expect(again.traceHash).toBe(shrunk.run.traceHash);
  expect(again.failure?.error.message).toBe(shrunk.run.failure?.error.message);
});

it("a run that holds cannot be shrunk", () => {
  expect(() => shrink(simulate({ seed: 1 }), {})).toThrow(TypeError);
});
