/** Clients that write, read and compare-and-set at random, and remember what they were told. */
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import type { Operation } from "../linearizability/history.js";
import type { RegisterOp, RegisterResult } from "../linearizability/register-model.js";
import { type AskOptions, NoXmlRpcAnswer, value } from "./rpc.js";

export type RegisterOperation = Operation<RegisterOp, RegisterResult>;
export type RegisterHistory = RegisterOperation[];

/** How one call ended, as a client may understand it. */
export type CallEnd =
  | { readonly kind: "ok"; readonly value: Value }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** Surely not executed. */
  | { readonly kind: "failed" }
  | { readonly kind: "unknown" };

/**
 * Refused connections and faults that say "not executed" are failures; any other missing answer is unknown.
 * @throws NoXmlRpcAnswer, which no node gives
 */
export async function attempt(
  url: string,
  method: string,
  params: readonly Value[],
  options: AskOptions = {},
): Promise<CallEnd> {
  try {
    return { kind: "ok", value: await value(url, method, params, { timeoutMs: 15_000, ...options }) };
  } catch (error) {
    if (error instanceof NoXmlRpcAnswer) throw error;
    if (error instanceof Fault) {
      const notExecuted: readonly number[] = [
        faultCodes.notLeader,
        faultCodes.noLeader,
        faultCodes.overloaded,
      ];
      if (notExecuted.includes(error.faultCode)) return { kind: "failed" };
      if (error.faultCode === faultCodes.outcomeUnknown) return { kind: "unknown" };
      return { kind: "fault", fault: error };
    }
    const cause = error instanceof Error ? error.cause : undefined;
    const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
    return { kind: code === "ECONNREFUSED" ? "failed" : "unknown" };
  }
}

export interface WorkloadOptions {
  readonly clients: number;
  /** Whom a client calls next. */
  readonly url: (client: number) => string;
  /** The key of the next call. */
  readonly key: () => string;
  /** Asked before each call; it may wait. */
  readonly next: () => boolean | Promise<boolean>;
  /** What a client's calls have in common, such as its user agent. */
  readonly ask?: (client: number) => AskOptions;
  /** Default: chance without a seed. */
  readonly random?: () => number;
  /** Told of every call that has ended. */
  readonly onCall: (operation: RegisterOperation) => void;
}

/** Calls to a paused node hang; a client that gives up soon goes on elsewhere (and remembers "unknown"). */
const callTimeoutMs = 1500;

/**
 * `kv.set`, `kv.get` and `kv.cas` by concurrent clients; every written value is unique. Resolves when every
 * client has ended its last call; rejects on an answer that no node may give.
 */
export async function runWorkload(options: WorkloadOptions): Promise<void> {
  const { onCall, random = Math.random } = options;
  let nextValue = 0;
  const client = async (number: number) => {
    /** What this client saw last, per key: a compare-and-set with it has a chance to succeed. */
    const seen = new Map<string, string>();
    const ask = { timeoutMs: callTimeoutMs, ...options.ask?.(number) };
    while (await options.next()) {
      const op = choose(options.key(), random, seen, () => `v${nextValue++}`);
      const url = options.url(number);
      const calledAt = performance.now();
      const end = await perform(url, op, ask);
      const outcome: RegisterOperation["outcome"] =
        end.kind === "ok" ? { kind: "ok", result: end.result, returnedAt: performance.now() } : end;
      onCall({ client: `c${number}`, op, calledAt, outcome });
      if (end.kind === "ok" && op.kind === "get" && typeof end.result === "string")
        seen.set(op.key, end.result);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, number) => client(number)));
}

function choose(
  key: string,
  random: () => number,
  seen: ReadonlyMap<string, string>,
  fresh: () => string,
): RegisterOp {
  const dice = random();
  const expected = seen.get(key);
  if (dice < 0.4) return { kind: "get", key };
  if (dice < 0.7 && expected !== undefined) return { kind: "cas", key, expected, value: fresh() };
  return { kind: "set", key, value: fresh() };
}

type OpEnd =
  | { readonly kind: "ok"; readonly result: RegisterResult }
  | { readonly kind: "failed" }
  | { readonly kind: "unknown" };

async function perform(url: string, op: RegisterOp, ask: AskOptions): Promise<OpEnd> {
  const params = {
    get: () => [op.key],
    delete: () => [op.key],
    set: () => [op.key, "value" in op ? op.value : ""],
    create: () => [op.key, "value" in op ? op.value : ""],
    cas: () => (op.kind === "cas" ? [op.key, op.expected, op.value] : []),
  }[op.kind]();
  const end = await attempt(url, `kv.${op.kind}`, params, ask);
  if (end.kind === "fault") {
    if (op.kind === "get" && end.fault.faultCode === 404) return { kind: "ok", result: null };
    throw new Error(`kv.${op.kind} answered with an unexpected fault: ${end.fault.message}`, {
      cause: end.fault,
    });
  }
  if (end.kind === "ok") return { kind: "ok", result: end.value as RegisterResult };
  return end;
}
