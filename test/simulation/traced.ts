import { type Simulation, type SimulationOptions, simulate } from "./simulate.js";

/** One run with its trace: the membership at birth, then every transition of every core, as JSON lines. */
export function simulateTraced(
  options: Omit<SimulationOptions, "onTransition">,
): Simulation & { readonly trace: readonly string[] } {
  const transitions: string[] = [];
  const run = simulate({ ...options, onTransition: (record) => transitions.push(JSON.stringify(record)) });
  const voters = Array.from({ length: run.knobs.nodes }, (_, i) => `n${i + 1}`);
  return { ...run, trace: [JSON.stringify({ voters, votersOutgoing: [], learners: [] }), ...transitions] };
}
