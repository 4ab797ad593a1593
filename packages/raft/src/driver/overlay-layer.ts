/** One layer of the overlay, and how its keys join a scan of the storage. */
import type { Effect, KeyRange, KeyValue, StorageSnapshot } from "../ports/index.js";

/** An effect that is not durable yet. */
export interface Pending {
  /** Its key, as `keyText` gives it. */
  readonly key: string;
  readonly effect: Effect;
  /** Of the entry that it belongs to. */
  readonly index: number;
}

export interface Layer {
  /** By key. */
  readonly pending: Map<string, Pending>;
  /** The keys in byte order; null until a scan needs them. */
  sorted: string[] | null;
}

export function newLayer(): Layer {
  return { pending: new Map(), sorted: null };
}

/** A key as a string of its bytes (latin1): JS `<` on such strings is the order of the bytes. */
export function keyText(key: Uint8Array): string {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("latin1");
}

export function layerGet(layer: Layer, key: string): Effect | undefined {
  return layer.pending.get(key)?.effect;
}

/** Effects inside `range`, one per key (a later layer wins), in ascending order of keys. */
export function layerRange(layers: readonly Layer[], range: KeyRange): [key: string, effect: Effect][] {
  const found = new Map<string, Effect>();
  for (const layer of layers) {
    for (const key of keysInRange(layer, range)) {
      const effect = layerGet(layer, key);
      if (effect !== undefined) found.set(key, effect);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The storage's pairs with the effects laid over them.
 * @param effects in ascending order, all inside `range`
 */
export async function mergeScan(
  below: StorageSnapshot,
  effects: readonly [key: string, effect: Effect][],
  range: KeyRange,
): Promise<readonly KeyValue[]> {
  const limit = range.limit ?? Number.POSITIVE_INFINITY;
  if (limit <= 0) return [];
  // Each deleted key can hide one stored pair, and nothing else can: so many more are always enough.
  const deletions = effects.reduce((count, [, effect]) => count + (effect.value === null ? 1 : 0), 0);
  const stored = await below.scan(Number.isFinite(limit) ? { ...range, limit: limit + deletions } : range);
  if (effects.length === 0) return stored;

  const reverse = range.reverse === true;
  const laid = reverse ? effects.toReversed() : effects;
  const merged: KeyValue[] = [];
  let at = 0;
  for (const pair of stored) {
    const key = keyText(pair[0]);
    let hidden = false;
    for (let next = laid[at]; next !== undefined && !comesAfter(next[0], key, reverse); next = laid[++at]) {
      if (next[0] === key) hidden = true;
      pushEffect(merged, next[1]);
    }
    if (!hidden) merged.push(pair);
    if (merged.length >= limit) return merged.slice(0, limit);
  }
  for (; at < laid.length && merged.length < limit; at++) {
    const next = laid[at];
    if (next !== undefined) pushEffect(merged, next[1]);
  }
  return merged.slice(0, limit);
}

function comesAfter(a: string, b: string, reverse: boolean): boolean {
  return reverse ? a < b : a > b;
}

function pushEffect(merged: KeyValue[], effect: Effect): void {
  if (effect.value !== null) merged.push([effect.key, effect.value]);
}

function keysInRange(layer: Layer, range: KeyRange): string[] {
  if (layer.pending.size === 0) return [];
  layer.sorted ??= [...layer.pending.keys()].sort();
  const keys = layer.sorted;
  let from = 0;
  let to = keys.length;
  if (range.gte !== undefined) from = Math.max(from, firstAtLeast(keys, keyText(range.gte)));
  if (range.gt !== undefined) from = Math.max(from, firstAtLeast(keys, successor(range.gt)));
  if (range.lt !== undefined) to = Math.min(to, firstAtLeast(keys, keyText(range.lt)));
  if (range.lte !== undefined) to = Math.min(to, firstAtLeast(keys, successor(range.lte)));
  return from < to ? keys.slice(from, to) : [];
}

/** The smallest key above `key`. */
function successor(key: Uint8Array): string {
  return `${keyText(key)}\u0000`;
}

function firstAtLeast(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
