/**
 * From the bytes of a call to the bytes of its answer. Knows no HTTP, no cluster and no state.
 *
 *     bytes ─▶ decodeCall ─▶ local method? ─▶ answered here
 *                        ├─▶ service method ─▶ parameters checked ─▶ executor ─▶ outcome ─▶ bytes
 *                        └─▶ system.multicall ─▶ the same for each of its calls, the executor once
 */
import { decodeCall, defaultLimits, Fault, faultCodes, type Value } from "@quorate/protocol";
import { type Answer, faultAnswer } from "./answer.js";
import { AnswerWriter, type AnswerWriterOptions } from "./answer-writer.js";
import { describeMethods, type MethodDescription } from "./method-description.js";
import { Multicall, multicallName, type Resolution } from "./multicall.js";
import type {
  Call,
  CallContext,
  CallOutcome,
  Executor,
  LargeDocuments,
  LocalMethod,
  MethodTable,
  Operation,
} from "./ports.js";
import { noSuchMethod, systemMethods, wrongParams } from "./system-methods.js";

export interface DispatcherOptions extends AnswerWriterOptions {
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
  readonly #answers: AnswerWriter;

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
    this.#answers = new AnswerWriter(options);
  }

  /** Every method, sorted by name. */
  describe(): readonly MethodDescription[] {
    return describeMethods([...this.#local, ...this.#operations], this.#service);
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
    const refuse = (error: unknown) =>
      end(faultAnswer(this.#answers.asFault(error, "decoding"), null, "local"));
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
      end(this.#answers.local(name, () => local.call(params)));
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
      end(this.#answers.refusal(error, name, kind));
      return;
    }
    this.#execute({ kind, method: name, params }, context, (outcome) =>
      this.#answers.outcome(outcome, name, kind, end),
    );
  }

  #operate(
    name: string,
    operation: Operation,
    params: readonly Value[],
    end: (answer: Answer) => void,
  ): void {
    // An operation that throws at once is no different from one that rejects later.
    const run = async () => operation.call(params);
    run().then(
      (value) => end(this.#answers.local(name, () => value)),
      (error: unknown) => end(this.#answers.refusal(error, name, "local")),
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
      end(this.#answers.refusal(error, multicallName, "local"));
      return;
    }
    const { batch } = multicall;
    if (batch === null) {
      this.#answers.localMulticall(multicall, end);
      return;
    }
    this.#execute(batch, context, (outcome) => this.#answers.multicall(multicall, batch.kind, outcome, end));
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
      return this.#answers.asFault(error, name);
    }
  }
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
