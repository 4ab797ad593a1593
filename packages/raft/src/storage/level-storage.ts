/** `Storage` on one open LevelDB: one batch at a time, and readers that never see ahead of it. */
import {
  type Entry,
  EntryType,
  encodeMembership,
  type Index,
  type Restored,
  type SnapshotHead,
} from "../core/index.js";
import type { Effect, IncomingSnapshot, Storage, StorageSnapshot, WriteBatch } from "../ports/index.js";
import type { Anchor } from "./anchor.js";
import { DamagedStorage, StorageFailed, StorageMisuse } from "./errors.js";
import {
  type ChainedLogId,
  encodeApplied,
  encodeBatchNumber,
  encodeCompacted,
  encodeGenerations,
  encodeHardState,
  encodeLast,
} from "./fixed-records.js";
import { failure } from "./level-errors.js";
import type { LoadedDatabase } from "./level-load.js";
import {
  chunkBytes,
  chunkLength,
  type Database,
  LevelSnapshot,
  PinnedMoment,
  readState,
} from "./level-view.js";
import { chainValueOf, decodeLogRecord, encodeLogRecord, verifyChain } from "./log-record.js";
import {
  appliedKey,
  batchKey,
  compactedKey,
  type Generations,
  generationsKey,
  hardStateKey,
  indexOfKey,
  lastKey,
  logKey,
  logRange,
  membershipKey,
  stateKey,
} from "./prefixes.js";
import { sealed } from "./sealed.js";
import type { OnceDurable, Operations, SpareGenerations } from "./spare-generations.js";
import { type DurablePosition, positionAfter, requireContinuation, requireReadable } from "./write-rules.js";

/**
 * Log records deleted per batch beyond the compaction mark. The mark moves at once, so they are never read
 * again; the rest goes with later batches, and none of them is held up by a long compaction.
 */
const sweepLengthMax = 4096;

/** What the log is once a batch is durable. */
interface LogAfter {
  readonly compacted: ChainedLogId;
  readonly last: ChainedLogId;
  readonly memberships: readonly Index[];
  readonly sweepFrom: Index;
  readonly onceDurable?: OnceDurable;
}

/** Made by `openLevelStorage`. */
export class LevelStorage implements Storage {
  readonly restored: Restored;
  readonly #database: Database;
  readonly #directory: string;
  #generations: Generations;
  readonly #spare: SpareGenerations;
  readonly #anchor: Anchor;

  /** What is durable; changes only when a write has resolved. */
  #batchNumber: number;
  #position: DurablePosition;
  #compacted: ChainedLogId;
  #last: ChainedLogId;
  #memberships: readonly Index[];
  #sweepFrom: Index;

  /** The moment before the write that is under way: what readers see until it resolves. */
  #before: PinnedMoment | null = null;
  #writing: Promise<void> = Promise.resolve();
  #failed: StorageFailed | null = null;
  #closing: Promise<void> | null = null;

  constructor(database: Database, directory: string, loaded: LoadedDatabase, anchor: Anchor) {
    const { restored } = loaded;
    this.restored = restored;
    this.#database = database;
    this.#directory = directory;
    this.#generations = loaded.generations;
    this.#spare = loaded.spare;
    this.#anchor = anchor;
    this.#batchNumber = loaded.batchNumber;
    this.#compacted = loaded.compacted;
    this.#last = loaded.last;
    this.#memberships = loaded.memberships;
    this.#sweepFrom = loaded.sweepFrom;
    this.#position = {
      compacted: restored.compacted,
      last: restored.last,
      term: restored.hardState.term,
      commit: restored.hardState.commit,
      applied: restored.applied,
    };
  }

  write(batch: WriteBatch): Promise<void> {
    if (this.#closing !== null) throw new StorageMisuse("write after close");
    if (this.#before !== null) throw new StorageMisuse("a second write while one is under way");
    if (this.#failed !== null) return Promise.reject(this.#failed);
    let position: DurablePosition;
    try {
      requireContinuation(this.#spare.incoming, this.#position.applied, batch);
      position = positionAfter(this.#position, batch, (index) => this.#idAt(index).term);
    } catch (error) {
      if (error instanceof StorageMisuse) throw error;
      return Promise.reject(this.#fail(error));
    }
    const before = new PinnedMoment(this.#database);
    this.#before = before;
    const writing = this.#write(batch, position, before);
    // `close` waits for the end of the write, whichever; its outcome belongs to the caller of `write`.
    this.#writing = writing.then(
      () => undefined,
      () => undefined,
    );
    return writing;
  }

  async #write(batch: WriteBatch, position: DurablePosition, before: PinnedMoment): Promise<void> {
    try {
      try {
        await this.#commit(batch, position);
      } finally {
        this.#before = null;
        await before.release();
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #commit(batch: WriteBatch, position: DurablePosition): Promise<void> {
    const operations = this.#database.batch();
    if (batch.hardState !== null) operations.put(hardStateKey, encodeHardState(batch.hardState));
    const log =
      batch.install === null
        ? this.#writeLog(operations, batch, position)
        : this.#install(operations, batch.install);
    this.#writeEffects(operations, batch.effects);
    if (batch.applied !== null) operations.put(appliedKey, encodeApplied(batch.applied));
    const received = this.#receive(operations, batch, position);
    const batchNumber = this.#batchNumber + 1;
    operations.put(batchKey, encodeBatchNumber(batchNumber));
    // Last: the caller's buffers are its own again when `write` has returned.
    const swept = this.#spare.sweepDue ? await this.#spare.sweep(operations) : null;
    await operations.write({ sync: true });

    this.#anchor.note(batchNumber);
    this.#batchNumber = batchNumber;
    this.#position = position;
    this.#compacted = log.compacted;
    this.#last = log.last;
    this.#memberships = log.memberships;
    this.#sweepFrom = log.sweepFrom;
    swept?.();
    received();
    log.onceDurable?.();
  }

  /** Switches to what was received: a few records, whatever the size of log and state. */
  #install(operations: Operations, { last: { index, term }, membership }: SnapshotHead): LogAfter {
    const { next, onceDurable } = this.#spare.install(operations, this.#generations);
    const last: ChainedLogId = { index, term, chain: 0 };
    operations.put(generationsKey, encodeGenerations(next));
    operations.put(compactedKey, encodeCompacted(last));
    operations.put(lastKey, encodeLast(last));
    operations.put(appliedKey, encodeApplied(index));
    const key = membershipKey(next.log, membership.index);
    operations.put(key, sealed(key, encodeMembership(membership.membership)));
    return {
      compacted: last,
      last,
      memberships: [membership.index],
      sweepFrom: index + 1,
      onceDurable: () => {
        this.#generations = next;
        onceDurable();
      },
    };
  }

  #receive(
    operations: Operations,
    { chunk, install }: WriteBatch,
    { applied }: DurablePosition,
  ): OnceDurable {
    const snapshot = chunk?.snapshot ?? this.#spare.incoming?.snapshot;
    const passed = snapshot !== undefined && install === null && applied >= snapshot.last.index;
    if (passed) return this.#spare.discard(operations);
    return chunk === null ? () => undefined : this.#spare.receive(operations, chunk);
  }

  #fail(cause: unknown): StorageFailed {
    this.#failed = new StorageFailed(`write a batch in ${this.#directory}`, cause);
    return this.#failed;
  }

  /** Truncation, compaction and new entries; returns what the log is once the batch is durable. */
  #writeLog(operations: Operations, batch: WriteBatch, position: DurablePosition): LogAfter {
    const { log: generation } = this.#generations;
    const first = batch.entries[0];
    const keep: Index = first === undefined ? this.#last.index : first.index - 1;

    const memberships: Index[] = [];
    for (const index of this.#memberships) {
      if (index <= keep) memberships.push(index);
      else operations.del(membershipKey(generation, index));
    }
    for (let index = position.last.index + 1; index <= this.#last.index; index++) {
      operations.del(logKey(generation, index));
    }

    let last = first === undefined ? this.#last : this.#idAt(keep);
    let compacted = this.#compacted;
    for (const entry of batch.entries) {
      const key = logKey(generation, entry.index);
      const record = encodeLogRecord(key, entry, last.chain);
      operations.put(key, record);
      last = { index: entry.index, term: entry.term, chain: chainValueOf(record) };
      if (entry.index === position.compacted.index) compacted = last;
      if (entry.type === EntryType.membership) {
        const membership = membershipKey(generation, entry.index);
        operations.put(membership, sealed(membership, entry.data));
        memberships.push(entry.index);
      }
    }
    if (first !== undefined) operations.put(lastKey, encodeLast(last));

    if (compacted.index !== position.compacted.index) compacted = this.#idAt(position.compacted.index);
    if (compacted.index !== this.#compacted.index) operations.put(compactedKey, encodeCompacted(compacted));
    // The newest membership that is cut away is still in force: only those before it may go.
    while (memberships[1] !== undefined && memberships[1] <= compacted.index) {
      operations.del(membershipKey(generation, memberships[0] ?? 0));
      memberships.shift();
    }
    const sweepFrom = Math.min(this.#sweepFrom + sweepLengthMax, compacted.index + 1);
    for (let index = this.#sweepFrom; index < sweepFrom; index++) operations.del(logKey(generation, index));
    return { compacted, last, memberships, sweepFrom };
  }

  #writeEffects(operations: Operations, effects: readonly Effect[]): void {
    for (const { key, value } of effects) {
      const fullKey = stateKey(this.#generations.state, key);
      if (value === null) operations.del(fullKey);
      else operations.put(fullKey, sealed(fullKey, value));
    }
  }

  async readEntries(from: Index, to: Index, maxBytes: number): Promise<readonly Entry[]> {
    this.#requireOpen();
    requireReadable(this.#position, from, to);
    let chain = this.#idAt(from - 1).chain;
    const moment = this.#pin();
    try {
      const records = this.#database.iterator({
        ...logRange(this.#generations.log, from),
        limit: to - from + 1,
        snapshot: moment.snapshot,
        fillCache: false,
        highWaterMarkBytes: Math.min(Math.max(maxBytes, 1024), chunkBytes),
      });
      try {
        const entries: Entry[] = [];
        let bytes = 0;
        while (entries.length <= to - from) {
          const chunk = await records.nextv(chunkLength);
          if (chunk.length === 0) break;
          for (const [key, record] of chunk) {
            const index = indexOfKey(key);
            if (index !== from + entries.length) this.#missing(from + entries.length, `entry ${index}`);
            const { entry, chain: next } = decodeLogRecord(this.#directory, key, record, index);
            verifyChain(this.#directory, record, index, chain);
            bytes += entry.data.length;
            if (entries.length > 0 && bytes > maxBytes) return entries;
            entries.push(entry);
            chain = next;
          }
        }
        if (entries.length <= to - from) this.#missing(from + entries.length, "no more entries");
        return entries;
      } finally {
        await records.close();
      }
    } catch (error) {
      throw failure("read the log", this.#directory, error);
    } finally {
      await moment.release();
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#requireOpen();
    const snapshot = this.#before?.snapshot;
    return readState(this.#directory, this.#database, this.#generations.state, key, snapshot);
  }

  snapshot(): StorageSnapshot {
    this.#requireOpen();
    return new LevelSnapshot(this.#directory, this.#generations, this.#pin());
  }

  get incoming(): IncomingSnapshot | null {
    return this.#spare.incoming;
  }

  get sweepDue(): boolean {
    return this.#spare.sweepDue;
  }

  close(): Promise<void> {
    this.#closing ??= this.#writing.then(async () => {
      try {
        await this.#database.close();
        await this.#anchor.close();
      } catch (error) {
        throw failure("close the database", this.#directory, error);
      }
    });
    return this.#closing;
  }

  #pin(): PinnedMoment {
    return this.#before?.share() ?? new PinnedMoment(this.#database);
  }

  /** Term and chain value of a durable entry or of the compaction mark; reads the disk only after a truncation. */
  #idAt(index: Index): ChainedLogId {
    if (index === this.#last.index) return this.#last;
    if (index === this.#compacted.index) return this.#compacted;
    const key = logKey(this.#generations.log, index);
    let record: Buffer | undefined;
    try {
      record = this.#database.getSync(key, { snapshot: this.#before?.snapshot });
    } catch (error) {
      throw failure("read the log", this.#directory, error);
    }
    if (record === undefined) return this.#missing(index, "no such entry");
    const { entry, chain } = decodeLogRecord(this.#directory, key, record, index);
    return { index, term: entry.term, chain };
  }

  #missing(index: Index, found: string): never {
    throw new DamagedStorage(`${this.#directory}, log`, `entry ${index}`, found);
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw new StorageMisuse("read after close");
  }
}
