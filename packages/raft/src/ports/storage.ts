/**
 * The disk, as the driver needs it: one database, one writer. Log, hard state and state-machine data
 * share it, so that one synced batch moves all of them together and a crash leaves a prefix of batches.
 */
import type { Entry, HardState, Index, Restored } from "../core/index.js";

/** One change of state-machine data; `value: null` deletes the key. Keys and values are opaque bytes. */
export interface Effect {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
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
  get(key: Uint8Array): Uint8Array | undefined;
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
  /** Waits for a running write. */
  close(): Promise<void>;
}

/** Who this disk belongs to; kept outside the database, so that a lost database is noticed. */
export interface Identity {
  readonly format: 1;
  readonly clusterName: string;
  readonly nodeId: string;
  /** Random name of this disk's life. */
  readonly incarnation: string;
  /** Null until birth. */
  readonly clusterId: string | null;
  /** Once true, a database must exist: it is never created again under this identity. */
  readonly born: boolean;
}

export interface IdentityStore {
  /** Null when this folder has never belonged to a node. Throws on a damaged or foreign file, naming both sides. */
  read(): Identity | null;
  /** Durable (file and folder synced) when it resolves. */
  write(identity: Identity): Promise<void>;
}
