/**
 * The replicated state machine of one service: entries in, results and effects out. Depends on nothing but the
 * entry and the state: no clock, no chance, no configuration.
 */
import { Fault, faultCodes, isStruct, type Struct, struct, type Value } from "@quorate/protocol";
import type { ApplyOutcome, StateView } from "@quorate/raft";
import type { Entry } from "@quorate/raft/core";
import { copyValue } from "../services/normalize.js";
import type { RegisteredMethod, Registry } from "../services/registry.js";
import { batchResultBytesMax, batchResultValuesMax, operationsMax } from "./budgets.js";
import {
  type CallScope,
  type CommandFacts,
  Run,
  type Spending,
  TransactionContext,
  ViewContext,
} from "./call-context.js";
import { Checkpoints } from "./checkpoints.js";
import { decodeLargeLogEntry, decodeLogEntry, type LogEntry, LogEntryError } from "./log-entry.js";
import { chainDigest, metadataEffect, readMetadata } from "./metadata.js";
import { Prng } from "./prng.js";
import { EngineFailure, faultResult, runHandler } from "./run-handler.js";
import { runSteps, type Step } from "./run-steps.js";
import { requireStruck, strikeMark } from "./strike-mark.js";
import { encodeTuple } from "./tuple-key.js";
import type { BatchCall, CallResult, ServiceLog, ServiceMachine } from "./types.js";
import { packValue } from "./value-encoding.js";
import { slicedBytesMin } from "./value-slices.js";
import { WriteSet } from "./write-set.js";

/** A committed entry names a service or version that this node does not run. It must stop, or it would diverge. */
export class UnknownServiceVersion extends Error {
  override readonly name = "UnknownServiceVersion";
}

/** The result of an entry that an operator struck out, on every node. */
export const struckOutText = "struck out by the operator: nothing of this call was executed";

export function createServiceMachine(registry: Registry, log: ServiceLog): ServiceMachine {
  return new RegistryMachine(registry, log);
}

class RegistryMachine implements ServiceMachine {
  readonly checkpoints = new Checkpoints();
  readonly #registry: Registry;
  readonly #log: ServiceLog;
  readonly #service: Uint8Array;

  constructor(registry: Registry, log: ServiceLog) {
    this.#registry = registry;
    this.#log = log;
    this.#service = encodeTuple([registry.service]);
  }

  apply(entry: Entry, view: StateView): ApplyOutcome<CallResult> | Promise<ApplyOutcome<CallResult>> {
    if (entry.data.length < slicedBytesMin) return this.#execute(entry, decodeLogEntry(entry.data), view);
    return decodeLargeLogEntry(entry.data).then((command) => this.#execute(entry, command, view));
  }

  #execute(
    entry: Entry,
    command: LogEntry,
    view: StateView,
  ): ApplyOutcome<CallResult> | Promise<ApplyOutcome<CallResult>> {
    this.#assertOurs(entry, command);
    const metadata = readMetadata(view);
    const now = Math.max(metadata.lastNow, command.now);
    const writes = new WriteSet();
    const steps = this.#steps(entry, command, now, writes);

    const finish = (results: readonly CallResult[]): ApplyOutcome<CallResult> => {
      const effects = writes.effects();
      const digest = chainDigest(metadata.digest, entry.index, results, effects);
      effects.push(metadataEffect({ lastNow: now, digest }));
      this.checkpoints.passed(entry.index, digest);
      return { result: command.kind === "batch" ? batchResult(results) : onlyResult(results), effects };
    };
    const results = runSteps(steps, view, operationsMax + 1);
    return results instanceof Promise ? results.then(finish) : finish(results);
  }

  strike(entry: Entry, view: StateView): ApplyOutcome<CallResult> {
    const { lastNow, digest } = readMetadata(view);
    const result = faultResult(new Fault(faultCodes.applicationError, struckOutText));
    const effects = [strikeMark(entry.index)];
    const next = chainDigest(digest, entry.index, [result], effects);
    this.checkpoints.passed(entry.index, next);
    return { result, effects: [...effects, metadataEffect({ lastNow, digest: next })] };
  }

  confirmStrike(entry: Entry, index: number, view: StateView): ApplyOutcome<CallResult> {
    requireStruck(view, index, entry.index);
    return { result: { ok: true, value: true }, effects: [] };
  }

  runQuery(method: string, params: readonly Value[], view: StateView): CallResult | Promise<CallResult> {
    const step = this.#queryStep({ method, params }, nothingSpent({ inBatch: false, countsPairs: false }));
    const results = runSteps([step], view, Number.MAX_SAFE_INTEGER);
    return results instanceof Promise ? results.then(onlyResult) : onlyResult(results);
  }

  runBatch(calls: readonly BatchCall[], view: StateView): CallResult | Promise<CallResult> {
    const spending = nothingSpent({ inBatch: true, countsPairs: false });
    const steps = calls.map((call) => this.#queryStep(call, spending));
    const results = runSteps(steps, view, Number.MAX_SAFE_INTEGER);
    return results instanceof Promise ? results.then(batchResult) : batchResult(results);
  }

  /** A query that exhausts V8 has changed nothing: only its caller hears of it. A storage failure is another matter. */
  #queryFailure(method: string, error: unknown): CallResult {
    if (!(error instanceof EngineFailure)) throw error;
    this.#log.warn({ method, err: error }, `the query ${method} exhausted the engine`);
    return faultResult(
      new Fault(faultCodes.internalError, `${method} needs more memory or stack than there is`),
    );
  }

  #assertOurs(entry: Entry, command: LogEntry): void {
    const { service, sha256 } = this.#registry;
    if (command.service === service && command.sha256 === sha256) return;
    throw new UnknownServiceVersion(
      `log entry ${entry.index} must be executed by service "${command.service}" version ${command.sha256}, ` +
        `but this node runs "${service}" version ${sha256}; start it with the service file of that version`,
    );
  }

  #steps(entry: Entry, command: LogEntry, now: number, writes: WriteSet): Step[] {
    const facts: CommandFacts = { now, index: entry.index, caller: command.caller };
    const spending = nothingSpent({ inBatch: command.kind === "batch", countsPairs: true });
    const calls = new EntryCalls(entry, command);
    return calls.first.map(({ method }, place) => {
      const found = this.#registry.find(method);
      if (found === undefined) return () => noSuchMethod(method);
      const scope = { service: this.#service, writes, spending };
      return this.#step(found, calls.paramsOf(place), scope, (run) => {
        if (found.kind === "query") return new ViewContext(run);
        let prng: Prng | null = null;
        return new TransactionContext(run, facts, () => {
          prng ??= Prng.fromSeed(command.seed, place);
          return prng;
        });
      });
    });
  }

  #queryStep({ method, params }: BatchCall, spending: Spending): Step {
    const found = this.#registry.find(method);
    if (found === undefined) return () => noSuchMethod(method);
    if (found.kind !== "query") {
      const fault = new Fault(faultCodes.internalError, `${method} is a command and must be proposed`);
      return () => faultResult(fault);
    }
    const scope = { service: this.#service, writes: new WriteSet(), spending };
    const copies = () => params.map(copyValue);
    const step = this.#step(found, copies, scope, (run) => new ViewContext(run));
    return (read, ranges) => {
      try {
        return step(read, ranges);
      } catch (error) {
        return this.#queryFailure(method, error);
      }
    };
  }

  /**
   * An attempt writes and spends on copies, which count only once it has a result. `params` gives each attempt
   * parameters of its own, because a handler may change what it gets and still run again from the start.
   */
  #step(
    method: RegisteredMethod,
    params: () => readonly Value[],
    entry: Pick<CallScope, "service" | "writes" | "spending">,
    contextOf: (run: Run) => ViewContext,
  ): Step {
    return (read, ranges) => {
      const writes = new WriteSet(entry.writes);
      const spending = { ...entry.spending };
      const run = new Run({ service: entry.service, read, ranges, writes, spending });
      const ended = runHandler(this.#registry, method, params(), contextOf(run), run, this.#log);
      if ("what" in ended) return ended;
      const outcome = withinBatch(ended, spending);
      if (outcome.ok) writes.mergeIntoParent();
      Object.assign(entry.spending, spending);
      return outcome;
    };
  }
}

/**
 * The calls of one entry. What was read from it belongs to the first attempt of each call, without a copy; the few
 * that are suspended and run again get copies of what is then read from the entry once more.
 */
class EntryCalls {
  readonly first: readonly BatchCall[];
  readonly #entry: Entry;
  #again: readonly BatchCall[] | null = null;

  constructor(entry: Entry, command: LogEntry) {
    this.#entry = entry;
    this.first = callsOf(command);
  }

  paramsOf(place: number): () => readonly Value[] {
    let taken = false;
    return () => {
      if (taken) {
        this.#again ??= callsOf(decodeLogEntry(this.#entry.data));
        return this.#again[place]?.params.map(copyValue) ?? [];
      }
      taken = true;
      return this.first[place]?.params ?? [];
    };
  }
}

function callsOf(command: LogEntry): readonly BatchCall[] {
  if (command.kind === "command") return [{ method: command.method, params: command.params }];
  return command.params.map((call) => {
    if (Array.isArray(call)) {
      const [method, params] = call;
      if (typeof method === "string" && Array.isArray(params)) return { method, params };
    }
    throw new LogEntryError("a batch holds something that is no [method, params]");
  });
}

function nothingSpent(of: { readonly inBatch: boolean; readonly countsPairs: boolean }): Spending {
  return {
    operations: 0,
    writtenBytes: 0,
    results: of.inBatch ? { bytes: 0, values: 0 } : null,
    countsPairs: of.countsPairs,
  };
}

/** The result, or the fault of a call whose result is too much beside those before it. Room that is refused is not spent. */
function withinBatch(result: CallResult, spending: Spending): CallResult {
  if (spending.results === null || !result.ok) return result;
  const bytes = spending.results.bytes + packValue(result.value).length;
  const values = spending.results.values + countValues(result.value);
  if (bytes > batchResultBytesMax || values > batchResultValuesMax) {
    return faultResult(
      new Fault(
        faultCodes.tooLarge,
        `up to here the results of this system.multicall hold ${bytes} bytes and ${values} values, ` +
          `at most ${batchResultBytesMax} and ${batchResultValuesMax} are sent; ask for less at once`,
      ),
    );
  }
  spending.results = { bytes, values };
  return result;
}

function countValues(value: Value): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countValues(item), 1);
  if (!isStruct(value)) return 1;
  return Object.values(value).reduce<number>((sum, member) => sum + countValues(member), 1);
}

/** As `system.multicall` answers: per call an array of its one result, or a fault struct. */
function batchResult(results: readonly CallResult[]): CallResult {
  return {
    ok: true,
    value: results.map((result) => (result.ok ? [result.value] : faultStruct(result.fault))),
  };
}

function faultStruct(fault: { readonly code: number; readonly message: string }): Struct {
  return struct([
    ["faultCode", fault.code],
    ["faultString", fault.message],
  ]);
}

function onlyResult(results: readonly CallResult[]): CallResult {
  const [result] = results;
  if (result === undefined || results.length !== 1)
    throw new Error(`one call gave ${results.length} results`);
  return result;
}

function noSuchMethod(method: string): CallResult {
  return faultResult(new Fault(faultCodes.methodNotFound, `no such method: ${method}`));
}
