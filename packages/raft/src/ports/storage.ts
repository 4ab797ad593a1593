/**
 * The disk, as the driver needs it: one database, one writer. Log, hard state and state-machine data
 * share it, so that one synced batch moves all of them together and a crash leaves a prefix of batches.
 */
import type { Entry, HardState, Index, Restored, SnapshotHead, SnapshotOffer } from "../core/index.js";

/** One change of state-machine data; `value: null` deletes the key. Keys and values are opaque bytes. */
export interface Effect {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** How far a snapshot was received: the last key, and a checksum of everything up to it. */
export interface SnapshotCursor {
  readonly key: Uint8Array;
  readonly check: number;
}

/** A part of another node's state, to be written beside the state in use. */
export interface SnapshotChunk {
  readonly snapshot: SnapshotOffer;
  /** Where the part before it ended; null = this is the first one, and whatever was received before goes. */
  readonly after: SnapshotCursor | null;
  /** In key order, all behind `after`. */
  readonly pairs: readonly KeyValue[];
  readonly cursor: SnapshotCursor;
  /** Nothing follows: the snapshot may be installed. */
  readonly complete: boolean;
}

/** What was received of a snapshot so far; survives a crash. */
export interface IncomingSnapshot {
  readonly snapshot: SnapshotOffer;
  readonly cursor: SnapshotCursor;
  readonly complete: boolean;
}

/** Parts are written in this order inside one atomic batch. */
export interface WriteBatch {
  readonly hardState: HardState | null;
  /** The first entry replaces the log from its index on. */
  readonly entries: readonly Entry[];
  /** Delete log entries up to this index; 0 = none. */
  readonly compactTo: Index;
  /** Effects of entries applied since the last batch, in log order (a later one for the same key wins). */
  readonly effects: readonly Effect[];
  /** The state on disk includes the log up to here once this batch is durable; null = unchanged. */
  readonly applied: Index | null;
  readonly chunk: SnapshotChunk | null;
  /**
   * The completely received snapshot takes the place of log and state: the log is empty and goes on after `last`,
   * the state includes the log up to there. Nothing but a hard state may ride in this batch.
   */
  readonly install: SnapshotHead | null;
}

/** Bounds are compared as bytes; `gte`/`gt` and `lt`/`lte` may each be absent. */
export interface KeyRange {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse?: boolean;
  /** Most pairs to return. */
  readonly limit?: number;
}

export type KeyValue = readonly [key: Uint8Array, value: Uint8Array];

/** The state as of one moment; later writes do not show. Must be closed. */
export interface StorageSnapshot {
  /** What the pinned state is of: read from that very moment of the disk, never from memory. */
  head(): Promise<SnapshotHead>;
  get(key: Uint8Array): Uint8Array | undefined;
  /** All pairs behind `after` (null = from the start) in key order, until they exceed `maxBytes`; empty at the end. */
  read(after: Uint8Array | null, maxBytes: number): Promise<readonly KeyValue[]>;
  /** Pairs in key order. */
  scan(range: KeyRange): Promise<readonly KeyValue[]>;
  close(): Promise<void>;
}

export interface Storage {
  /** What the disk held when it was opened. */
  readonly restored: Restored;
  /**
   * Durable when it resolves. Exactly one at a time: a second call while one runs is a bug and throws.
   * Any rejection is final: nothing may be written afterwards and the process must end.
   */
  write(batch: WriteBatch): Promise<void>;
  /** Log entries `from`…`to` (inclusive), fewer when `maxBytes` of payload is exceeded, at least one. */
  readEntries(from: Index, to: Index, maxBytes: number): Promise<readonly Entry[]>;
  /** Durable state-machine data only: what `write` has not yet resolved for does not count. */
  get(key: Uint8Array): Uint8Array | undefined;
  snapshot(): StorageSnapshot;
  /** A snapshot that is being received; null when there is none, or when the state has passed it. Durable. */
  readonly incoming: IncomingSnapshot | null;
  /** Leftovers of replaced logs and states wait to be deleted: every batch takes a piece, an empty one too. */
  readonly sweepDue: boolean;
  /** Waits for a running write. */
  close(): Promise<void>;
}

/** Who this disk belongs to; kept outside the database, so that a lost database is noticed. */
export interface Identity {
  readonly format: 2;
  readonly clusterName: string;
  readonly nodeId: string;
  /** Random name of this disk's life. */
  readonly incarnation: string;
  /** Null until birth. */
  readonly clusterId: string | null;
  /** Once true, a database must exist: it is never created again under this identity. */
  readonly born: boolean;
  /** The life of this disk before this one, given up for damage; null when there was none. */
  readonly retired: RetiredLife | null;
}

/**
 * A life of the disk that is over for good: no identity file of it is left, so nothing can act under it again. This is
 * what an unborn disk proves with that it may have the place which the membership keeps for `incarnation`.
 */
export interface RetiredLife {
  readonly incarnation: string;
  /** When that was, in milliseconds since 1970 by this machine's clock. Bounds how often, proves nothing. */
  readonly at: number;
}

export interface IdentityStore {
  /** Null when this folder has never belonged to a node. Throws on a damaged or foreign file, naming both sides. */
  read(): Identity | null;
  /** Durable (file and folder synced) when it resolves. */
  write(identity: Identity): Promise<void>;
}
