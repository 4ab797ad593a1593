import type { Simulation } from "./simulate.js";

/** What is summed up of a run. */
export interface Tally
  extends Pick<
    Simulation,
    "seed" | "simulatedSeconds" | "steps" | "calls" | "committed" | "recoverySeconds" | "faults"
  > {
  readonly failed: boolean;
}

export function tallyOf(run: Simulation): Tally {
  const { seed, simulatedSeconds, steps, calls, committed, recoverySeconds, faults, failure } = run;
  return {
    seed,
    simulatedSeconds,
    steps,
    calls,
    committed,
    recoverySeconds,
    faults,
    failed: failure !== null,
  };
}

/** Sums over all runs. */
export class Totals {
  readonly #faults = new Map<string, number>();
  readonly #recoveries: number[] = [];
  #simulated = 0;
  #steps = 0;
  #calls = 0;
  #committed = 0;
  #failures = 0;

  add(run: Tally): void {
    this.#simulated += run.simulatedSeconds;
    this.#steps += run.steps;
    this.#calls += run.calls;
    this.#committed += run.committed;
    if (run.failed) this.#failures++;
    if (!Number.isNaN(run.recoverySeconds)) this.#recoveries.push(run.recoverySeconds);
    for (const [kind, count] of run.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  get failures(): number {
    return this.#failures;
  }

  lines(runs: number, seconds: number): string[] {
    const width = Math.max(...[...this.#faults.keys()].map((kind) => kind.length));
    const recoveries = this.#recoveries.sort((a, b) => a - b);
    const median = recoveries[recoveries.length >> 1]?.toFixed(3);
    return [
      `clusters          ${runs}, failed ${this.#failures}`,
      `simulated time    ${this.#simulated.toFixed(0)} s in ${seconds.toFixed(1)} s, ${Math.round(this.#simulated / seconds)} times real time`,
      `core steps        ${this.#steps} (${Math.round(this.#steps / seconds)} per second)`,
      `client calls      ${this.#calls}, log entries committed ${this.#committed}`,
      ...(median === undefined
        ? []
        : [`leader after heal median ${median} s, longest ${recoveries.at(-1)?.toFixed(3)} s`]),
      ...[...this.#faults].sort().map(([kind, count]) => `  ${kind.padEnd(width)} ${count}`),
    ];
  }
}
