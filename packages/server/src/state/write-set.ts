/** What a call has written so far, on top of what earlier calls of its entry have written. */
import type { Effect } from "@quorate/raft";
import { type ByteRange, compareKeys } from "./tuple-key.js";

export class WriteSet {
  readonly #parent: WriteSet | null;
  /** By key, byte for byte: Latin-1 is one character per byte. Null until something is written. */
  #effects: Map<string, Effect> | null = null;

  constructor(parent: WriteSet | null = null) {
    this.#parent = parent;
  }

  /** The effect on `key`, undefined when it was not written. */
  find(key: Uint8Array): Effect | undefined {
    return this.#isEmpty ? undefined : this.#find(nameOf(key));
  }

  put(key: Uint8Array, value: Uint8Array | null): void {
    this.#effects ??= new Map();
    this.#effects.set(nameOf(key), { key, value });
  }

  /** Effects within the range, in key order. */
  within({ gte, lt }: ByteRange): readonly Effect[] {
    const found = new Map<string, Effect>();
    this.#collect(found);
    return [...found.values()]
      .filter(({ key }) => compareKeys(key, gte) >= 0 && compareKeys(key, lt) < 0)
      .sort((a, b) => compareKeys(a.key, b.key));
  }

  /** The call has succeeded: its effects become the entry's, and this set is used no more. */
  mergeIntoParent(): void {
    const parent = this.#parent;
    if (parent === null || this.#effects === null) return;
    if (parent.#effects === null) parent.#effects = this.#effects;
    else for (const [name, effect] of this.#effects) parent.#effects.set(name, effect);
  }

  /** Each key once, in the order in which keys were first written. */
  effects(): Effect[] {
    return this.#effects === null ? [] : [...this.#effects.values()];
  }

  get #isEmpty(): boolean {
    return this.#effects === null && (this.#parent === null || this.#parent.#isEmpty);
  }

  #find(name: string): Effect | undefined {
    return this.#effects?.get(name) ?? (this.#parent === null ? undefined : this.#parent.#find(name));
  }

  #collect(found: Map<string, Effect>): void {
    if (this.#parent !== null) this.#parent.#collect(found);
    for (const [name, effect] of this.#effects ?? []) found.set(name, effect);
  }
}

function nameOf(key: Uint8Array): string {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("latin1");
}
