/** What a call is answered with, and what whoever sends it has to know of it. */
import { encodeFault, type Fault } from "@quorate/protocol";
import type { CallOutcome, MethodKind } from "./ports.js";

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

/** A value that this node made by itself: nothing was executed for it. */
export function localAnswer(body: Uint8Array, method: string): Answer {
  return { body, ending: "value", method, kind: "local", index: null, leaderUrl: null };
}

export function faultAnswer(fault: Fault, method: string | null, kind: Answer["kind"]): Answer {
  return { body: encodeFault(fault), ending: "fault", method, kind, index: null, leaderUrl: null };
}
