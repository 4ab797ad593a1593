/**
 * From the bytes of a call to the bytes of its answer. Knows no HTTP, no cluster and no state.
 *
 *     bytes ─▶ decodeCall ─▶ local method? ─▶ answered here
 *                        ├─▶ service method ─▶ parameters checked ─▶ executor ─▶ outcome ─▶ bytes
 *                        └─▶ system.multicall ─▶ the same for each of its calls, the executor once
 */
import {
  DecodeError,
  type Dialect,
  decodeCall,
  defaultLimits,
  EncodeError,
  encodeFault,
  encodeResponse,
  Fault,
  faultCodes,
  type Value,
} from "@quorate/protocol";
import { faultOf, unwritableResult } from "./faults.js";
import { isLarge } from "./is-large.js";
import { Multicall, multicallName, type Resolution } from "./multicall.js";
import { encodeSlots } from "./multicall-answer.js";
import type {
  Call,
  CallContext,
  CallOutcome,
  Executor,
  LargeDocuments,
  LocalMethod,
  Method,
  MethodKind,
  MethodTable,
  Operation,
  Parameter,
} from "./ports.js";
import { noSuchMethod, systemMethods, wrongParams } from "./system-methods.js";

/** How a call ended, for status codes and counters: an outcome, or one of the two ways of a result. */
export type Ending = "value" | "fault" | Exclude<CallOutcome["kind"], "result">;

export interface Answer {
  /** An XML-RPC response document, UTF-8. */
  readonly body: Uint8Array;
  readonly ending: Ending;
  /** A method that exists; null for malformed and unknown calls, so that strangers cannot invent names. */
  readonly method: string | null;
  readonly kind: MethodKind | "local";
  /** Where the result was made, everything up to this log index was applied; null when nothing was executed. */
  readonly index: number | null;
  /** Base URL of the leader, for `notLeader` only. */
  readonly leaderUrl: string | null;
  /** How many calls a multicall held; absent for every other call. */
  readonly items?: number;
}

export interface DispatcherOptions {
  readonly service: MethodTable;
  /** Beside `system.*`, which the dispatcher adds itself. */
  readonly localMethods: ReadonlyMap<string, LocalMethod>;
  /** Without them, none. */
  readonly operations?: ReadonlyMap<string, Operation>;
  readonly executor: Executor;
  /** Bytes of one document, after decompression. */
  readonly maxBody: number;
  /** Without it, all documents are read and written at once. */
  readonly largeDocuments?: LargeDocuments;
  /** Which extensions answers may use; default: standard. */
  readonly dialect?: Dialect;
  /** Told of failures that the caller learns only as -32603. */
  readonly onFailure: (error: unknown, method: string) => void;
}

/** What introspection pages show of one method. */
export interface MethodDescription {
  readonly name: string;
  readonly kind: MethodKind | "local";
  readonly help: string;
  readonly signatures: readonly (readonly string[])[];
  /** Null when they are not declared. */
  readonly parameters: readonly Parameter[] | null;
  /** The result's type in words. */
  readonly result: string;
}

/** A call as its document says it. */
interface DecodedCall {
  readonly method: string;
  readonly params: readonly Value[];
}

export class Dispatcher {
  readonly #service: MethodTable;
  readonly #executor: Executor;
  readonly #local: ReadonlyMap<string, LocalMethod>;
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #limits: { readonly bytes: number } | undefined;
  readonly #large: LargeDocuments | undefined;
  readonly #dialect: Dialect | undefined;
  readonly #onFailure: DispatcherOptions["onFailure"];
  readonly #encode = (value: Value): Uint8Array => encodeResponse(value, { dialect: this.#dialect });

  /** @throws Error when a method of the service has the name of a local one */
  constructor(options: DispatcherOptions) {
    const local = new Map(options.localMethods);
    const operations = options.operations ?? new Map<string, Operation>();
    const described = new Map<string, LocalMethod | Operation>([...local, ...operations]);
    for (const [name, method] of systemMethods(options.service, described)) {
      local.set(name, method);
      described.set(name, method);
    }
    for (const name of options.service.list()) {
      if (described.has(name)) {
        throw new Error(`the service defines ${name}, which is a method of the server; give it another name`);
      }
    }
    this.#local = local;
    this.#operations = operations;
    this.#service = options.service;
    this.#executor = options.executor;
    // The transport has bounded the bytes already: only a larger bound than the codec's own must be told.
    this.#limits = options.maxBody > defaultLimits.bytes ? { bytes: options.maxBody } : undefined;
    this.#large = options.largeDocuments;
    this.#dialect = options.dialect;
    this.#onFailure = options.onFailure;
  }

  /** Every method, sorted by name. */
  describe(): readonly MethodDescription[] {
    const described: MethodDescription[] = [];
    for (const [name, method] of [...this.#local, ...this.#operations]) {
      described.push(description(name, "local", method));
    }
    for (const name of this.#service.list()) {
      const method = this.#service.find(name);
      if (method === undefined) continue;
      described.push(description(name, method.kind, method));
    }
    return described.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Answer one call. `end` is called exactly once, possibly before this returns; nothing is thrown.
   * `charset` is what the transport said of the document's encoding.
   */
  dispatch(
    bytes: Uint8Array,
    charset: string | undefined,
    context: CallContext,
    end: (answer: Answer) => void,
  ): void {
    const refuse = (error: unknown) => end(faultAnswer(this.#asFault(error, "decoding"), null, "local"));
    const options = { charset, limits: this.#limits };
    if (this.#large !== undefined && bytes.length >= this.#large.bytesMin) {
      this.#large.readCall(bytes, options, (call) => {
        if (call instanceof Error) refuse(call);
        else this.#call(call, context, end);
      });
      return;
    }
    let call: DecodedCall;
    try {
      call = decodeCall(bytes, options);
    } catch (error) {
      refuse(error);
      return;
    }
    this.#call(call, context, end);
  }

  #call({ method: name, params }: DecodedCall, context: CallContext, end: (answer: Answer) => void): void {
    if (name === multicallName) {
      this.#multicall(params, context, end);
      return;
    }
    const local = this.#local.get(name);
    if (local !== undefined) {
      end(this.#answerLocally(name, () => local.call(params)));
      return;
    }
    const operation = this.#operations.get(name);
    if (operation !== undefined) {
      this.#operate(name, operation, params, end);
      return;
    }
    const method = this.#service.find(name);
    if (method === undefined) {
      end(faultAnswer(noSuchMethod(name), null, "local"));
      return;
    }
    const { kind } = method;
    try {
      this.#service.checkParams(method, params);
      if (kind === "command") refuseKey(context);
    } catch (error) {
      end(faultAnswer(this.#asFault(error, name), name, kind));
      return;
    }
    this.#execute({ kind, method: name, params }, context, (outcome) =>
      this.#finish(outcome, name, kind, end),
    );
  }

  #finish(outcome: CallOutcome, method: string, kind: MethodKind, end: (answer: Answer) => void): void {
    const value = outcome.kind === "result" && outcome.result.ok ? outcome.result.value : null;
    if (this.#large === undefined || !isLarge(value, this.#large.bytesMin)) {
      end(this.#answerOf(outcome, method, kind, this.#encode));
      return;
    }
    this.#large.writeResponse(value, { dialect: this.#dialect }, (body) =>
      end(this.#answerOf(outcome, method, kind, () => written(body))),
    );
  }

  #execute(call: Call, context: CallContext, end: (outcome: CallOutcome) => void): void {
    if (call.kind === "query" && context.consistency === "stale") {
      this.#executor.readStale(call, context, end);
    } else {
      this.#executor.execute(call, context, end);
    }
  }

  #multicall(params: readonly Value[], context: CallContext, end: (answer: Answer) => void): void {
    let multicall: Multicall;
    try {
      multicall = new Multicall(params, (name, given) => this.#resolve(name, given));
      if (multicall.batch?.kind === "command") refuseKey(context);
    } catch (error) {
      end(faultAnswer(this.#asFault(error, multicallName), multicallName, "local"));
      return;
    }
    const { batch } = multicall;
    if (batch !== null) {
      this.#execute(batch, context, (outcome) => this.#finishMulticall(multicall, batch.kind, outcome, end));
      return;
    }
    this.#writeSlots(multicall.filledWith([]), (encode) => {
      const answered = { ending: "value", method: multicallName, kind: "local", index: null } as const;
      end({ ...answered, body: encode(), leaderUrl: null, items: multicall.size });
    });
  }

  #finishMulticall(
    multicall: Multicall,
    kind: MethodKind,
    outcome: CallOutcome,
    end: (answer: Answer) => void,
  ): void {
    const finish = (encode: (value: Value) => Uint8Array) =>
      end({ ...this.#answerOf(outcome, multicallName, kind, encode), items: multicall.size });
    if (outcome.kind !== "result" || !outcome.result.ok) {
      finish(this.#encode);
      return;
    }
    let slots: readonly Value[];
    try {
      slots = multicall.filledWith(outcome.result.value);
    } catch (error) {
      finish(() => {
        throw error;
      });
      return;
    }
    this.#writeSlots(slots, finish);
  }

  /** `done` gets what gives the document or throws why there is none. */
  #writeSlots(slots: readonly Value[], done: (encode: () => Uint8Array) => void): void {
    const dialect = this.#dialect;
    if (this.#large === undefined || !isLarge(slots, this.#large.bytesMin)) {
      done(() => encodeSlots(slots, dialect));
      return;
    }
    this.#large.writeSlots(slots, { dialect }, (body) => done(() => written(body)));
  }

  /** What becomes of one call of a multicall. */
  #resolve(name: string, params: readonly Value[]): Resolution {
    try {
      const local = this.#local.get(name);
      if (local !== undefined) return [local.call(params)];
      if (this.#operations.has(name)) {
        return wrongParams(`${name} acts on the cluster itself: call it alone, not in a multicall`);
      }
      const method = this.#service.find(name);
      if (method === undefined) return noSuchMethod(name);
      this.#service.checkParams(method, params);
      return { kind: method.kind, method: name, params };
    } catch (error) {
      return this.#asFault(error, name);
    }
  }

  #answerLocally(name: string, call: () => Value): Answer {
    try {
      const body = this.#encode(call());
      return { body, ending: "value", method: name, kind: "local", index: null, leaderUrl: null };
    } catch (error) {
      return faultAnswer(this.#asFault(error, name), name, "local");
    }
  }

  #operate(
    name: string,
    operation: Operation,
    params: readonly Value[],
    end: (answer: Answer) => void,
  ): void {
    operation.call(params).then(
      (value) => end(this.#answerLocally(name, () => value)),
      (error: unknown) => end(faultAnswer(this.#asFault(error, name), name, "local")),
    );
  }

  #answerOf(
    outcome: CallOutcome,
    method: string,
    kind: MethodKind,
    encode: (value: Value) => Uint8Array,
  ): Answer {
    if (outcome.kind !== "result") {
      const leaderUrl = outcome.kind === "notLeader" ? outcome.url : null;
      return {
        body: encodeFault(faultOf(outcome)),
        ending: outcome.kind,
        method,
        kind,
        index: null,
        leaderUrl,
      };
    }
    const { result, index } = outcome;
    try {
      const body = result.ok
        ? encode(result.value)
        : encodeFault(new Fault(result.fault.code, result.fault.message));
      return { body, ending: result.ok ? "value" : "fault", method, kind, index, leaderUrl: null };
    } catch (error) {
      const fault = error instanceof EncodeError ? unwritableResult(error) : this.#asFault(error, method);
      return { ...faultAnswer(fault, method, kind), index };
    }
  }

  #asFault(error: unknown, method: string): Fault {
    if (error instanceof Fault) return error;
    if (error instanceof DecodeError) return new Fault(error.code, error.message);
    this.#onFailure(error, method);
    return faultOf({ kind: "failed" });
  }
}

function written(body: Uint8Array | Error): Uint8Array {
  if (body instanceof Error) throw body;
  return body;
}

function description(
  name: string,
  kind: MethodDescription["kind"],
  { help, signatures, parameters = null, result }: LocalMethod | Operation | Method,
): MethodDescription {
  return { name, kind, help, signatures, parameters, result: result ?? signatures[0]?.[0] ?? "any" };
}

/** Without the tables that make a retry safe, accepting a key would be a promise that nothing keeps. */
function refuseKey(context: CallContext): void {
  if (context.idempotencyKey === null) return;
  throw new Fault(
    faultCodes.invalidParams,
    "Idempotency-Key is not supported yet; the call was not executed. Leave the header out, " +
      "or use a method that is safe to repeat",
  );
}

function faultAnswer(fault: Fault, method: string | null, kind: Answer["kind"]): Answer {
  return { body: encodeFault(fault), ending: "fault", method, kind, index: null, leaderUrl: null };
}
