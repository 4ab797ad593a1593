/** The words every other file of the core is written in. */

/** Name of a server, unique in the cluster, never changed (`n1`). */
export type NodeId = string;
/** Election term; a safe integer, 0 before the first one (paper, section 5.1). */
export type Term = number;
/** Position in the log; the first entry has index 1, 0 means "before the log". */
export type Index = number;

/** Names an entry for ever: two logs that hold the same id hold the same prefix (Log Matching). */
export interface LogId {
  readonly index: Index;
  readonly term: Term;
}

/**
 * What an entry is to Raft. The application's own kinds of command live inside `data`.
 * The numbers are stored on disk and sent to peers: append, never renumber.
 */
export const EntryType = { noOp: 0, application: 1, membership: 2, void: 3 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export interface Entry {
  readonly index: Index;
  readonly term: Term;
  readonly type: EntryType;
  /**
   * Opaque for `application`, `encodeMembership` bytes for `membership`, `encodeVoid` bytes for `void`, empty for
   * `noOp`. Never mutated.
   */
  readonly data: Uint8Array;
}

/** What must be durable before it is promised to anybody (paper, figure 2: persistent state). */
export interface HardState {
  readonly term: Term;
  readonly vote: NodeId | null;
  /** A hint that saves work after a restart; never ahead of the entries stored with or before it. */
  readonly commit: Index;
}

/** One server as the membership entry describes it. */
export interface Member {
  readonly id: NodeId;
  /** Random name of one life of this server's disk: a wiped disk comes back as another incarnation. */
  readonly incarnation: string;
  /** `host:port` where peers reach it. */
  readonly peer: string;
  /** Base URL where clients reach it. */
  readonly http: string;
}

/**
 * Who takes part. `votersOutgoing` is non-empty only inside a joint configuration (paper, section 6):
 * then a decision needs a majority of `voters` and a majority of `votersOutgoing`.
 */
export interface Membership {
  readonly clusterId: string;
  readonly members: readonly Member[];
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /**
   * Present only in a joint configuration that replaces members: the new incarnations. The joint configuration
   * still counts the old ones under the same ids; these become learners when it is left.
   */
  readonly joining?: readonly Member[];
  /**
   * Present only where a survivor began this cluster alone (`recovery.ts`): the cluster and the life of its disk before.
   * Every later membership is without it.
   */
  readonly recoveredFrom?: Life;
}

/** One disk in one cluster. */
export interface Life {
  readonly clusterId: string;
  readonly incarnation: string;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** Entries `first`, `first + 1`, … up to the next run carry `term`. */
export interface TermRun {
  readonly first: Index;
  readonly term: Term;
}

/** A membership, and the log entry that holds it. */
export interface PlacedMembership {
  readonly index: Index;
  readonly membership: Membership;
}

/** What a snapshot is of: the state after entry `last`, and who takes part then (paper, section 7). */
export interface SnapshotHead {
  readonly last: LogId;
  readonly membership: PlacedMembership;
}

/** What a node read from its disk before it takes part. */
export interface Restored {
  readonly hardState: HardState;
  /** The last entry that was compacted away; (0, 0) when the log is complete. */
  readonly compacted: LogId;
  /** Terms of every entry after `compacted`, as runs, ascending. */
  readonly terms: readonly TermRun[];
  /** A contiguous suffix of the log, ending with its last entry; empty only when the log is. */
  readonly tail: readonly Entry[];
  /** Last entry of the log; equals `compacted` when nothing follows it. */
  readonly last: LogId;
  /** The latest membership in the log (committed or not) and the index of its entry; null before birth. */
  readonly membership: PlacedMembership | null;
  /** The one before it, in force again when that entry is cut off; absent when there was none or it is not known. */
  readonly membershipBefore?: PlacedMembership;
  /** Index up to which the state on disk includes the log. */
  readonly applied: Index;
  /** Payload bytes of all entries after `compacted`, those outside `tail` included. */
  readonly logBytes: number;
  /** All entries of type `void` after `compacted`, ascending. For whoever executes entries; the core has no use for them. */
  readonly voids?: readonly Entry[];
}
