/** From a call to the bytes that are proposed: checked here once, so that most mistakes never enter the log. */
import type { Value } from "@quorate/protocol";
import type { Registry } from "../services/registry.js";
import { encodeLogEntry, type LogEntry } from "./log-entry.js";
import type { BatchCall, CommandContext } from "./types.js";

/**
 * Bytes of a log entry that executes one command.
 * Throws the `Fault` that the caller gets: -32601 for an unknown method, -32602 for wrong parameters.
 */
export function encodeCommand(
  registry: Registry,
  method: string,
  params: readonly Value[],
  context: CommandContext,
): Uint8Array {
  const found = registry.require(method);
  if (found.kind !== "command") throw new TypeError(`${method} is a query; queries are not proposed`);
  registry.checkParams(found, params);
  return encodeLogEntry(entryOf(registry, context, "command", method, params));
}

/**
 * Bytes of a log entry that executes several calls, commands and queries, without anything in between. Nothing
 * is checked: a call that cannot be executed gets its fault in its place of the result.
 */
export function encodeBatch(
  registry: Registry,
  calls: readonly BatchCall[],
  context: CommandContext,
): Uint8Array {
  const params = calls.map(({ method, params }): Value => [method, [...params]]);
  return encodeLogEntry(entryOf(registry, context, "batch", "", params));
}

function entryOf(
  registry: Registry,
  context: CommandContext,
  kind: LogEntry["kind"],
  method: string,
  params: readonly Value[],
): LogEntry {
  return {
    kind,
    service: registry.service,
    sha256: registry.sha256,
    method,
    params,
    session: null,
    seq: 0,
    lowestUnanswered: 0,
    key: null,
    keyHash: null,
    caller: context.caller,
    now: Math.floor(context.nowMs),
    elapsed: Math.floor(context.elapsedMs),
    seed: context.seed,
  };
}
