/** Effects that were executed but are not on disk yet, in memory, in front of the storage. */
import type { Index } from "../core/index.js";
import type { Effect, KeyRange, KeyValue, StateSnapshot, StateView, Storage } from "../ports/index.js";
import {
  keyText,
  type Layer,
  layerGet,
  layerRange,
  mergeScan,
  newLayer,
  type Pending,
} from "./overlay-layer.js";

/** What a waiting entry costs beyond its effects: without it, entries that change nothing would be unbounded. */
const entryOverheadBytes = 64;

/** The effects of one applied entry, waiting for a batch. Empty for a no-op: its index still must advance. */
export interface PendingEffects {
  readonly index: Index;
  readonly term: number;
  readonly effects: readonly Pending[];
  readonly bytes: number;
}

/**
 * Two layers: `active` takes the effects of every entry as it is executed; the writer moves the oldest of
 * them to `inFlight`, writes them, and drops that layer when the write has resolved. A reader looks into
 * `active`, then `inFlight`, then the storage, and so never sees the state go back.
 *
 * It is bounded: `full` tells the applier to pause (the log goes on; only execution waits for the disk).
 */
export class Overlay implements StateView {
  readonly #storage: Storage;
  readonly #bytesMax: number;
  #active: Layer = newLayer();
  /** True while a snapshot reads `active`; the next change works on a copy. */
  #activeShared = false;
  #inFlight: Layer = newLayer();
  #inFlightBytes = 0;
  #queue: PendingEffects[] = [];
  #queueBytes = 0;
  #index: Index;

  constructor(storage: Storage, applied: Index, bytesMax: number) {
    this.#storage = storage;
    this.#index = applied;
    this.#bytesMax = bytesMax;
  }

  get index(): Index {
    return this.#index;
  }

  /** Bytes of keys and values that are not durable yet. */
  get bytes(): number {
    return this.#queueBytes + this.#inFlightBytes;
  }

  /** Bytes that no write carries yet. */
  get waitingBytes(): number {
    return this.#queueBytes;
  }

  get full(): boolean {
    return this.bytes >= this.#bytesMax;
  }

  /** Applied entries whose effects no write carries yet, oldest first. */
  get waiting(): readonly PendingEffects[] {
    return this.#queue;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#active.pending.size > 0 || this.#inFlight.pending.size > 0) {
      const text = keyText(key);
      const effect = layerGet(this.#active, text) ?? layerGet(this.#inFlight, text);
      if (effect !== undefined) return effect.value ?? undefined;
    }
    return this.#storage.get(key);
  }

  /** The entry was executed: its effects show from now on. */
  push(index: Index, term: number, effects: readonly Effect[]): void {
    let bytes = entryOverheadBytes;
    if (effects.length > 0) this.#unshareActive();
    const active = this.#active;
    const waiting = effects.map((effect): Pending => {
      const key = keyText(effect.key);
      const pending = { key, effect, index };
      if (active.sorted !== null && !active.pending.has(key)) active.sorted = null;
      active.pending.set(key, pending);
      bytes += effect.key.length + (effect.value?.length ?? 0);
      return pending;
    });
    this.#queue.push({ index, term, effects: waiting, bytes });
    this.#queueBytes += bytes;
    this.#index = index;
  }

  /**
   * The writer takes the `count` oldest waiting entries; their effects move to the layer in flight.
   * Returns one effect per key, the latest: what the others wrote would be overwritten in the same batch.
   */
  beginWrite(count: number): Effect[] {
    const taken = this.#queue.splice(0, count);
    if (taken.length === 0) return [];
    for (const { bytes } of taken) this.#inFlightBytes += bytes;
    this.#queueBytes -= this.#inFlightBytes;
    // Taking everything, as mostly, takes the layer as it is.
    this.#inFlight = this.#queue.length === 0 ? this.#active : layerOf(taken);
    this.#active = layerOf(this.#queue);
    this.#activeShared = false;
    return Array.from(this.#inFlight.pending.values(), (pending) => pending.effect);
  }

  /** That write is durable: the storage answers for it now. */
  endWrite(): void {
    this.#inFlight = newLayer();
    this.#inFlightBytes = 0;
  }

  /** Another state took the place of the storage's: nothing that was executed before belongs to it. */
  reset(index: Index): void {
    this.#active = newLayer();
    this.#activeShared = false;
    this.#inFlight = newLayer();
    this.#inFlightBytes = 0;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#index = index;
  }

  snapshot(): StateSnapshot {
    const below = this.#storage.snapshot();
    const index = this.#index;
    const active = this.#active;
    const inFlight = this.#inFlight;
    this.#activeShared = true;
    return {
      index,
      get(key: Uint8Array): Uint8Array | undefined {
        const text = keyText(key);
        const effect = layerGet(active, text) ?? layerGet(inFlight, text);
        return effect === undefined ? below.get(key) : (effect.value ?? undefined);
      },
      scan(range: KeyRange): Promise<readonly KeyValue[]> {
        return mergeScan(below, layerRange([inFlight, active], range), range);
      },
      close: () => below.close(),
    };
  }

  #unshareActive(): void {
    if (!this.#activeShared) return;
    this.#active = { pending: new Map(this.#active.pending), sorted: null };
    this.#activeShared = false;
  }
}

/** A new map, not an old one without some keys: see `NumberWindow` for what a lasting one drags along. */
function layerOf(entries: readonly PendingEffects[]): Layer {
  const layer = newLayer();
  for (const { effects } of entries) {
    for (const pending of effects) layer.pending.set(pending.key, pending);
  }
  return layer;
}
