/** The search that all targets share: cases out of a seed, each under a watch for time, memory and crashes. */
import fc from "fast-check";

/** Something that reads what strangers send. */
export interface Target<Case> extends AsyncDisposable {
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
  /** Tries one case; throws when something came of it that must not. */
  check(input: Case): void | Promise<void>;
  /** After every batch: what is cheaper to ask of many at once. */
  settle?(): Promise<void>;
}

export interface SearchOptions {
  readonly cases: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}

export interface Failure {
  readonly target: string;
  /** Reaches the same case again: the seed of its batch. */
  readonly seed: number;
  readonly input: string;
  readonly error: string;
}

export interface SearchResult {
  readonly target: string;
  readonly cases: number;
  readonly slowestMs: number;
  /** Resident memory at its highest, in MiB. */
  readonly memoryMiB: number;
  readonly failure: Failure | null;
}

const batchSize = 500;
/** Processor time of one case, the collection of earlier cases' garbage left out. */
const hangMs = 100;
const memoryMaxMiB = 1024;

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Stops at the first failure. Batch number n has the seed `seed + n`, whatever came before it. */
export async function search<Case>(target: Target<Case>, options: SearchOptions): Promise<SearchResult> {
  let done = 0;
  let slowestMs = 0;
  let memoryMiB = 0;
  let failure: Failure | null = null;
  for (let batch = 0; done < options.cases && failure === null; batch++) {
    const seed = options.seed + batch;
    const inputs = fc.sample(target.cases, { seed, numRuns: Math.min(batchSize, options.cases - done) });
    let current: Case | undefined;
    try {
      for (const input of inputs) {
        current = input;
        slowestMs = Math.max(slowestMs, await timed(target, input));
        done++;
      }
      current = undefined;
      await target.settle?.();
      memoryMiB = Math.max(memoryMiB, process.memoryUsage.rss() / 2 ** 20);
      if (memoryMiB > memoryMaxMiB) throw new Error(`${memoryMiB.toFixed(0)} MiB of memory in use`);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failure = { target: target.name, seed, input: shown(current), error: text };
    }
    options.onProgress?.(done);
  }
  return { target: target.name, cases: done, slowestMs, memoryMiB: Math.round(memoryMiB), failure };
}

/** Milliseconds of processor time. Slow cases are tried again, because a collection may have struck the first try. */
async function timed<Case>(target: Target<Case>, input: Case): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 4; attempt++) {
    const start = processorMs();
    await target.check(input);
    fastest = Math.min(fastest, processorMs() - start);
    if (fastest < hangMs) return fastest;
  }
  throw new Error(`took ${fastest.toFixed(0)} ms of processor time, ${hangMs} ms are allowed`);
}

function shown(input: unknown): string {
  if (input === undefined) return "(the batch as a whole)";
  const text = JSON.stringify(input, (_, value: unknown) =>
    typeof value === "bigint"
      ? `${value}n`
      : value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")
        : value,
  );
  return text.length > 4000 ? `${text.slice(0, 4000)}… (${text.length} characters)` : text;
}
