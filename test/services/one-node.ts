/** A service on one node without a cluster: commands go through real log entries, queries through the real machine. */

import type { Value } from "@quorate/protocol";
import { EntryType } from "@quorate/raft/core";
import { createService, type ServiceDefinition, type Transaction } from "@quorate/server";
import {
  type BatchCall,
  type CallResult,
  type CommandContext,
  createServiceMachine,
  encodeBatch,
  encodeCommand,
  Registry,
  type ServiceMachine,
} from "@quorate/server/testing";
import { MemoryState } from "./memory-state.js";

export class OneNode {
  readonly registry: Registry;
  readonly machine: ServiceMachine;
  readonly state = new MemoryState();
  /** What the service log was told. */
  readonly warnings: { readonly fields: object; readonly message: string }[] = [];
  /** The context of the next command; change what a test is about. */
  context: CommandContext = {
    caller: "",
    nowMs: 1_000_000,
    elapsedMs: 0,
    seed: Uint8Array.from({ length: 16 }, (_, at) => at),
  };

  constructor(service: ServiceDefinition | Registry, sha256 = "ab".repeat(32)) {
    this.registry = service instanceof Registry ? service : new Registry(service, sha256);
    this.machine = createServiceMachine(this.registry, {
      warn: (fields, message) => this.warnings.push({ fields, message }),
    });
  }

  /** The value, or the fault as `[code, message]`: what a caller would see. */
  async call(method: string, ...params: Value[]): Promise<Value> {
    const found = this.registry.require(method);
    const result =
      found.kind === "query"
        ? await this.machine.runQuery(method, params, this.state)
        : await this.apply(encodeCommand(this.registry, method, params, this.context));
    return seen(result);
  }

  batch(...calls: BatchCall[]): Promise<Value> {
    return this.apply(encodeBatch(this.registry, calls, this.context)).then(seen);
  }

  /** As `batch`, of queries alone: against the state at hand, without the log. */
  async readBatch(...calls: BatchCall[]): Promise<Value> {
    return seen(await this.machine.runBatch(calls, this.state));
  }

  async apply(data: Uint8Array): Promise<CallResult> {
    const index = this.state.index + 1;
    const entry = { index, term: 1, type: EntryType.application, data };
    const { result, effects } = await this.machine.apply(entry, this.state);
    this.state.write(effects, index);
    return result;
  }
}

function seen(result: CallResult): Value {
  return result.ok ? result.value : [result.fault.code, result.fault.message];
}

/** What a caller sees of a throw that is no Fault. */
export const applicationError = [-32500, "application error; the log of the server has the details"];

export type Handler = (tx: Transaction, ...params: Value[]) => unknown;

/** A node whose service has these commands, and `q…` names as queries. */
export function nodeWith(handlers: Record<string, Handler>): OneNode {
  const service = createService("test");
  for (const [name, handler] of Object.entries(handlers)) {
    service.registerFunction(handler, name, { kind: name.startsWith("q") ? "query" : "command" });
  }
  return new OneNode(service);
}
