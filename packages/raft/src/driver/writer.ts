/**
 * The one writer of the one database: exactly one batch is in flight, and whatever arrives meanwhile makes
 * the next one.
 *
 * A batch carries the core's store request, if there is one, and behind it the effects of entries applied
 * since the last batch together with the new applied index. So one fsync serves replication and execution,
 * and log, applied index and state cannot disagree after a crash.
 */
import type { Index, Restored, SnapshotHead, StoreRequest } from "../core/index.js";
import type { Clock, SnapshotChunk, Storage, WriteBatch } from "../ports/index.js";
import type { Overlay } from "./overlay.js";
import { StoredTerms } from "./stored-terms.js";

/** Most bytes of effects in one batch, so that the log never waits long behind the state. */
const batchEffectsBytesMax = 1024 * 1024;
/** Effects wait at most this long for a store request to ride with. */
const idleFlushMs = 100;

/** What a batch that is durable now carried, beside effects. */
export interface Written {
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  /** Of the store request; null = there was none. */
  readonly ticket: number | null;
  readonly chunk: SnapshotChunk | null;
  /** The state is this snapshot's now, and the overlay is empty. */
  readonly install: SnapshotHead | null;
}

export interface WriterHandlers {
  onDurable(written: Written): void;
  /** Nothing may be written any more (a failed fsync cannot be retried). */
  onFailure(error: unknown): void;
}

export class Writer {
  readonly #storage: Storage;
  readonly #overlay: Overlay;
  readonly #clock: Clock;
  readonly #handlers: WriterHandlers;
  readonly #stored: StoredTerms;
  #request: StoreRequest | null = null;
  #chunk: SnapshotChunk | null = null;
  #writing: Promise<void> | null = null;
  #writingSince: number | null = null;
  #durable: Index;
  #flushDue = false;
  #cancelFlush: (() => void) | null = null;
  #closed = false;

  /** @param restored what is on disk now; not `storage.restored` when birth has written since */
  constructor(
    storage: Storage,
    restored: Restored,
    overlay: Overlay,
    clock: Clock,
    handlers: WriterHandlers,
  ) {
    this.#storage = storage;
    this.#overlay = overlay;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#stored = new StoredTerms(restored);
    this.#durable = restored.applied;
  }

  /** Up to here the log's effects are on disk. */
  get durable(): Index {
    return this.#durable;
  }

  /** When the batch in flight was begun, in the clock's milliseconds; null when there is none. */
  get writingSince(): number | null {
    return this.#writingSince;
  }

  /** Takes the core's request; it is written by this or the next `pump`. */
  store(request: StoreRequest): void {
    if (this.#request !== null) {
      throw new Error(
        `store request ${request.ticket} came while ${this.#request.ticket} still waits: the core may have one outstanding`,
      );
    }
    this.#request = request;
  }

  /** Takes a part of a snapshot, in place of one that was not started. */
  receive(chunk: SnapshotChunk): void {
    this.#chunk = chunk;
  }

  /**
   * Starts a batch if none is in flight and something is due: a store request, a batch full of effects, or
   * effects that waited long enough. Called at the end of every turn, never in between, so that the next
   * store request and the effects meet in one batch.
   */
  pump(): void {
    if (this.#writing !== null || this.#closed) return;
    const effectsDue = this.#flushDue || this.#overlay.waitingBytes >= batchEffectsBytesMax;
    const sweepDue = this.#flushDue && this.#storage.sweepDue;
    const requested = this.#request !== null || this.#chunk !== null;
    if (requested || sweepDue || (effectsDue && this.#ridingCount() > 0)) this.#write();
    else if (this.#overlay.waiting.length > 0 || this.#storage.sweepDue) this.#armFlush();
  }

  /**
   * Writes all effects that may be written; for a clean stop, after which nothing is stored any more. A store
   * request that was not started is forgotten: nobody was promised anything about it.
   */
  async close(): Promise<void> {
    this.#request = null;
    this.#chunk = null;
    this.#cancelFlush?.();
    await this.#writing;
    while (!this.#closed && this.#ridingCount() > 0) {
      this.#write();
      await this.#writing;
    }
    this.#closed = true;
  }

  /** Starts nothing any more; a batch in flight ends unheard. */
  abandon(): void {
    this.#closed = true;
    this.#cancelFlush?.();
  }

  #write(): void {
    const request = this.#request;
    this.#request = null;
    this.#flushDue = false;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (request !== null) this.#stored.append(request.entries, request.compactTo);

    const install = request?.install ?? null;
    // Effects of the state that is replaced must not get into the new one.
    const count = install === null ? this.#ridingCount() : 0;
    const chunk = install === null ? this.#chunk : null;
    if (chunk !== null) this.#chunk = null;
    const applied = this.#overlay.waiting[count - 1]?.index ?? null;
    const batch: WriteBatch = {
      hardState: request?.hardState ?? null,
      entries: request?.entries ?? [],
      compactTo: request?.compactTo ?? 0,
      effects: this.#overlay.beginWrite(count),
      applied,
      chunk,
      install,
    };
    this.#writingSince = this.#clock.monotonicMs();
    this.#writing = this.#writeBatch(batch, request?.ticket ?? null);
  }

  async #writeBatch(batch: WriteBatch, ticket: number | null): Promise<void> {
    try {
      await this.#storage.write(batch);
    } catch (error) {
      this.#onFailed(error);
      return;
    }
    this.#onWritten(ticket, batch);
  }

  #onWritten(ticket: number | null, { applied, chunk, install }: WriteBatch): void {
    const now = this.#clock.monotonicMs();
    const tookMs = now - (this.#writingSince ?? now);
    this.#writing = null;
    this.#writingSince = null;
    this.#overlay.endWrite();
    if (applied !== null) this.#durable = applied;
    if (install !== null) {
      this.#stored.reset(install.last);
      this.#overlay.reset(install.last.index);
      this.#durable = install.last.index;
    }
    if (!this.#closed) this.#handlers.onDurable({ tookMs, ticket, chunk, install });
  }

  #onFailed(error: unknown): void {
    // The overlay keeps its layers: what was in flight may or may not be on disk, and never will be known.
    this.#writing = null;
    const heard = !this.#closed;
    this.#closed = true;
    if (heard) this.#handlers.onFailure(error);
  }

  /**
   * How many of the waiting entries may ride in a batch written now: those that lie in the stored log, up to
   * the limit of bytes; one larger entry rides without others.
   */
  #ridingCount(): number {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#overlay.waiting) {
      bytes += entry.bytes;
      if (count > 0 && bytes > batchEffectsBytesMax) break;
      if (!this.#stored.holds(entry)) break;
      count++;
    }
    return count;
  }

  #armFlush(): void {
    this.#cancelFlush ??= this.#clock.after(idleFlushMs, () => {
      this.#cancelFlush = null;
      this.#flushDue = true;
      this.pump();
    });
  }
}
