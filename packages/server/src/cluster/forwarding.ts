/**
 * What travels between the node that received a call and the leader, as values in the lossless encoding.
 *
 * Call: `[version, kind, method, params, remainingMs, caller]`. Answer: `[version, ending, …]`.
 * Batch: `[version, "batch", [[kind, method, params], …], remainingMs, caller]`. Answer: as to a call.
 * Question for the service: `[version, "service"]`. Answer: `[version, "service", name, sha256]`.
 * Question for the leader: `[version, "leader"]`. Answer: `[version, "leader", id or "", stopping]`.
 * All are append-only: readers ignore what follows the fields they know.
 */
import { isArray, type Value } from "@quorate/protocol";
import { batchOf } from "../rpc/batch.js";
import type { Batch, Call, MethodCall } from "../rpc/ports.js";
import type { LeaderOutcome } from "./local-execution.js";

/** 2: batches. Nodes of different versions refuse each other's calls. */
export const forwardVersion = 2;

export interface ForwardedCall {
  readonly call: Call;
  /** Milliseconds until the caller's node gives up. */
  readonly remainingMs: number;
  readonly caller: string;
}

export function callToValue({ call, remainingMs, caller }: ForwardedCall): Value {
  if (!("calls" in call)) return [forwardVersion, ...methodCallToFields(call), remainingMs, caller];
  return [forwardVersion, "batch", call.calls.map(methodCallToFields), remainingMs, caller];
}

/** @throws Error on anything that `callToValue` of a known version does not make */
export function callFromValue(value: Value): ForwardedCall {
  const fields = versioned(value);
  const isBatch = fields[0] === "batch";
  const call = isBatch ? batchFromField(fields[1]) : methodCallFromFields(fields);
  const [remainingMs, caller] = fields.slice(isBatch ? 2 : 3);
  if (call === null || typeof remainingMs !== "number" || typeof caller !== "string") {
    throw new Error("a peer sent a forwarded call that cannot be read");
  }
  return { call, remainingMs, caller };
}

function methodCallToFields({ kind, method, params }: MethodCall): Value[] {
  return [kind, method, [...params]];
}

/** Null for anything else. */
function methodCallFromFields([kind, method, params]: readonly Value[]): MethodCall | null {
  if (kind !== "command" && kind !== "query") return null;
  if (typeof method !== "string" || params === undefined || !isArray(params)) return null;
  return { kind, method, params };
}

/** Null for anything else, and for a batch of nothing. */
function batchFromField(field: Value | undefined): Batch | null {
  if (field === undefined || !isArray(field)) return null;
  const calls: MethodCall[] = [];
  for (const item of field) {
    const call = isArray(item) ? methodCallFromFields(item) : null;
    if (call === null) return null;
    calls.push(call);
  }
  return calls.length === 0 ? null : batchOf(calls);
}

export function outcomeToValue(outcome: LeaderOutcome): Value {
  switch (outcome.kind) {
    case "result":
      return outcome.result.ok
        ? [forwardVersion, "value", outcome.index, outcome.result.value]
        : [forwardVersion, "fault", outcome.index, outcome.result.fault.code, outcome.result.fault.message];
    case "refused":
    case "tooLarge":
      return [forwardVersion, outcome.kind, outcome.why];
    case "lost":
    case "unknown":
    case "overloaded":
    case "failed":
      return [forwardVersion, outcome.kind];
  }
}

/** @throws Error on anything that `outcomeToValue` of a known version does not make */
export function outcomeFromValue(value: Value): LeaderOutcome {
  const [kind, first, second, third] = versioned(value);
  switch (kind) {
    case "value":
      if (typeof first !== "number" || second === undefined) break;
      return { kind: "result", index: first, result: { ok: true, value: second } };
    case "fault":
      if (typeof first !== "number" || typeof second !== "number" || typeof third !== "string") break;
      return { kind: "result", index: first, result: { ok: false, fault: { code: second, message: third } } };
    case "refused":
    case "tooLarge":
      if (typeof first !== "string") break;
      return { kind, why: first };
    case "lost":
    case "unknown":
    case "overloaded":
    case "failed":
      return { kind };
  }
  throw new Error("the leader sent an answer to a forwarded call that cannot be read");
}

/** What a node executes; all nodes of a cluster must execute the same. */
export interface ServiceVersion {
  readonly service: string;
  readonly sha256: string;
}

export const serviceQuestion: Value = [forwardVersion, "service"];

export function isServiceQuestion(value: Value): boolean {
  return versioned(value)[0] === "service";
}

export function serviceToValue({ service, sha256 }: ServiceVersion): Value {
  return [forwardVersion, "service", service, sha256];
}

/** @throws Error on anything that `serviceToValue` of a known version does not make */
export function serviceFromValue(value: Value): ServiceVersion {
  const [kind, service, sha256] = versioned(value);
  if (kind !== "service" || typeof service !== "string" || typeof sha256 !== "string") {
    throw new Error("a peer sent an answer about its service that cannot be read");
  }
  return { service, sha256 };
}

/** What a node knows that a node on its way out, or one that was removed, must learn of it. */
export interface LeaderKnowledge {
  /** Id of the leader that it sends calls to; null when it knows none. */
  readonly leader: string | null;
  /** It is on its way out itself: no successor, and nobody who must know one. */
  readonly stopping: boolean;
  /** Ids of the members that it knows. */
  readonly members: readonly string[];
}

export const leaderQuestion: Value = [forwardVersion, "leader"];

export function isLeaderQuestion(value: Value): boolean {
  return versioned(value)[0] === "leader";
}

export function leaderToValue({ leader, stopping, members }: LeaderKnowledge): Value {
  return [forwardVersion, "leader", leader ?? "", stopping, [...members]];
}

/** @throws Error on anything that `leaderToValue` of a known version does not make */
export function leaderFromValue(value: Value): LeaderKnowledge {
  const [kind, leader, stopping, members] = versioned(value);
  if (
    kind !== "leader" ||
    typeof leader !== "string" ||
    typeof stopping !== "boolean" ||
    members === undefined ||
    !isArray(members) ||
    !members.every((id) => typeof id === "string")
  ) {
    throw new Error("a peer sent an answer about its leader that cannot be read");
  }
  return { leader: leader === "" ? null : leader, stopping, members };
}

function versioned(value: Value): readonly Value[] {
  if (!isArray(value)) throw new Error("a peer sent a forwarded message that is no array");
  const [version, ...fields] = value;
  if (version !== forwardVersion) {
    throw new Error(
      `a peer speaks forwarding version ${String(version)}, this node version ${forwardVersion}`,
    );
  }
  return fields;
}
