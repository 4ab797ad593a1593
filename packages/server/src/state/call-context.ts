/** The `tx` and `view` that handlers get: one run of one handler, over the stored state and its own writes. */
import { type Encodable, Fault, faultCodes, type Value } from "@quorate/protocol";
import type { Type } from "../services/type.js";
import { operationsMax, rangePairsMax, writtenBytesMax } from "./budgets.js";
import type { Key, RangeOptions, Transaction, View } from "./context.js";
import type { Prng } from "./prng.js";
import { byteRange, isEmpty, overlay, type RangeCache, type RangeRequest } from "./range.js";
import { decodeTuple, encodeTuple, type TupleElement, TupleKeyTooLong } from "./tuple-key.js";
import { decodeValue, encodeStorable } from "./value-encoding.js";
import { slicedBytesMin } from "./value-slices.js";
import type { WriteSet } from "./write-set.js";

/** Reads one stored key; a throw is a failure of the storage. */
export type ReadKey = (key: Uint8Array) => Uint8Array | undefined;

/** What all calls of one entry (or the one call of a query) may spend together. */
export interface Spending {
  operations: number;
  writtenBytes: number;
  /** The results in a batch so far; null where there is one call, whose result has no other beside it. */
  results: { readonly bytes: number; readonly values: number } | null;
  /** Whether the pairs that `count` passes are operations, too: not in a query, which reads them in slices. */
  readonly countsPairs: boolean;
}

export interface CallScope {
  /** The encoded name of the service, which all its keys begin with. */
  readonly service: Uint8Array;
  readonly read: ReadKey;
  readonly ranges: RangeCache;
  readonly writes: WriteSet;
  readonly spending: Spending;
}

/** Ends a run whose handler needs a range that is not in memory. Handlers should let it pass; the flag decides. */
class Suspension extends Error {
  override readonly name = "Suspension";
}

/** The state of one run. Handlers cannot reach it: they hold `ViewContext` or `TransactionContext` only. */
export class Run {
  readonly scope: CallScope;
  /** Set when the run cannot go on without this range; whatever the handler returns then does not count. */
  needs: RangeRequest | null = null;
  /** Set when the storage failed; whatever the handler returns then does not count. */
  failure: unknown = undefined;
  failed = false;
  /** Set when a budget is spent; it is the result even when the handler catches it. */
  overspent: Fault | null = null;
  /** Large arrays and structs that this run itself made of what is stored: nobody else has them. */
  readonly #made: unknown[] = [];
  #over = false;

  constructor(scope: CallScope) {
    this.scope = scope;
  }

  /** The handler has returned: what it kept is of no use any more. */
  end(): void {
    this.#over = true;
  }

  /** Before every operation. A handler that caught what stopped it is stopped again. */
  enter(operations = 1): void {
    if (this.#over)
      throw new Error("the call is over: tx and view cannot be used after the handler has returned");
    if (this.needs !== null) throw new Suspension("waiting for a range");
    if (this.failed) throw this.failure;
    if (this.overspent !== null) throw this.overspent;
    const { spending } = this.scope;
    spending.operations += operations;
    if (spending.operations > operationsMax) {
      this.overspend(`more than ${operationsMax} operations`);
    }
  }

  overspend(what: string): never {
    this.overspent = new Fault(faultCodes.tooLarge, `the call is too large: ${what}`);
    throw this.overspent;
  }

  suspend(request: RangeRequest): never {
    this.needs = request;
    throw new Suspension("waiting for a range");
  }

  stored(key: Uint8Array): Uint8Array | undefined {
    return this.#orFail(() => this.scope.read(key));
  }

  /** What this node stored it must be able to read: anything else is damage. */
  value(bytes: Uint8Array): Value {
    const value = this.#orFail(() => decodeValue(bytes));
    if (bytes.length >= slicedBytesMin) this.#made.push(value);
    return value;
  }

  /** Whether this is a large value that the handler got from this run. It may have changed it since. */
  hasMade(value: unknown): boolean {
    return this.#made.includes(value);
  }

  /** The parts of a stored key, without the service's name. */
  parts(key: Uint8Array): TupleElement[] {
    return this.#orFail(() => decodeTuple(key.subarray(this.scope.service.length)));
  }

  #orFail<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.failed = true;
      this.failure = error;
      throw error;
    }
  }

  current(key: Uint8Array): Uint8Array | undefined {
    const write = this.scope.writes.find(key);
    return write === undefined ? this.stored(key) : (write.value ?? undefined);
  }

  key(key: Key): Uint8Array {
    return guardLength(() => encodeTuple(key, this.scope.service));
  }

  range(options: Omit<RangeOptions, "limit" | "reverse">) {
    return guardLength(() => byteRange(this.scope.service, options));
  }
}

/** A key that is too long comes from the caller's data: the caller is told. */
function guardLength<T>(encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    if (error instanceof TupleKeyTooLong) throw new Fault(faultCodes.tooLarge, error.message);
    throw error;
  }
}

export class ViewContext implements View {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  get(key: Key): Value | undefined;
  get<T>(key: Key, type: Type<T>): T | undefined;
  get<T>(key: Key, type?: Type<T>): Value | T | undefined {
    this.#run.enter();
    const bytes = this.#run.current(this.#run.key(key));
    if (bytes === undefined) return undefined;
    const value = this.#run.value(bytes);
    return type === undefined ? value : type.accept(value, "the stored value");
  }

  has(key: Key): boolean {
    this.#run.enter();
    return this.#run.current(this.#run.key(key)) !== undefined;
  }

  range(options: RangeOptions): [TupleElement[], Value][];
  range<T>(options: RangeOptions, type: Type<T>): [TupleElement[], T][];
  range<T>(options: RangeOptions, type?: Type<T>): [TupleElement[], Value | T][] {
    const run = this.#run;
    run.enter();
    const { reverse = false, limit, ...bounds } = options;
    if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
      throw new RangeError(`limit must be a positive integer, not ${String(limit)}`);
    }
    const range = run.range(bounds);
    if (isEmpty(range)) return [];
    // One more than allowed, to know that there were too many.
    const wanted = Math.min(limit ?? rangePairsMax + 1, rangePairsMax + 1);
    const writes = run.scope.writes.within(range);
    const request: RangeRequest = { what: "pairs", range, reverse, limit: wanted + writes.length };
    const stored = run.scope.ranges.pairs(request) ?? run.suspend(request);
    const pairs = overlay(stored, reverse ? writes.toReversed() : writes, reverse, wanted);
    if (pairs.length > rangePairsMax) {
      run.overspend(`a range of more than ${rangePairsMax} pairs; give a limit and continue with gt`);
    }
    run.enter(pairs.length);
    return pairs.map(([key, bytes]) => {
      const value = run.value(bytes);
      return [run.parts(key), type === undefined ? value : type.accept(value, "the stored value")];
    });
  }

  count(options: Omit<RangeOptions, "limit" | "reverse">): number {
    const run = this.#run;
    run.enter();
    const range = run.range(options);
    if (isEmpty(range)) return 0;
    const request: RangeRequest = { what: "count", range };
    let count = run.scope.ranges.count(request) ?? run.suspend(request);
    if (run.scope.spending.countsPairs) run.enter(count);
    for (const { key, value } of run.scope.writes.within(range)) {
      const wasThere = run.stored(key) !== undefined;
      count += Number(value !== null) - Number(wasThere);
    }
    return count;
  }
}

/** What the entry gives to its command. */
export interface CommandFacts {
  readonly now: number;
  readonly index: number;
  readonly caller: string;
}

export class TransactionContext extends ViewContext implements Transaction {
  readonly now: number;
  readonly index: number;
  readonly caller: string;
  readonly #run: Run;
  readonly #prng: () => Prng;

  constructor(run: Run, facts: CommandFacts, prng: () => Prng) {
    super(run);
    this.#run = run;
    this.#prng = prng;
    this.now = facts.now;
    this.index = facts.index;
    this.caller = facts.caller;
  }

  set(key: Key, value: Encodable): void {
    this.#run.enter();
    this.#write(this.#run.key(key), encodeStorable(value, "the value to store"));
  }

  delete(key: Key): boolean {
    this.#run.enter();
    const encoded = this.#run.key(key);
    const existed = this.#run.current(encoded) !== undefined;
    if (existed) this.#write(encoded, null);
    return existed;
  }

  random(): number {
    this.#run.enter();
    return this.#prng().random();
  }

  uuid(): string {
    this.#run.enter();
    return this.#prng().uuid();
  }

  #write(key: Uint8Array, value: Uint8Array | null): void {
    const { spending, writes } = this.#run.scope;
    spending.writtenBytes += key.length + (value?.length ?? 0);
    if (spending.writtenBytes > writtenBytesMax)
      this.#run.overspend(`more than ${writtenBytesMax} bytes written`);
    writes.put(key, value);
  }
}
