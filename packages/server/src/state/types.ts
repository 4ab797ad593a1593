/** The words that the rest of the server needs to run a service: results, contexts, the machine itself. */
import type { Value } from "@quorate/protocol";
import type { StateMachine, StateView } from "@quorate/raft";
import type { Checkpoints } from "./checkpoints.js";

/** How a call ended: a value, or a fault that is as much a result as the value. */
export type CallResult =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: { readonly code: number; readonly message: string } };

/** What the node that proposes a command adds to it; stored in the entry, so that every node sees the same. */
export interface CommandContext {
  /** The authenticated caller; empty while callers are not authenticated. */
  readonly caller: string;
  /** Wall clock of the proposing node, milliseconds since 1970-01-01 UTC. */
  readonly nowMs: number;
  /** Monotonic milliseconds since the proposing node began to lead; ages retry tables, never shown to handlers. */
  readonly elapsedMs: number;
  /** 16 random bytes: all chance that a handler may use derives from them. */
  readonly seed: Uint8Array;
}

/** One call of a batch (`system.multicall`). */
export interface BatchCall {
  readonly method: string;
  readonly params: readonly Value[];
}

/** Receives what must not go into a result (texts and stacks of throws differ between Node versions). A pino logger fits. */
export interface ServiceLog {
  warn(fields: object, message: string): void;
}

/** The replicated machine of one service, plus its queries, which never enter the log. */
export interface ServiceMachine extends StateMachine<CallResult> {
  /** What this process came to, at entries that others look at too. */
  readonly checkpoints: Pick<Checkpoints, "all">;
  /**
   * Run a query against the state as it is now. A promise only when it needs ranges, which are then read,
   * like everything else in that call, from one pinned snapshot. Never throws for what the caller or the
   * service did wrong (that is a fault); throws or rejects when the storage fails.
   */
  runQuery(method: string, params: readonly Value[], view: StateView): CallResult | Promise<CallResult>;
  /**
   * Run several queries against one moment of the state. The value is that of a batch in the log: per call an
   * array of its one result, or a fault struct. Ends and throws as `runQuery` does.
   */
  runBatch(calls: readonly BatchCall[], view: StateView): CallResult | Promise<CallResult>;
}
