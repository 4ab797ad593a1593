import { writeFileSync } from "node:fs";
import { judgeTrace } from "../trace-check/judge.js";
import type { Arguments } from "./arguments.js";
import { type Simulation, type SimulationOptions, simulate } from "./simulate.js";
import { simulateTraced } from "./traced.js";

/** With a trace where one is asked for: recording it costs time. */
export function runOnce(
  options: SimulationOptions,
  { checkTrace, traceFile }: Pick<Arguments, "checkTrace" | "traceFile">,
): Simulation {
  if (!checkTrace && traceFile === undefined) return simulate(options);
  const run = simulateTraced(options);
  if (traceFile !== undefined) writeFileSync(traceFile, `${run.trace.join("\n")}\n`);
  if (!checkTrace || run.failure) return run;
  const { rejected } = judgeTrace(run.trace);
  if (rejected === null) return run;
  const failure = {
    property: "reference model",
    error: new Error(rejected),
    atSeconds: run.simulatedSeconds,
  };
  return { ...run, failure };
}
