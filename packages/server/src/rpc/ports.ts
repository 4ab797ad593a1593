/** What dispatching needs from the rest of the server, and the words it uses for how a call ends. */
import type { DecodeOptions, EncodeOptions, Value } from "@quorate/protocol";

export type MethodKind = "command" | "query";

/** One parameter, for documentation. */
export interface Parameter {
  readonly name: string;
  /** In words, as in `array of struct { sku: string }`. */
  readonly type: string;
  /** Bounds and default, in words; empty when there are none. */
  readonly note: string;
  readonly optional: boolean;
  /** Stands for any number of parameters; then it is the last one. */
  readonly many: boolean;
  readonly example: Value;
}

/** What documentation says of a method beside its signatures. */
interface Documented {
  /** Absent or null when they are not declared. */
  readonly parameters?: readonly Parameter[] | null;
  /** The result's type in words; absent: as in the signatures. */
  readonly result?: string;
}

/** One method of the service. */
export interface Method extends Documented {
  readonly kind: MethodKind;
  /** Empty when the author wrote none. */
  readonly help: string;
  /** Result type first, then the parameters'; one per number of parameters; empty when not declared. */
  readonly signatures: readonly (readonly string[])[];
}

export interface MethodTable {
  list(): readonly string[];
  find(name: string): Method | undefined;
  /** `method` comes from `find`. Throws the `Fault` (-32602) that says what was expected and what came. */
  checkParams(method: Method, params: readonly Value[]): unknown;
}

/** A method that any node answers by itself: introspection, status. */
export interface LocalMethod extends Documented {
  readonly help: string;
  readonly signatures: readonly (readonly string[])[];
  /** Throws a `Fault`. */
  call(params: readonly Value[]): Value;
}

/** A method that acts on the cluster itself, beside the log. It takes its time, so it is no part of other calls. */
export interface Operation extends Documented {
  readonly help: string;
  readonly signatures: readonly (readonly string[])[];
  /** Rejects with a `Fault`. */
  call(params: readonly Value[]): Promise<Value>;
}

/** Reads and writes large documents beside the event loop, which consensus shares and needs. */
export interface LargeDocuments {
  /** What counts as large: bytes of a document. */
  readonly bytesMin: number;
  /**
   * Reads a call. `done` is called exactly once, later or at once; with a `Fault` when the document is refused,
   * with any other error when this failed. The bytes are given away: nobody may use them afterwards.
   */
  readCall(
    document: Uint8Array,
    options: DecodeOptions,
    done: (result: { readonly method: string; readonly params: readonly Value[] } | Error) => void,
  ): void;
  /** Writes an answer; as above, with an `EncodeError` when the value cannot be written. */
  writeResponse(value: Value, options: EncodeOptions, done: (result: Uint8Array | Error) => void): void;
  /** Writes a multicall's answer from its slots; as above, but what cannot be written costs its own slot only. */
  writeSlots(
    slots: readonly Value[],
    options: EncodeOptions,
    done: (result: Uint8Array | Error) => void,
  ): void;
}

/** What a call that needs the leader gets when this node does not lead. */
export type Route = "redirect" | "forward" | "fault";

export type Consistency = "linearizable" | "stale";

/** What came with a call beside its document. */
export interface CallContext {
  /** The authenticated caller; empty while callers are not authenticated. */
  readonly caller: string;
  readonly consistency: Consistency;
  /** A stale read must not be older than this many milliseconds; null: no bound. */
  readonly maxStalenessMs: number | null;
  /** A read must see everything up to this log index; null: no bound. */
  readonly minIndex: number | null;
  readonly route: Route;
  readonly idempotencyKey: string | null;
}

/** One method of the service with its parameters. */
export interface MethodCall {
  readonly kind: MethodKind;
  readonly method: string;
  readonly params: readonly Value[];
}

/** Several of them, executed in their order with nothing in between: what a multicall leaves to execute. */
export interface Batch {
  /** A command as soon as one of its calls is: then all of them go through the log, as one entry. */
  readonly kind: MethodKind;
  readonly method: "system.multicall";
  readonly calls: readonly MethodCall[];
}

/** What is executed in one piece. */
export type Call = MethodCall | Batch;

/**
 * What the method itself answered; a fault is as much a result as a value. A batch's value is an array: per
 * call an array of its one result, or a struct of its fault.
 */
export type CallResult =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: { readonly code: number; readonly message: string } };

/** How a call ended. Each but `result`, `unknown` and `failed` says: surely not executed. */
export type CallOutcome =
  /** Executed; `index`: everything up to this log index was applied where it was. */
  | { readonly kind: "result"; readonly result: CallResult; readonly index: number }
  | { readonly kind: "notLeader"; readonly leader: string; readonly url: string }
  | { readonly kind: "noLeader"; readonly why: string }
  /** A query was asked for a state that is not reached. */
  | { readonly kind: "unmet"; readonly why: string }
  /** A command was proposed and its fate is not known. */
  | { readonly kind: "unknown" }
  | { readonly kind: "overloaded" }
  | { readonly kind: "tooLarge"; readonly why: string }
  /** This node failed at a query; nothing was changed. The cause is in the log. */
  | { readonly kind: "failed" };

export interface Executor {
  /** Run a command, or a query after a read barrier. `end` is called exactly once. */
  execute(call: Call, context: CallContext, end: (outcome: CallOutcome) => void): void;
  /**
   * Run a query against the state of this node, however old, if it meets the bounds of its context; else as
   * `execute` does. `end` is called exactly once.
   */
  readStale(call: Call, context: CallContext, end: (outcome: CallOutcome) => void): void;
}
