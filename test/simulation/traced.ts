import { type Simulation, type SimulationOptions, simulate } from "./simulate.js";

/**
 * One run with its trace: the membership at birth, then every transition of every core, as JSON lines. Its disks
 * keep what they acknowledged: in a trace, one that forgets looks like a core that never stored it.
 */
export function simulateTraced(
  options: Omit<SimulationOptions, "onTransition">,
): Simulation & { readonly trace: readonly string[] } {
  const transitions: string[] = [];
  const knobs = { ...options.knobs, forgetEvery: 0 };
  const run = simulate({
    ...options,
    knobs,
    onTransition: (record) => transitions.push(JSON.stringify(record)),
  });
  const voters = Array.from({ length: run.knobs.nodes }, (_, i) => `n${i + 1}`);
  return { ...run, trace: [JSON.stringify({ voters, votersOutgoing: [], learners: [] }), ...transitions] };
}
