/** Running a call on this node as the leader: the last step of every call, direct or forwarded. */
import { Fault } from "@quorate/protocol";
import type { StateView } from "@quorate/raft";
import type { Call, CallResult } from "../rpc/ports.js";
import type { OnFailure, Raft, Service } from "./ports.js";

/** How an attempt on the leader ended. */
export type LeaderOutcome =
  | { readonly kind: "result"; readonly result: CallResult; readonly index: number }
  /** Not proposed, nothing read: this node does not lead, or not any more. Safe to try anywhere. */
  | { readonly kind: "refused"; readonly why: string }
  /** Proposed, but another entry committed in its place: surely not executed. */
  | { readonly kind: "lost" }
  | { readonly kind: "unknown" }
  | { readonly kind: "overloaded" }
  /** Refused before it was proposed. */
  | { readonly kind: "tooLarge"; readonly why: string }
  /** A query that this node failed to answer, or a command that could not be encoded. Nothing was changed. */
  | { readonly kind: "failed" };

/**
 * Largest log entry, and largest call that is forwarded: twice what a command may write. Each node copies an entry
 * several times at once on its way to disk and peers, and a leader that does so for long is taken for dead. (A
 * peer takes frames of 64 MiB: an entry that fits none could never reach a majority, and nothing after it either.)
 */
const callBytesMax = 16 * 1024 * 1024;

/** Null when a call of that size can travel. */
export function tooLargeToTravel(bytes: number): { readonly kind: "tooLarge"; readonly why: string } | null {
  if (bytes <= callBytesMax) return null;
  return {
    kind: "tooLarge",
    why: `method and parameters have ${bytes} bytes, at most ${callBytesMax} fit the log`,
  };
}

/** Barriers that may wait for their outcome: while execution is paused they would gather without bound. */
const barriersMax = 10_000;

type Log = Pick<Raft, "propose" | "readBarrier" | "view">;

export class LocalExecution {
  readonly #raft: Log;
  readonly #service: Service;
  readonly #onFailure: OnFailure;
  #barriers = 0;

  constructor(raft: Log, service: Service, onFailure: OnFailure) {
    this.#raft = raft;
    this.#service = service;
    this.#onFailure = onFailure;
  }

  /** Everything up to this log index is applied here. */
  get index(): number {
    return this.#raft.view.index;
  }

  /** `end` is called exactly once, possibly before this returns. Nothing is thrown. */
  run(call: Call, caller: string, end: (outcome: LeaderOutcome) => void): void {
    if (call.kind === "command") this.#propose(call, caller, end);
    else this.#readLinearizable(call, end);
  }

  /** A query against the state as it is here and now. */
  read(call: Call, end: (outcome: LeaderOutcome) => void): void {
    const { view } = this.#raft;
    const { index } = view;
    const failed = (error: unknown) => {
      this.#onFailure(error, call.method);
      end({ kind: "failed" });
    };
    const answer = this.#runQuery(call, view, failed);
    if (answer === undefined) return;
    if (answer instanceof Promise) {
      answer.then((result) => end({ kind: "result", result, index }), failed);
    } else {
      end({ kind: "result", result: answer, index });
    }
  }

  #runQuery(
    call: Call,
    view: StateView,
    failed: (error: unknown) => void,
  ): CallResult | Promise<CallResult> | undefined {
    try {
      if ("calls" in call) return this.#service.runBatch(call.calls, view);
      return this.#service.runQuery(call.method, call.params, view);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #readLinearizable(call: Call, end: (outcome: LeaderOutcome) => void): void {
    if (this.#barriers >= barriersMax) {
      end({ kind: "overloaded" });
      return;
    }
    this.#barriers += 1;
    this.#raft.readBarrier((outcome) => {
      this.#barriers -= 1;
      if (outcome.kind === "ready") this.read(call, end);
      else end({ kind: "refused", why: "no leader confirmed the read" });
    });
  }

  /** The service may refuse a call before it is proposed: that fault is the caller's answer. */
  #refuse(error: unknown, call: Call, end: (outcome: LeaderOutcome) => void): void {
    if (error instanceof Fault) {
      const fault = { code: error.faultCode, message: error.faultString };
      end({ kind: "result", result: { ok: false, fault }, index: this.#raft.view.index });
      return;
    }
    this.#onFailure(error, call.method);
    end({ kind: "failed" });
  }

  #propose(call: Call, caller: string, end: (outcome: LeaderOutcome) => void): void {
    let entry: Uint8Array;
    try {
      entry =
        "calls" in call
          ? this.#service.encodeBatch(call.calls, caller)
          : this.#service.encodeCommand(call.method, call.params, caller);
    } catch (error) {
      this.#refuse(error, call, end);
      return;
    }
    const refusal = tooLargeToTravel(entry.length);
    if (refusal !== null) {
      end(refusal);
      return;
    }
    this.#raft.propose(entry, (outcome) => {
      switch (outcome.kind) {
        case "applied":
          end({ kind: "result", result: outcome.result, index: outcome.index });
          return;
        case "refused":
          end(
            outcome.reason === "overloaded"
              ? { kind: "overloaded" }
              : { kind: "refused", why: refusals[outcome.reason] },
          );
          return;
        case "lost":
        case "unknown":
          end({ kind: outcome.kind });
          return;
      }
    });
  }
}

/** Nobody but an operator can change it: such a call need not wait. */
export const heldRefusal = "execution is held before an entry that no node could execute; see quorate status";

const refusals = {
  notLeader: "this node does not lead",
  transferring: "leadership is moving to another node",
  stopped: "this node is stopping",
  held: heldRefusal,
} as const;
