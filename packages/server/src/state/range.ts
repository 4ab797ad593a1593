/** Ranges: from an author's options to bytes, from the storage to memory, and under a call's own writes. */
import { Fault, faultCodes } from "@quorate/protocol";
import type { Effect, KeyValue, StateSnapshot } from "@quorate/raft";
import { rangeBytesMax } from "./budgets.js";
import type { RangeOptions } from "./context.js";
import { type ByteRange, compareKeys, encodeTuple, prefixRange } from "./tuple-key.js";

/** What a call needs from the storage before it can go on. */
export type RangeRequest =
  | { readonly what: "pairs"; readonly range: ByteRange; readonly reverse: boolean; readonly limit: number }
  | { readonly what: "count"; readonly range: ByteRange };

/** The bounds of a range within one service's keys, whose encoded name is `service`. */
export function byteRange(service: Uint8Array, options: Omit<RangeOptions, "limit" | "reverse">): ByteRange {
  const { prefix, startsWith, gte, gt, lt, lte } = options;
  if (startsWith !== undefined && prefix === undefined) {
    throw new TypeError("startsWith needs a prefix; write prefix: [] for the first part of the key");
  }
  const whole = prefixRange(prefix ?? [], startsWith);
  let lowest = whole.gte;
  let end = whole.lt;
  for (const bound of [gte && encodeTuple(gte), gt && after(encodeTuple(gt))]) {
    if (bound !== undefined && compareKeys(bound, lowest) > 0) lowest = bound;
  }
  for (const bound of [lt && encodeTuple(lt), lte && after(encodeTuple(lte))]) {
    if (bound !== undefined && compareKeys(bound, end) < 0) end = bound;
  }
  return { gte: joined(service, lowest), lt: joined(service, end) };
}

/** The smallest key above `key`. */
function after(key: Uint8Array): Uint8Array {
  return joined(key, Uint8Array.of(0));
}

export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

export function isEmpty({ gte, lt }: ByteRange): boolean {
  return compareKeys(gte, lt) >= 0;
}

/** What the storage holds of the ranges that a call has asked for; nothing the call wrote itself. */
export class RangeCache {
  /** Null until the first range: most calls need none. */
  #pairs: Map<string, readonly KeyValue[]> | null = null;
  #counts: Map<string, number> | null = null;
  #bytes = 0;

  /** How many requests it has answered. */
  get size(): number {
    return (this.#pairs?.size ?? 0) + (this.#counts?.size ?? 0);
  }

  pairs(request: RangeRequest): readonly KeyValue[] | undefined {
    return this.#pairs?.get(nameOf(request));
  }

  count(request: RangeRequest): number | undefined {
    return this.#counts?.get(nameOf(request));
  }

  /**
   * Reads what `request` asks for, in slices, so that other work runs in between and no more than one slice
   * is held beyond the limits. Throws fault -32005 when the call's ranges become too large.
   * `countMax`: most keys to count.
   */
  async fetch(request: RangeRequest, snapshot: StateSnapshot, countMax: number): Promise<void> {
    if (request.what === "count") {
      const count = await countKeys(request.range, snapshot, countMax);
      this.#counts ??= new Map();
      this.#counts.set(nameOf(request), count);
      return;
    }
    const pairs: KeyValue[] = [];
    for await (const slice of slices(request.range, request.reverse, request.limit, snapshot)) {
      this.#bytes += sizeOf(slice);
      if (this.#bytes > rangeBytesMax) {
        throw new Fault(
          faultCodes.tooLarge,
          `the ranges of one call hold more than ${rangeBytesMax} bytes; read less at once`,
        );
      }
      pairs.push(...slice);
    }
    this.#pairs ??= new Map();
    this.#pairs.set(nameOf(request), pairs);
  }
}

async function countKeys(range: ByteRange, snapshot: StateSnapshot, countMax: number): Promise<number> {
  let count = 0;
  for await (const slice of slices(range, false, countMax, snapshot)) count += slice.length;
  return count;
}

/** A first slice this small keeps a range over large values from holding many of them beyond the limit. */
const sliceFirst = 32;
const sliceMax = 1024;
const sliceBytesWanted = 256 * 1024;

async function* slices(
  range: ByteRange,
  reverse: boolean,
  limit: number,
  snapshot: StateSnapshot,
): AsyncGenerator<readonly KeyValue[]> {
  let { gte, lt } = range;
  let size = sliceFirst;
  for (let left = limit; left > 0 && compareKeys(gte, lt) < 0; ) {
    const wanted = Math.min(size, left);
    const pairs = await snapshot.scan({ gte, lt, reverse, limit: wanted });
    yield pairs;
    const last = pairs.at(-1);
    if (last === undefined || pairs.length < wanted) return;
    left -= pairs.length;
    if (reverse) lt = last[0];
    else gte = after(last[0]);
    const affordable = Math.floor((sliceBytesWanted * pairs.length) / Math.max(1, sizeOf(pairs)));
    size = Math.max(1, Math.min(sliceMax, affordable));
  }
}

function sizeOf(pairs: readonly KeyValue[]): number {
  return pairs.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

function nameOf(request: RangeRequest): string {
  const { gte, lt } = request.range;
  const bounds = `${Buffer.from(gte).toString("base64")} ${Buffer.from(lt).toString("base64")}`;
  return request.what === "count" ? bounds : `${bounds} ${request.reverse} ${request.limit}`;
}

/**
 * Stored pairs with a call's own writes over them. Both in key order (descending when `reverse`); `stored`
 * holds at least `limit` pairs more than `writes` has, or all there are.
 */
export function overlay(
  stored: readonly KeyValue[],
  writes: readonly Effect[],
  reverse: boolean,
  limit: number,
): KeyValue[] {
  const merged: KeyValue[] = [];
  const direction = reverse ? -1 : 1;
  let nextStored = 0;
  let nextWrite = 0;
  while (merged.length < limit) {
    const pair = stored[nextStored];
    const write = writes[nextWrite];
    if (pair === undefined && write === undefined) break;
    const order =
      pair === undefined ? 1 : write === undefined ? -1 : direction * compareKeys(pair[0], write.key);
    if (order <= 0) nextStored++;
    if (order >= 0) nextWrite++;
    if (order < 0 && pair !== undefined) merged.push(pair);
    else if (write !== undefined && write.value !== null) merged.push([write.key, write.value]);
  }
  return merged;
}
