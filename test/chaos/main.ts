/**
 * `npm run chaos`: a cluster of real processes under every fault that one machine can make, and what its clients
 * saw of it. See README.md in this folder.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { folderInside, furnish, obstacles, runInside } from "./enclosure.js";
import type { Fault } from "./fault.js";
import { summary, table, worstGap } from "./report.js";
import { runChaos } from "./run.js";
import { allFaults } from "./schedule.js";

const exitCodes = { sound: 0, wrong: 1, cannotRun: 2, gapTooLong: 3 };

const usage = `npm run chaos -- [--seconds N] [--nodes 3|5] [--seed S] [--only FAULT,…] [--once] [--max-gap MS] [--json FILE]

${allFaults.map(({ name, what }) => `  ${name.padEnd(20)}${what}`).join("\n")}
`;

interface Arguments {
  readonly seconds: number;
  readonly nodes: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Each fault once, however long that takes. */
  readonly once: boolean;
  readonly maxGapMs: number | null;
  readonly json: string | null;
}

/** Null: help was asked for. @throws TypeError in a sentence */
function readArguments(argv: readonly string[]): Arguments | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: "string", default: "60" },
      nodes: { type: "string", default: "3" },
      seed: { type: "string" },
      only: { type: "string" },
      once: { type: "boolean", default: false },
      "max-gap": { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const nodes = wholeNumber("--nodes", values.nodes, 3, 7);
  const seedMax = 2 ** 31;
  return {
    seconds: wholeNumber("--seconds", values.seconds, 5, 7 * 24 * 3600),
    nodes,
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * seedMax)
        : wholeNumber("--seed", values.seed, 0, seedMax),
    faults: chooseFaults(values.only, nodes),
    once: values.once,
    maxGapMs:
      values["max-gap"] === undefined ? null : wholeNumber("--max-gap", values["max-gap"], 1, 600_000),
    json: values.json === undefined ? null : resolve(values.json),
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min && value <= max && text.trim() !== "") return value;
  throw new TypeError(`${option} must be a whole number from ${min} to ${max}, not "${text}"`);
}

function chooseFaults(only: string | undefined, nodes: number): readonly Fault[] {
  const fitting = allFaults.filter(({ fits }) => fits === undefined || fits(nodes));
  if (only === undefined) return fitting;
  return only.split(",").map((name) => {
    const fault = fitting.find((candidate) => candidate.name === name.trim());
    if (fault !== undefined) return fault;
    const names = fitting.map((candidate) => candidate.name).join(", ");
    throw new TypeError(`--only: "${name}" is no fault for ${nodes} nodes; there are ${names}`);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Shown to a person; a pipe stays quiet. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

async function outside(): Promise<number> {
  const inTheWay = obstacles();
  if (inTheWay.length > 0) {
    for (const sentence of inTheWay) print(sentence);
    return exitCodes.cannotRun;
  }
  const folder = mkdtempSync(join(tmpdir(), "quorate-chaos-"));
  const code = await runInside(folder);
  if (code === exitCodes.wrong || process.env.QUORATE_KEEP_DATA !== undefined)
    print(`data, logs and calls are kept in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
  return code;
}

async function inside(args: Arguments, folder: string): Promise<number> {
  await furnish();
  let interruptions = 0;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (++interruptions > 1) process.exit(exitCodes.cannotRun);
      progress("this fault is the last one; once more to leave at once");
    });
  }
  const again = `--seconds ${args.seconds} --nodes ${args.nodes} --seed ${args.seed}${args.once ? " --once" : ""}`;
  print(`npm run chaos -- ${again}${args.faults.length < 20 ? ` --only ${namesOf(args.faults)}` : ""}`);
  const report = await runChaos({
    folder,
    seconds: args.seconds,
    nodes: args.nodes,
    seed: args.seed,
    faults: args.faults,
    once: args.once,
    interrupted: () => interruptions > 0,
    progress,
  });
  progress("");
  if (args.json !== null) writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  print(`\n${table(report.rows)}\n\n${summary(report, args.faults)}`);
  const missed = args.faults.filter(({ name }) => !report.rows.some(({ fault }) => fault === name));
  if (missed.length > 0) print(`the time was too short for ${namesOf(missed)}`);
  if (report.violations.length > 0) {
    keepDisks(folder, args.nodes);
    return exitCodes.wrong;
  }
  const gap = worstGap(report, args.faults);
  if (args.maxGapMs === null || gap === undefined || gap.longestGapMs <= args.maxGapMs)
    return exitCodes.sound;
  print(`the longest write gap is over ${args.maxGapMs} ms`);
  return exitCodes.gapTooLong;
}

const namesOf = (faults: readonly Fault[]) => faults.map(({ name }) => name).join(",");

/** The nodes' file systems end with this process. */
function keepDisks(folder: string, nodes: number): void {
  for (let number = 1; number <= nodes; number++) {
    cpSync(join(folder, `n${number}`), join(folder, "data", `n${number}`), { recursive: true });
  }
}

async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2));
  if (args === null) {
    print(usage);
    return exitCodes.sound;
  }
  const folder = folderInside();
  return folder === undefined ? outside() : inside(args, folder);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    print(error instanceof TypeError ? error.message : String(error instanceof Error ? error.stack : error));
    process.exit(error instanceof TypeError ? exitCodes.cannotRun : exitCodes.wrong);
  },
);
