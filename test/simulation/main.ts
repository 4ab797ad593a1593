/**
 * Runs simulated clusters, one per seed: `node test/dist/test/simulation/main.js --seeds N [--seed S]
 * [--nodes K] [--bug NAME] [--trace] [--check-trace] [--trace-file FILE] [--knobs JSON]
 * [--shrink]`. A failing seed is the whole bug report: its replay command is printed first, and with --shrink that of
 * the smallest run found that fails the same way. Exit code 0: nothing found; 1: an invariant broke; 2: wrong arguments.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type PlantedBug, plantedBugs } from "@quorate/raft/core";
import { judgeTrace } from "../trace-check/judge.js";
import { type Knobs, knobsFromSeed } from "./knobs.js";
import { shrink } from "./shrink.js";
import { type Simulation, type SimulationOptions, simulate } from "./simulate.js";
import { simulateTraced } from "./traced.js";

interface Arguments {
  readonly seeds: number;
  readonly seed: number;
  readonly knobs: Partial<Knobs>;
  readonly trace: boolean;
  readonly shrink: boolean;
  /** Every transition is also judged by the reference model. */
  readonly checkTrace: boolean;
  /** Where the transitions of the last run go, as JSON lines. */
  readonly traceFile: string | undefined;
  /** What a replay needs besides its seed. */
  readonly replay: string;
}

function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      nodes: { type: "string" },
      bug: { type: "string" },
      knobs: { type: "string", default: "{}" },
      trace: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      "check-trace": { type: "boolean", default: false },
      "trace-file": { type: "string" },
    },
  });
  const nodes = values.nodes === undefined ? undefined : wholeNumber("--nodes", values.nodes, 1, 7);
  const bug = values.bug === undefined ? undefined : bugNamed(values.bug);
  return {
    seeds: wholeNumber("--seeds", values.seeds, 1, 1_000_000_000),
    seed: wholeNumber("--seed", values.seed, 0, 2 ** 32 - 1),
    knobs: {
      ...(nodes !== undefined && { nodes }),
      ...(bug && { plantedBugs: new Set([bug]) }),
      ...knobsOf(values.knobs),
    },
    trace: values.trace,
    shrink: values.shrink,
    checkTrace: values["check-trace"],
    traceFile: values["trace-file"],
    replay: `${nodes === undefined ? "" : ` --nodes ${nodes}`}${bug ? ` --bug ${bug}` : ""}${values["check-trace"] ? " --check-trace" : ""}`,
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min && value <= max && text.trim() !== "") return value;
  throw new TypeError(`${option} must be a whole number from ${min} to ${max}, not "${text}"`);
}

/** As `--shrink` prints them. */
function knobsOf(text: string): Partial<Knobs> {
  const known: ReadonlySet<string> = new Set(Object.keys(knobsFromSeed(1)));
  const knobs = JSON.parse(text) as Record<string, unknown>;
  for (const name of Object.keys(knobs)) {
    if (!known.has(name))
      throw new TypeError(`--knobs must name one of ${[...known].join(", ")}, not "${name}"`);
  }
  return knobs;
}

function bugNamed(text: string): PlantedBug {
  const bug = plantedBugs.find((name) => name === text);
  if (bug) return bug;
  throw new TypeError(`--bug must be one of ${plantedBugs.join(", ")}, not "${text}"`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function showFailure(run: Simulation, args: Arguments): void {
  if (!run.failure) return;
  print(`replay: npm run simulate -- --seed ${run.seed}${args.replay} --trace`);
  print(
    `seed ${run.seed}, ${run.knobs.nodes} nodes, after ${run.failure.atSeconds.toFixed(3)} simulated seconds:`,
  );
  print(run.failure.error.stack ?? run.failure.error.message);
  if (!args.trace) return;
  print(JSON.stringify(run.knobs, (_, value) => (value instanceof Set ? [...value] : value)));
  for (const line of run.lines.slice(-2_000)) print(line);
}

function showShrunk(run: Simulation, args: Arguments): void {
  const { seed, knobs, run: small, attempts } = shrink(run, args.knobs);
  const { plantedBugs: _, ...plain } = knobs;
  print(`shrunk in ${attempts} runs from ${run.steps} to ${small.steps} steps:`);
  print(`npm run simulate -- --seed ${seed}${args.replay} --knobs '${JSON.stringify(plain)}' --trace`);
}

/** Sums over all runs. */
class Totals {
  readonly #faults = new Map<string, number>();
  readonly #recoveries: number[] = [];
  #simulated = 0;
  #steps = 0;
  #calls = 0;
  #committed = 0;
  #failures = 0;

  add(run: Simulation): void {
    this.#simulated += run.simulatedSeconds;
    this.#steps += run.steps;
    this.#calls += run.calls;
    this.#committed += run.committed;
    if (run.failure) this.#failures++;
    if (!Number.isNaN(run.recoverySeconds)) this.#recoveries.push(run.recoverySeconds);
    for (const [kind, count] of run.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  get failures(): number {
    return this.#failures;
  }

  print(runs: number, seconds: number): void {
    const width = Math.max(...[...this.#faults.keys()].map((kind) => kind.length));
    const recoveries = this.#recoveries.sort((a, b) => a - b);
    print(`clusters          ${runs}, failed ${this.#failures}`);
    print(`simulated time    ${this.#simulated.toFixed(0)} s in ${seconds.toFixed(1)} s`);
    print(`core steps        ${this.#steps} (${Math.round(this.#steps / seconds)} per second)`);
    print(`client calls      ${this.#calls}, log entries committed ${this.#committed}`);
    const median = recoveries[recoveries.length >> 1];
    if (median !== undefined) {
      print(`leader after heal median ${median.toFixed(3)} s, longest ${recoveries.at(-1)?.toFixed(3)} s`);
    }
    for (const [kind, count] of [...this.#faults].sort()) print(`  ${kind.padEnd(width)} ${count}`);
  }
}

/** With a trace where one is asked for: recording it costs time. */
function runOnce(options: SimulationOptions, { checkTrace, traceFile }: Arguments): Simulation {
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

function main(argv: readonly string[]): number {
  let args: Arguments;
  try {
    args = readArguments(argv);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const totals = new Totals();
  const started = performance.now();
  let shown = 0;
  for (let i = 0; i < args.seeds; i++) {
    const run = runOnce({ seed: args.seed + i, knobs: args.knobs, keepLines: args.trace }, args);
    totals.add(run);
    if (run.failure && ++shown <= 20) {
      showFailure(run, args);
      if (args.shrink && shown === 1) showShrunk(run, args);
    }
    if (process.stdout.isTTY)
      process.stdout.write(`\r${i + 1}/${args.seeds} clusters, ${totals.failures} failed `);
    if (args.trace && args.seeds === 1) print(`trace hash ${run.traceHash}`);
  }
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  totals.print(args.seeds, (performance.now() - started) / 1_000);
  return totals.failures > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
