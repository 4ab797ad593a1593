/**
 * The disk's twin in memory: same promises, same refusals, and an owner who decides when a write becomes
 * durable, fails, or is lost in a crash. A `MemoryDisk` outlives the storages opened on it, like a disk
 * outlives processes.
 */
import {
  decodeMembership,
  type Entry,
  EntryType,
  encodeMembership,
  type HardState,
  type Index,
  type PlacedMembership,
  type Restored,
  type SnapshotHead,
} from "../core/index.js";
import type {
  Identity,
  IdentityStore,
  IncomingSnapshot,
  KeyRange,
  KeyValue,
  SnapshotChunk,
  Storage,
  StorageSnapshot,
  WriteBatch,
} from "../ports/index.js";
import { StorageFailed, StorageInUse, StorageMisuse } from "./errors.js";
import { requireSuccession } from "./identity.js";
import { MemoryState } from "./memory-state.js";
import { defaultMaxTailBytes, RestoredLog } from "./restored-log.js";
import { type DurablePosition, positionAfter, requireContinuation, requireReadable } from "./write-rules.js";

/** A write on its way to the disk. Exactly one of the two is called, once, at any later time. */
export interface PendingWrite {
  readonly batch: WriteBatch;
  /** The batch is durable from now on, and `write` resolves. */
  complete(): void;
  /** `write` rejects with `StorageFailed`; whether the batch reached the disk is for `reached` to say. */
  fail(cause: Error, reached?: boolean): void;
}

export interface MemoryStorageOptions {
  /** Called for every write. Default: complete at once (in a later microtask). */
  readonly onWrite?: (write: PendingWrite) => void;
  /** See `LevelStorageOptions.maxTailBytes`. */
  readonly maxTailBytes?: number;
}

export interface CrashOptions {
  /** What became of the write under way: batches are atomic, so it is whole or it is gone. Default: lost. */
  readonly inFlight?: "lost" | "reached";
}

/** What survives a crash. */
export class MemoryDisk {
  /** @internal Entries by index − `compacted.index` − 1. */
  entries: Entry[] = [];
  /** @internal */
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  /** @internal */
  position: DurablePosition = {
    compacted: { index: 0, term: 0 },
    last: { index: 0, term: 0 },
    term: 0,
    commit: 0,
    applied: 0,
  };
  /** @internal The newest membership entry that compaction cut away. */
  compactedMembership: Entry | null = null;
  /** @internal */
  state: MemoryState = new MemoryState();
  /** @internal */
  storedIdentity: Identity | null = null;
  /** @internal A snapshot that is being received, and its state. */
  incoming: { readonly received: IncomingSnapshot; readonly state: MemoryState } | null = null;
  #open: MemoryStorage | null = null;

  /** @param name stands for the folder in messages */
  constructor(readonly name = "memory disk") {}

  /** @throws StorageInUse while another storage is open on this disk */
  open(options: MemoryStorageOptions = {}): MemoryStorage {
    if (this.#open !== null) throw new StorageInUse(this.name);
    this.#open = new MemoryStorage(this, options, () => {
      this.#open = null;
    });
    return this.#open;
  }

  /** The process on this disk is gone: its storage is dead, its write under way neither resolves nor rejects. */
  crash(options: CrashOptions = {}): void {
    this.#open?.abandon(options.inFlight ?? "lost");
    this.#open = null;
  }

  /** The identity file's twin: a write is durable at once. */
  identity(): IdentityStore {
    return {
      read: () => this.storedIdentity,
      write: async (identity) => {
        requireSuccession(this.storedIdentity, identity);
        this.storedIdentity = { ...identity };
      },
    };
  }

  /** @internal Makes `batch` durable. */
  commit(batch: WriteBatch, position: DurablePosition): void {
    if (batch.install !== null) this.#install(batch.install);
    if (batch.chunk !== null) this.#receive(batch.chunk);
    if (position.applied >= (this.incoming?.received.snapshot.last.index ?? Infinity)) this.incoming = null;
    const first = batch.entries[0];
    const base = (batch.install === null ? this.position : position).compacted.index + 1;
    if (first !== undefined) this.entries.length = first.index - base;
    for (const entry of batch.entries) this.entries.push(entry);
    if (batch.hardState !== null) this.hardState = { ...batch.hardState };
    const cut = this.entries.splice(0, position.compacted.index + 1 - base);
    this.compactedMembership = cut.findLast(isMembership) ?? this.compactedMembership;
    this.state = this.state.with(batch.effects);
    this.position = position;
  }

  #receive({ snapshot, after, pairs, cursor, complete }: SnapshotChunk): void {
    const before = after === null ? null : this.incoming;
    const state = (before?.state ?? new MemoryState()).with(pairs.map(([key, value]) => ({ key, value })));
    this.incoming = { received: { snapshot, cursor, complete }, state };
  }

  #install({ last, membership }: SnapshotHead): void {
    this.state = this.incoming?.state ?? new MemoryState();
    this.entries = [];
    const data = encodeMembership(membership.membership);
    this.compactedMembership = { index: membership.index, term: last.term, type: EntryType.membership, data };
  }

  /** @internal What a snapshot of the state that is durable now is of; throws when that is asked before birth. */
  pinnedHead(): () => SnapshotHead {
    const { applied, compacted } = this.position;
    const term = applied === compacted.index ? compacted.term : (this.entry(applied)?.term ?? 0);
    const inLog = this.entries.findLast((entry) => entry.index <= applied && isMembership(entry));
    const newest = inLog ?? this.compactedMembership;
    return () => {
      if (newest === null) throw new StorageMisuse("a snapshot of a state without a membership");
      return { last: { index: applied, term }, membership: placed(newest) };
    };
  }

  /** @internal A durable entry. */
  entry(index: Index): Entry | undefined {
    return this.entries[index - this.position.compacted.index - 1];
  }

  /** @internal */
  restored(maxTailBytes: number): Restored {
    const { compacted, last, applied } = this.position;
    const log = new RestoredLog(compacted, maxTailBytes);
    for (const entry of this.entries) log.add(entry);
    const memberships = this.entries.filter(isMembership);
    if (this.compactedMembership !== null) memberships.unshift(this.compactedMembership);
    const [latest, before] = memberships.reverse().map(placed);
    return {
      hardState: this.hardState,
      compacted,
      terms: log.terms,
      tail: log.tail(),
      last,
      membership: latest ?? null,
      ...(before && { membershipBefore: before }),
      applied,
      logBytes: log.bytes,
      ...(log.voids.length > 0 && { voids: log.voids }),
    };
  }
}

export class MemoryStorage implements Storage {
  readonly restored: Restored;
  readonly #disk: MemoryDisk;
  readonly #onWrite: (write: PendingWrite) => void;
  readonly #released: () => void;
  #inFlight: { readonly batch: WriteBatch; readonly position: DurablePosition } | null = null;
  #writing: Promise<void> = Promise.resolve();
  #failed: StorageFailed | null = null;
  #closing: Promise<void> | null = null;
  #abandoned = false;

  /** Made by `MemoryDisk.open`. */
  constructor(disk: MemoryDisk, options: MemoryStorageOptions, released: () => void) {
    this.#disk = disk;
    this.#onWrite = options.onWrite ?? ((write) => queueMicrotask(() => write.complete()));
    this.#released = released;
    this.restored = disk.restored(options.maxTailBytes ?? defaultMaxTailBytes);
  }

  write(batch: WriteBatch): Promise<void> {
    if (this.#closing !== null) throw new StorageMisuse("write after close");
    if (this.#inFlight !== null) throw new StorageMisuse("a second write while one is under way");
    if (this.#failed !== null) return Promise.reject(this.#failed);
    const disk = this.#disk;
    requireContinuation(this.incoming, disk.position.applied, batch);
    const position = positionAfter(disk.position, batch, (index) => this.#termAt(index));
    // What the caller does to its arrays afterwards does not reach a real disk either.
    const copy: WriteBatch = {
      ...batch,
      chunk: batch.chunk && {
        ...batch.chunk,
        pairs: batch.chunk.pairs.map(([key, value]) => [key.slice(), value.slice()]),
      },
      entries: [...batch.entries],
      effects: batch.effects.map(({ key, value }) => ({ key: key.slice(), value: value?.slice() ?? null })),
    };
    this.#inFlight = { batch: copy, position };
    const writing = new Promise<void>((resolve, reject) => {
      this.#onWrite({
        batch: copy,
        complete: () => {
          if (!this.#settle(copy)) return;
          disk.commit(copy, position);
          resolve();
        },
        fail: (cause, reached = false) => {
          if (!this.#settle(copy)) return;
          if (reached) disk.commit(copy, position);
          this.#failed = new StorageFailed(`write a batch in ${disk.name}`, cause);
          reject(this.#failed);
        },
      });
    });
    this.#writing = writing.then(
      () => undefined,
      () => undefined,
    );
    return writing;
  }

  /** False when a crash came first: then nothing happens any more. */
  #settle(batch: WriteBatch): boolean {
    if (this.#abandoned) return false;
    if (this.#inFlight?.batch !== batch) throw new StorageMisuse("a write settled twice");
    this.#inFlight = null;
    return true;
  }

  async readEntries(from: Index, to: Index, maxBytes: number): Promise<readonly Entry[]> {
    this.#requireOpen();
    const disk = this.#disk;
    requireReadable(disk.position, from, to);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = disk.entry(index);
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    return entries;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#requireOpen();
    return this.#disk.state.get(key);
  }

  snapshot(): StorageSnapshot {
    this.#requireOpen();
    return new MemorySnapshot(this.#disk);
  }

  get incoming(): IncomingSnapshot | null {
    return this.#disk.incoming?.received ?? null;
  }

  /** Nothing is left over in memory. */
  readonly sweepDue = false;

  close(): Promise<void> {
    this.#closing ??= this.#writing.then(() => {
      if (!this.#abandoned) this.#released();
    });
    return this.#closing;
  }

  /** @internal Called by `MemoryDisk.crash`. */
  abandon(inFlight: "lost" | "reached"): void {
    if (this.#inFlight !== null && inFlight === "reached") {
      this.#disk.commit(this.#inFlight.batch, this.#inFlight.position);
    }
    this.#abandoned = true;
    this.#closing ??= Promise.resolve();
  }

  #termAt(index: Index): number {
    const { compacted } = this.#disk.position;
    return index === compacted.index ? compacted.term : (this.#disk.entry(index)?.term ?? 0);
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw new StorageMisuse("read after close");
  }
}

class MemorySnapshot implements StorageSnapshot {
  #closed = false;

  readonly state: MemoryState;
  readonly #head: () => SnapshotHead;

  constructor(disk: MemoryDisk) {
    this.state = disk.state;
    this.#head = disk.pinnedHead();
  }

  async head(): Promise<SnapshotHead> {
    this.#requireOpen();
    return this.#head();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#requireOpen();
    return this.state.get(key);
  }

  async read(after: Uint8Array | null, maxBytes: number): Promise<readonly KeyValue[]> {
    this.#requireOpen();
    const pairs: KeyValue[] = [];
    let bytes = 0;
    for (const [key, value] of this.state.scan(after === null ? {} : { gt: after })) {
      bytes += key.length + value.length;
      if (pairs.length > 0 && bytes > maxBytes) break;
      pairs.push([key, value]);
    }
    return pairs;
  }

  async scan(range: KeyRange): Promise<readonly KeyValue[]> {
    this.#requireOpen();
    return this.state.scan(range);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #requireOpen(): void {
    if (this.#closed) throw new StorageMisuse("the snapshot is closed");
  }
}

function placed({ index, data }: Entry): PlacedMembership {
  return { index, membership: decodeMembership(data) };
}

function isMembership(entry: Entry): boolean {
  return entry.type === EntryType.membership;
}
