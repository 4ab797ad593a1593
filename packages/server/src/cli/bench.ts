/**
 * `quorate bench`: how fast a cluster answers, from where its user stands. Writes and reads a bounded number of keys
 * under a prefix of its own, and removes them afterwards, also when it is interrupted.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import { type KvLoad, kvCalls, kvKey, kvValue, type LoadResult, runHttpLoad } from "../load/index.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { answer } from "./inspect.js";
import type { NodeClientOptions } from "./node-client.js";
import { type OutputFormat, table } from "./output.js";

export interface BenchOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Calls a second of an open loop; undefined for a closed one. */
  readonly rate: number | undefined;
  /** `reads:writes`, such as `80:20`. */
  readonly mix: string;
  readonly keys: number;
  readonly valueBytes: number;
  readonly consistency: "linearizable" | "stale";
  readonly route: "auto" | "redirect" | "forward";
}

const warmUpMs = 1000;
const callsPerMulticall = 500;
const bytesPerMulticall = 1024 * 1024;
const storedBytesMax = 256 * 1024 * 1024;
const removalsMax = 5;
const removalPauseMs = 1000;

/** Prints the result; throws `CommandFailed` when calls failed or keys were left behind. */
export async function bench(
  client: NodeClientOptions,
  options: BenchOptions,
  format: OutputFormat,
): Promise<void> {
  const load = checked(client, options);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  // The second Ctrl-C ends the process as usual.
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  // Asked before anything is written: a cluster with another service, or none, ends the command here.
  await answer(client, "kv.count", [load.prefix]);
  process.stderr.write(`${plan(client, options, load)}\n`);
  let result: LoadResult;
  try {
    await fill(client, load, interrupted.signal);
    result = await runHttpLoad({
      urls: client.urls,
      calls: kvCalls(load),
      connections: options.connections,
      perSecond: options.rate ?? null,
      warmUpMs,
      measureMs: options.seconds * 1000,
      timeoutMs: client.timeoutMs,
      signal: interrupted.signal,
      ...(process.stderr.isTTY ? { onSecond: showProgress() } : {}),
    });
  } finally {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    await removeKeys(client, load);
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
  process.stdout.write(`${format === "json" ? asJson(options, load, result) : asTable(result)}\n`);
  const failed = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
  if (failed > 0) throw new CommandFailed(`${failed} calls failed`, exitCodes.fault);
}

function checked(client: NodeClientOptions, options: BenchOptions): KvLoad {
  const within = (flag: string, value: number, least: number, most: number) => {
    if (value < least || value > most)
      throw new CommandFailed(`${flag}: expected ${least} to ${most}, got ${value}`, exitCodes.usage);
  };
  within("--connections", options.connections, 1, 1000);
  within("--seconds", options.seconds, 1, 3600);
  within("--keys", options.keys, 1, 100_000);
  within("--value-bytes", options.valueBytes, 0, 1024 * 1024);
  if (options.rate !== undefined) within("--rate", options.rate, 1, 1_000_000);
  if (options.keys * options.valueBytes > storedBytesMax)
    throw new CommandFailed("--keys times --value-bytes: expected 256 MiB at most", exitCodes.usage);
  for (const url of client.urls) {
    if (new URL(url).protocol !== "http:")
      throw new CommandFailed(`--url: bench speaks http: only, got ${url}`, exitCodes.usage);
  }
  const route = options.route === "auto" ? "" : `route=${options.route}`;
  const query = (...parts: readonly string[]) => {
    const given = parts.filter((part) => part !== "");
    return given.length === 0 ? "" : `?${given.join("&")}`;
  };
  return {
    prefix: `quorate-bench/${randomBytes(4).toString("hex")}/`,
    keys: options.keys,
    valueBytes: options.valueBytes,
    readPercent: readPercent(options.mix),
    writeQuery: query(route),
    readQuery: query(options.consistency === "stale" ? "consistency=stale" : "", route),
  };
}

function readPercent(mix: string): number {
  const [, reads, writes] = /^(\d{1,3}):(\d{1,3})$/.exec(mix) ?? [];
  if (reads === undefined || writes === undefined || Number(reads) + Number(writes) !== 100)
    throw new CommandFailed(
      `--mix: expected reads:writes that add up to 100, such as 80:20, got ${JSON.stringify(mix)}`,
      exitCodes.usage,
    );
  return Number(reads);
}

function plan(client: NodeClientOptions, options: BenchOptions, load: KvLoad): string {
  const pace = options.rate === undefined ? "closed loop" : `open loop, ${options.rate} calls a second`;
  return [
    `bench of ${client.urls.join(", ")}: ${options.connections} connections, ${pace}, ${options.seconds} s after ${warmUpMs / 1000} s of warm-up;`,
    `  ${load.readPercent} % kv.get (${options.consistency}), ${100 - load.readPercent} % kv.set, on ${load.keys} keys of ${load.valueBytes} bytes under ${load.prefix};`,
    "  touches no other key and removes these at the end; Ctrl-C ends early",
  ].join("\n");
}

/** So that every read finds its key. */
async function fill(client: NodeClientOptions, load: KvLoad, signal: AbortSignal): Promise<void> {
  const value = kvValue(load);
  const perCall = Math.min(callsPerMulticall, Math.ceil(bytesPerMulticall / (load.valueBytes + 100)));
  await eachBatch(client, load, perCall, (key) => ["kv.set", [key, value]], signal);
}

/** Tried again for a while: the cluster may be between two leaders, and calls without an answer may still write. */
async function removeKeys(client: NodeClientOptions, load: KvLoad): Promise<void> {
  let reason = "";
  for (let removal = 0; removal < removalsMax; removal++) {
    if (removal > 0) await delay(removalPauseMs);
    try {
      await eachBatch(client, load, callsPerMulticall, (key) => ["kv.delete", [key]]);
      const left = await answer(client, "kv.count", [load.prefix]);
      if (left === 0) return;
      reason = `${left} are left`;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      reason = error.message;
    }
  }
  throw new CommandFailed(`could not remove all keys under ${load.prefix}: ${reason}`, exitCodes.failure);
}

/** One call for each key, many to an entry of the log. */
async function eachBatch(
  client: NodeClientOptions,
  load: KvLoad,
  perCall: number,
  call: (key: string) => readonly [method: string, params: readonly string[]],
  signal?: AbortSignal,
): Promise<void> {
  for (let from = 0; from < load.keys && signal?.aborted !== true; from += perCall) {
    const calls = Array.from({ length: Math.min(perCall, load.keys - from) }, (_, at) => {
      const [methodName, params] = call(kvKey(load, from + at));
      return { methodName, params: [...params] };
    });
    const slots = await answer(client, "system.multicall", [calls]);
    const failure = Array.isArray(slots) ? slots.find((slot: Value) => !Array.isArray(slot)) : slots;
    if (failure !== undefined) throw new CommandFailed(faultText(failure), exitCodes.fault);
  }
}

function faultText(slot: Value): string {
  const { faultCode, faultString } = slot as { faultCode?: Value; faultString?: Value };
  return new Fault(Number(faultCode), String(faultString)).toString();
}

function showProgress(): (elapsedMs: number, answered: number) => void {
  let before = 0;
  return (elapsedMs, answered) => {
    process.stderr.write(`\r\x1b[K${Math.round(elapsedMs / 1000)} s: ${answered - before} calls a second`);
    before = answered;
  };
}

function asJson(options: BenchOptions, load: KvLoad, result: LoadResult): string {
  const { readQuery, writeQuery, ...rest } = load;
  const { connections, rate, consistency, route } = options;
  return JSON.stringify(
    { ...rest, connections, rate: rate ?? null, consistency, route, warmUpMs, ...result },
    null,
    2,
  );
}

function asTable(result: LoadResult): string {
  const rows = [...Object.entries(result.kinds), ["all", result] as const].map(
    ([name, { perSecond, latency }]) => [
      name,
      Math.round(perSecond),
      ...[latency?.p50Ms, latency?.p99Ms, latency?.p999Ms, latency?.maxMs].map((ms) =>
        ms === undefined ? "-" : Number(ms.toFixed(2)),
      ),
    ],
  );
  const parts = [
    table(
      ["CALL", "PER SECOND", "P50 MS", "P99 MS", "P99.9 MS", "MAX MS"],
      rows.length === 2 ? rows.slice(0, 1) : rows,
    ),
  ];
  if (result.unsent > 0)
    parts.push(
      `${result.unsent} calls were due and never sent: the rate is more than the cluster or the connections can do`,
    );
  const errors = Object.entries(result.errors);
  if (errors.length > 0)
    parts.push(
      table(
        ["FAILED", "CALLS"],
        errors.map(([name, count]) => [named(name), count]),
      ),
    );
  return parts.join("\n\n");
}

/** `fault -32004` as `fault -32004 (overloaded)`. */
function named(failure: string): string {
  const code = Number(/^fault (-?\d+)$/.exec(failure)?.[1]);
  const name = Object.entries(faultCodes).find(([, known]) => known === code)?.[0];
  return name === undefined ? failure : `${failure} (${name})`;
}
