import { expect, it } from "vitest";
import { shrink } from "./shrink.js";
import { simulate } from "./simulate.js";

/** The first seed under which a planted fault is found. */
function failing() {
  const knobs = { plantedBugs: new Set(["voteForOlderLog"] as const), nodes: 5 };
  for (let seed = 1; seed <= 40; seed++) {
    const run = simulate({ seed, knobs });
    if (run.failure) return { run, knobs };
  }
  throw new Error("voteForOlderLog stayed hidden");
}

it("a failing run is made smaller and still breaks the same property, again and again", () => {
  const { run, knobs } = failing();
  const shrunk = shrink(run, knobs, 60);
  expect(shrunk.run.failure?.property).toBe(run.failure?.property);
  const faults = (counts: typeof run.faults) =>
    counts.filter(([kind]) => !kind.startsWith("event ")).reduce((sum, [, count]) => sum + count, 0);
  expect(shrunk.run.steps).toBeLessThan(run.steps);
  expect(faults(shrunk.run.faults)).toBeLessThan(faults(run.faults));
  const again = simulate({ seed: shrunk.seed, knobs: shrunk.knobs });
  expect(again.traceHash).toBe(shrunk.run.traceHash);
  expect(again.failure?.error.message).toBe(shrunk.run.failure?.error.message);
});

it("a run that holds cannot be shrunk", () => {
  expect(() => shrink(simulate({ seed: 1 }), {})).toThrow(TypeError);
});
