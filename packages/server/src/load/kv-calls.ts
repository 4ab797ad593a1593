/** Reads and writes of the built-in `kv` service. */
import { encodeCall, type Value } from "@quorate/protocol";
import { type CallKind, type Calls, isAmong, keyOf } from "./calls.js";

export interface KvLoad {
  /** Of every key. */
  readonly prefix: string;
  /** How many keys there are. */
  readonly keys: number;
  /** Length of the strings that are written. */
  readonly valueBytes: number;
  /** Share of `kv.get`, from 0 to 100; the rest is `kv.set`. */
  readonly readPercent: number;
  /** Added to `/RPC2`, such as `?route=forward`. */
  readonly writeQuery?: string;
  readonly readQuery?: string;
}

/** All of the same length, so that one template serves every call. */
export function kvKey({ prefix, keys }: KvLoad, at: number): string {
  return prefix + String(at).padStart(String(keys - 1).length, "0");
}

export const kvValue = ({ valueBytes }: KvLoad): string => "x".repeat(valueBytes);

export function kvCalls(load: KvLoad): Calls {
  const read = kind(load, "kv.get", [], load.readQuery);
  const write = kind(load, "kv.set", [kvValue(load)], load.writeQuery);
  if (load.readPercent === 0) return { kinds: [write], kindOf: () => 0 };
  if (load.readPercent === 100) return { kinds: [read], kindOf: () => 0 };
  return { kinds: [read, write], kindOf: (index) => (isAmong(index, load.readPercent) ? 0 : 1) };
}

function kind(load: KvLoad, method: string, more: readonly Value[], query = ""): CallKind {
  const mark = "\u20ac";
  const [before = "", after = ""] = encodeCall(method, [load.prefix + mark, ...more])
    .toString()
    .split(mark);
  const width = String(load.keys - 1).length;
  return {
    name: method,
    path: `/RPC2${query}`,
    contentType: "text/xml",
    body: (index) => before + String(keyOf(index, load.keys)).padStart(width, "0") + after,
    failureOf: xmlRpcFailure,
  };
}

/** Undefined for a value; `fault -32004`, or `HTTP 503` where not even a fault came. */
export function xmlRpcFailure(status: number, body: Buffer): string | undefined {
  if (status === 200 && !body.includes("<fault>")) return undefined;
  const code = /<name>faultCode<\/name>\s*<value>\s*<(?:int|i4)>(-?\d+)</.exec(body.toString("latin1"))?.[1];
  return code === undefined ? `HTTP ${status}` : `fault ${code}`;
}
