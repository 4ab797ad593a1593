/** Calls that are executed in one piece. */
import type { Batch, MethodCall } from "./ports.js";

/** With one command among them, all of them go through the log: a query then sees what the calls before it did. */
export function batchOf(calls: readonly MethodCall[]): Batch {
  const kind = calls.some((call) => call.kind === "command") ? "command" : "query";
  return { kind, method: "system.multicall", calls };
}
