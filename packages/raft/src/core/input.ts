/** Everything that can happen to a server: the only way into the core. */
import type { MembershipChange } from "./membership-change.js";
import type { Message } from "./messages.js";
import type { Entry, EntryType, Index, LogId, NodeId, SnapshotHead } from "./types.js";

export interface Proposal {
  /** The caller's name for it, returned in `Ready.accepted` or `Ready.refused`. Unique while pending. */
  readonly context: number;
  /** Becomes the entry's `data`; the core keeps the reference and never writes to it. */
  readonly data: Uint8Array;
  /** Default: `application`. */
  readonly type?: typeof EntryType.application | typeof EntryType.void;
}

export type Input =
  /** One unit of time passed. At most one per timer call, after the sockets were drained. */
  | { readonly type: "tick" }
  /** Append to the log, if this server leads. Order is kept; all proposals of one turn belong in one call. */
  | { readonly type: "propose"; readonly proposals: readonly Proposal[] }
  /**
   * A message arrived from an authenticated peer. `incarnation` is that of its disk: an answer of another disk
   * than the one that the membership means counts for nothing. Absent: no other can be meant.
   */
  | { readonly type: "receive"; readonly message: Message; readonly incarnation?: string }
  /** The batch of `Ready.store` with this ticket is durable. */
  | { readonly type: "stored"; readonly ticket: number }
  /** Entries up to `applied` were executed; the effects of those up to `durable` are on disk. Both only grow. */
  | { readonly type: "applied"; readonly applied: Index; readonly durable: Index }
  /** A linearizable read wants an index (thesis, section 6.4). */
  | { readonly type: "readIndex"; readonly context: number }
  /** Hand leadership to `to`; ignored unless this server leads. */
  | { readonly type: "transfer"; readonly to: NodeId }
  /** Change who takes part; its end comes in `Ready.changes` under `context`. */
  | { readonly type: "changeMembership"; readonly context: number; readonly change: MembershipChange }
  /** The control connection to `peer` closed and a redial failed: if it led, it is gone. */
  | { readonly type: "peerLost"; readonly peer: NodeId }
  /** Messages to `peer` may have been dropped (new connection, full queue): resend from what it has confirmed. */
  | { readonly type: "peerReset"; readonly peer: NodeId }
  /** Answer to `Ready.fetch`: older entries, contiguous from the requested index, at least one. */
  | { readonly type: "fetched"; readonly id: number; readonly entries: readonly Entry[] }
  /** Answer to a pin of `Ready.pins`: the durable state after entry `last` is pinned for `to` to fetch. */
  | { readonly type: "snapshotTaken"; readonly to: NodeId; readonly last: LogId }
  /** What was pinned for `to` is no more: it stopped fetching. */
  | { readonly type: "snapshotEnded"; readonly to: NodeId }
  /** Answer to `Ready.fetchSnapshot`: all of it is on disk, beside the state in use. */
  | { readonly type: "snapshotFetched"; readonly head: SnapshotHead };
