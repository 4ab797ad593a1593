/**
 * Everything the core can ask of the world, on one page.
 *
 * After any number of `step(input)` calls, `ready()` returns what is due and forgets it. The driver's
 * duties, per field, are written here; the order between fields is free unless a field says otherwise.
 *
 * Where does an fsync happen? Only for `store`. Why does a follower's answer wait for it? Because the
 * core itself holds back every message that promises durability until `stored` names the ticket: such a
 * message is simply not in `messages` before. A driver cannot send it too early, even by mistake.
 */
import type { RaftEvent } from "./events.js";
import type { Message } from "./messages.js";
import type { Entry, HardState, Index, LogId, NodeId, Role, SnapshotHead, Term } from "./types.js";

/** One atomic, synced write. At most one is outstanding: the next one appears after `stored`. */
export interface StoreRequest {
  /** 1, 2, 3, …; named in the `stored` input. */
  readonly ticket: number;
  /** Present when term, vote or commit changed. Written before the entries. */
  readonly hardState: HardState | null;
  /**
   * Entries to append. The first one replaces whatever the log holds at its index and after it:
   * a shorter log after the write is intended (conflict with the leader, paper section 5.3).
   */
  readonly entries: readonly Entry[];
  /** Entries up to this index may be deleted in the same batch; 0 = none. Never beyond the durable applied index. */
  readonly compactTo: Index;
  /**
   * Replace log and state by the fetched snapshot, all in this one write: afterwards the log is empty and starts
   * after `last`, the state is the snapshot's, and applied up to `last`. Effects that were executed before and
   * are not on disk belong to the old state: they must be dropped. `entries` is empty then.
   */
  readonly install: SnapshotHead | null;
}

export interface AcceptedProposal {
  readonly context: number;
  readonly index: Index;
  readonly term: Term;
}

/** Not in the log, will never be executed: safe to try again anywhere. */
export interface RefusedProposal {
  readonly context: number;
  /** `notLeader`: ask the leader. `overloaded`: too many bytes await commitment. `transferring`: leadership is moving. */
  readonly reason: "notLeader" | "overloaded" | "transferring";
}

/** Why a membership change was not begun. */
export interface ChangeRefusal {
  readonly reason:
    | "notLeader"
    | "notReady"
    | "changeInProgress"
    | "transferring"
    | "alreadyMember"
    | "notMember"
    | "lastVoter"
    | "stillConnected"
    | "quorumWouldBeLost";
  /** A sentence for an operator, without a full stop. */
  readonly why: string;
}

export type ChangeOutcome =
  /** The membership of entry `index`, final and committed. */
  | { readonly context: number; readonly kind: "done"; readonly index: Index }
  /** Nothing was changed. */
  | ({ readonly context: number; readonly kind: "refused" } & ChangeRefusal)
  /** Leadership ended first: the next leader finishes the change, or its entry is lost. */
  | { readonly context: number; readonly kind: "unknown" };

export interface GrantedRead {
  readonly context: number;
  /** The read may be served from a state that has applied at least this index. */
  readonly index: Index;
}

/** Older log entries that the core no longer holds in memory: read them from the log, answer with `fetched`. */
export interface FetchRequest {
  readonly id: number;
  readonly from: Index;
  /** Inclusive. The answer may end earlier, after `maxBytes`, but holds at least one entry. */
  readonly to: Index;
  readonly maxBytes: number;
}

export interface SnapshotPin {
  readonly to: NodeId;
  /**
   * True: pin the durable state for it, in place of what was pinned for it before, then step `snapshotTaken`.
   * False: what is pinned for it is of no more use.
   */
  readonly wanted: boolean;
}

/** A snapshot that the leader holds ready: named by its last entry and by who holds it. */
export interface SnapshotOffer {
  readonly from: NodeId;
  readonly last: LogId;
}

export interface Ready {
  /** Write durably, then step `stored`. Never retried: a failed write ends the process. */
  readonly store: StoreRequest | null;
  /** Send now, also while a store is in flight. Order per receiver is kept. */
  readonly messages: readonly Message[];
  /** Execute in order, then step `applied`. Committed; each entry is handed out once. */
  readonly apply: readonly Entry[];
  readonly accepted: readonly AcceptedProposal[];
  readonly refused: readonly RefusedProposal[];
  /** How membership changes ended. */
  readonly changes: readonly ChangeOutcome[];
  readonly reads: readonly GrantedRead[];
  /** Contexts of reads that this server cannot confirm any more; the caller routes them anew. */
  readonly readsRefused: readonly number[];
  readonly fetch: readonly FetchRequest[];
  /** Leader: for whom to keep the durable state pinned. In this order. */
  readonly pins: readonly SnapshotPin[];
  /** Follower: fetch this snapshot, in place of any other; null = no news. The same one may be named again. */
  readonly fetchSnapshot: SnapshotOffer | null;
  /** What happened, for logs, metrics and traces. */
  readonly events: readonly RaftEvent[];
}

export interface Standing {
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId | null;
  /** True once this leader's own-term no-op is committed and applied: only then can it serve. */
  readonly canServe: boolean;
}

/** What an operator or a router wants to know; cheap to take. */
export interface Status extends Standing {
  readonly id: NodeId;
  readonly commit: Index;
  readonly applied: Index;
  readonly lastIndex: Index;
  readonly firstIndex: Index;
  /** Payload bytes of the log, nearly. */
  readonly logBytes: number;
  /** Leader only: what it knows of each other member. */
  readonly followers: readonly FollowerStatus[];
}

export interface FollowerStatus {
  readonly id: NodeId;
  readonly match: Index;
  readonly next: Index;
  readonly state: "probe" | "replicate" | "snapshot";
  /** Heard from within the last election timeout. */
  readonly active: boolean;
  /** It denies entries that it had confirmed: its disk is not what it was. Absent when all is well. */
  readonly deniesMatch?: true;
}
