/** What the command line of `main.ts` says. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type PlantedBug, plantedBugs } from "@quorate/raft/core";
import { type Knobs, knobsFromSeed } from "./knobs.js";

export interface Arguments {
  readonly seeds: number;
  readonly seed: number;
  /** Runs at a time. */
  readonly jobs: number;
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

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: String(availableParallelism()) },
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
    jobs: wholeNumber("--jobs", values.jobs, 1, 1_024),
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
