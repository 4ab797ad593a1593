/** State-machine data in memory: an immutable sorted map of bytes, so that a snapshot is a reference. */
import type { Effect, KeyRange, KeyValue } from "../ports/index.js";
import { type Bound, checkRange } from "./key-range.js";

/**
 * Keys as Latin-1 text, one character per byte: equal and ordered exactly as the bytes are. A batch copies
 * the map of pairs, which is fine for the sizes that tests and simulations have.
 */
export class MemoryState {
  #sortedKeys: readonly string[] | null = null;

  constructor(readonly pairs: ReadonlyMap<string, Uint8Array> = new Map()) {}

  with(effects: readonly Effect[]): MemoryState {
    if (effects.length === 0) return this;
    const pairs = new Map(this.pairs);
    for (const { key, value } of effects) {
      if (value === null) pairs.delete(textOf(key));
      else pairs.set(textOf(key), value);
    }
    return new MemoryState(pairs);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.pairs.get(textOf(key))?.slice();
  }

  scan(range: KeyRange): readonly KeyValue[] {
    const { lower, upper, reverse, limit } = checkRange(range);
    this.#sortedKeys ??= [...this.pairs.keys()].sort(compare);
    const inRange = this.#sortedKeys.filter((key) => isAbove(key, lower) && isBelow(key, upper));
    if (reverse) inRange.reverse();
    return inRange
      .slice(0, limit)
      .map((key) => [Buffer.from(key, "latin1"), this.pairs.get(key)?.slice() ?? new Uint8Array()]);
  }
}

function isAbove(key: string, bound: Bound | null): boolean {
  if (bound === null) return true;
  const limit = textOf(bound.key);
  return bound.inclusive ? key >= limit : key > limit;
}

function isBelow(key: string, bound: Bound | null): boolean {
  if (bound === null) return true;
  const limit = textOf(bound.key);
  return bound.inclusive ? key <= limit : key < limit;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
