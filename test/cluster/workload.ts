/** Clients that write, read and compare-and-set at random, and remember what they were told. */
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import type { Operation } from "../linearizability/history.js";
import type { RegisterOp, RegisterResult } from "../linearizability/register-model.js";
import { value } from "./rpc.js";

export type RegisterHistory = Operation<RegisterOp, RegisterResult>[];

/** How one call ended, as a client may understand it. */
export type CallEnd =
  | { readonly kind: "ok"; readonly value: Value }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** Surely not executed. */
  | { readonly kind: "failed" }
  | { readonly kind: "unknown" };

/** Refused connections and faults that say "not executed" are failures; any other missing answer is unknown. */
export async function attempt(
  url: string,
  method: string,
  params: readonly Value[],
  timeoutMs = 15_000,
): Promise<CallEnd> {
  try {
    return { kind: "ok", value: await value(url, method, params, { timeoutMs }) };
  } catch (error) {
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
  /** Every client calls one of these, chosen anew for each call. */
  readonly urls: readonly string[];
  readonly clients: number;
  readonly keys: number;
  /** Asked before each call. */
  readonly stopped: () => boolean;
  /** A bound, so that a history stays checkable. */
  readonly callsMax: number;
}

export interface Workload {
  readonly history: RegisterHistory;
  /** Resolves when every client has ended its last call. */
  readonly done: Promise<void>;
  readonly answered: () => number;
}

/** Calls to a paused node hang; a client that gives up soon goes on elsewhere (and remembers "unknown"). */
const callTimeoutMs = 1500;

/** `kv.set`, `kv.get` and `kv.cas` on few keys by concurrent clients; every written value is unique. */
export function startWorkload(options: WorkloadOptions): Workload {
  const history: RegisterHistory = [];
  let calls = 0;
  let answered = 0;
  let nextValue = 0;
  const client = async (name: string) => {
    /** What this client saw last, per key: a compare-and-set with it has a chance to succeed. */
    const seen = new Map<string, string>();
    while (!options.stopped() && calls < options.callsMax) {
      calls++;
      const op = choose(options.keys, seen, () => `v${nextValue++}`);
      const url = options.urls[Math.floor(Math.random() * options.urls.length)] ?? "";
      const calledAt = performance.now();
      const end = await perform(url, op);
      const outcome: RegisterHistory[number]["outcome"] =
        end.kind === "ok" ? { kind: "ok", result: end.result, returnedAt: performance.now() } : end;
      history.push({ client: name, op, calledAt, outcome });
      if (end.kind === "ok") answered++;
      if (end.kind === "ok" && op.kind === "get" && typeof end.result === "string")
        seen.set(op.key, end.result);
    }
  };
  const done = Promise.all(Array.from({ length: options.clients }, (_, index) => client(`c${index}`))).then(
    () => undefined,
  );
  return { history, done, answered: () => answered };
}

function choose(keys: number, seen: ReadonlyMap<string, string>, fresh: () => string): RegisterOp {
  const key = `k${Math.floor(Math.random() * keys)}`;
  const dice = Math.random();
  const expected = seen.get(key);
  if (dice < 0.4) return { kind: "get", key };
  if (dice < 0.7 && expected !== undefined) return { kind: "cas", key, expected, value: fresh() };
  return { kind: "set", key, value: fresh() };
}

type OpEnd =
  | { readonly kind: "ok"; readonly result: RegisterResult }
  | { readonly kind: "failed" }
  | { readonly kind: "unknown" };

async function perform(url: string, op: RegisterOp): Promise<OpEnd> {
  const params = {
    get: () => [op.key],
    delete: () => [op.key],
    set: () => [op.key, "value" in op ? op.value : ""],
    create: () => [op.key, "value" in op ? op.value : ""],
    cas: () => (op.kind === "cas" ? [op.key, op.expected, op.value] : []),
  }[op.kind]();
  const end = await attempt(url, `kv.${op.kind}`, params, callTimeoutMs);
  if (end.kind === "fault") {
    if (op.kind === "get" && end.fault.faultCode === 404) return { kind: "ok", result: null };
    throw new Error(`kv.${op.kind} answered with an unexpected fault`, { cause: end.fault });
  }
  if (end.kind === "ok") return { kind: "ok", result: end.value as RegisterResult };
  return end;
}
