import { calm } from "./calm.js";
import type { Knobs } from "./knobs.js";
import { type Simulation, simulate } from "./simulate.js";
import { second } from "./world.js";

/** A failing run made smaller: these knobs instead of what its seed says, and the run that still fails. */
export interface Shrunk {
  readonly seed: number;
  readonly knobs: Partial<Knobs>;
  readonly run: Simulation;
  /** How many runs it took. */
  readonly attempts: number;
}

/** Another knob shifts all that chance decides: one that hides the failure under one seed may not under the next. */
const seedsPerStep = 4;

/**
 * Takes one thing after the other out of a failing run (faults, nodes, clients, time) and keeps out whatever the
 * failure does not need. Greedy; the same property must break. At most `maxAttempts` runs.
 */
export function shrink(failed: Simulation, given: Partial<Knobs>, maxAttempts = 400): Shrunk {
  const property = failed.failure?.property;
  if (property === undefined) throw new TypeError("only a run that failed can be shrunk");
  let best: Shrunk = { seed: failed.seed, knobs: given, run: failed, attempts: 0 };
  let attempts = 0;
  const stillFails = (change: Partial<Knobs>): boolean => {
    const knobs = { ...best.knobs, ...change };
    for (let i = 0; i < seedsPerStep && attempts < maxAttempts; i++) {
      attempts++;
      const run = simulate({ seed: best.seed + i, knobs });
      if (run.failure?.property !== property) continue;
      best = { seed: best.seed + i, knobs, run, attempts };
      return true;
    }
    return false;
  };
  for (let before: Shrunk | null = null; before !== best && attempts < maxAttempts; ) {
    before = best;
    stopEarly(best, stillFails);
    for (const change of simplifications(best.run.knobs)) stillFails(change);
  }
  return { ...best, attempts };
}

/** No faults after the moment at which it broke. */
function stopEarly({ run }: Shrunk, stillFails: (change: Partial<Knobs>) => boolean): void {
  const atMicroseconds = Math.ceil((run.failure?.atSeconds ?? 0) * second);
  if (atMicroseconds > 0 && atMicroseconds < run.knobs.safetyPhase) {
    stillFails({ safetyPhase: atMicroseconds });
  }
}

/** Every knob that is not calm yet, one at a time; then fewer clients and nodes. */
function simplifications(knobs: Knobs): Partial<Knobs>[] {
  const changes: Partial<Knobs>[] = [];
  for (const [name, quiet] of Object.entries(calm)) {
    const now = knobs[name as keyof Knobs];
    if (name === "nodes" || name === "clients" || JSON.stringify(now) === JSON.stringify(quiet)) continue;
    changes.push({ [name]: quiet });
  }
  for (let clients = 1; clients < knobs.clients; clients++) changes.push({ clients });
  for (let nodes = 1; nodes < knobs.nodes; nodes++) changes.push({ nodes });
  if (knobs.keys > 1) changes.push({ keys: 1 });
  return changes;
}
