/** What calls need from Raft and from the service; both are built in `node.ts`. */
import type { Value } from "@quorate/protocol";
import type { RaftNode, StateView } from "@quorate/raft";
import type { CallResult, MethodCall } from "../rpc/ports.js";

/** The part of a Raft node that calls use. */
export type Raft = Pick<
  RaftNode<CallResult>,
  "propose" | "readBarrier" | "view" | "request" | "status" | "onChange"
>;

export interface Service {
  /** The log entry of a command; made once, on the node that proposes it. Throws the `Fault` of a wrong call. */
  encodeCommand(method: string, params: readonly Value[], caller: string): Uint8Array;
  /** The log entry of a batch; a call in it that cannot be executed gets its fault in its place of the result. */
  encodeBatch(calls: readonly MethodCall[], caller: string): Uint8Array;
  /** Throws or rejects only when this node fails. */
  runQuery(method: string, params: readonly Value[], view: StateView): CallResult | Promise<CallResult>;
  /** Several queries against one moment of the state. Throws or rejects as `runQuery` does. */
  runBatch(calls: readonly MethodCall[], view: StateView): CallResult | Promise<CallResult>;
  /** The lossless encoding that log entries use, too. */
  encodeValue(value: Value): Uint8Array;
  /** Throws on bytes that are not a value. */
  decodeValue(bytes: Uint8Array): Value;
  /** The same for values of any size: a promise for a large one, which leaves the event loop free. */
  decodeLargeValue(bytes: Uint8Array): Value | Promise<Value>;
}

/** Told of failures that callers learn only as -32603. */
export type OnFailure = (error: unknown, method: string) => void;
