/**
 * Runs simulated clusters, one per seed: `node test/dist/test/simulation/main.js --seeds N [--seed S] [--jobs J]
 * [--nodes K] [--bug NAME] [--trace] [--check-trace] [--trace-file FILE] [--knobs JSON]
 * [--shrink]`. A failing seed is the whole bug report: its replay command is printed first, and with --shrink that of
 * the smallest run found that fails the same way. Exit code 0: nothing found; 1: an invariant broke; 2: wrong arguments.
 */
import { type Arguments, readArguments } from "./arguments.js";
import { runAll } from "./crew.js";
import { runOnce } from "./run-once.js";
import { shrink } from "./shrink.js";
import type { Simulation } from "./simulate.js";
import { type Tally, Totals, tallyOf } from "./totals.js";

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

async function main(argv: readonly string[]): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(argv);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const totals = new Totals();
  const started = performance.now();
  let runs = 0;
  let shown = 0;
  const show = (run: Simulation) => {
    if (++shown > 20) return;
    showFailure(run, args);
    if (args.shrink && shown === 1) showShrunk(run, args);
  };
  const count = (tally: Tally) => {
    totals.add(tally);
    if (process.stdout.isTTY)
      process.stdout.write(`\r${++runs}/${args.seeds} clusters, ${totals.failures} failed `);
  };
  const { seed, seeds, knobs, trace, traceFile } = args;
  if (trace || traceFile !== undefined || seeds === 1) {
    for (let i = 0; i < seeds; i++) {
      const run = runOnce({ seed: seed + i, knobs, keepLines: trace }, args);
      count(tallyOf(run));
      if (run.failure) show(run);
      if (trace && seeds === 1) print(`trace hash ${run.traceHash}`);
    }
  } else {
    await runAll(args, (tally) => {
      count(tally);
      // The seed decides: what a thread found happens here again.
      if (tally.failed && shown < 20) show(runOnce({ seed: tally.seed, knobs }, args));
    });
  }
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  for (const line of totals.lines(args.seeds, (performance.now() - started) / 1_000)) print(line);
  return totals.failures > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
