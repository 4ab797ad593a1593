/**
 * What an observer with eyes on every node, disk and wire can see. The invariants are written against this
 * and nothing else, so that states made by hand, simulated clusters and recorded ones can all be judged.
 */
import type {
  Entry,
  HardState,
  Index,
  LogId,
  Membership,
  Message,
  NodeId,
  Status,
  StoreRequest,
  Term,
} from "@quorate/raft/core";

/** What would survive a crash at this moment. */
export interface DurableView {
  readonly hardState: HardState;
  /** (0, 0) when the log is complete. */
  readonly compacted: LogId;
  readonly last: LogId;
  /** The state on disk includes the log up to here. */
  readonly applied: Index;
  /** Of the state on disk, over its whole history; absent where nothing is executed. */
  readonly digest?: number;
  /** Entries that were struck out in that state instead of executed, ascending; absent: none. */
  readonly struck?: readonly Index[];
  /** Undefined when the entry is compacted or missing. */
  termAt(index: Index): Term | undefined;
  /** Those that the disk still knows, ascending; absent: only that of birth. */
  readonly memberships?: readonly HeldMembership[];
}

export interface NodeView {
  readonly id: NodeId;
  readonly durable: DurableView;
  /** Name of the disk; absent: an id has only one. */
  readonly incarnation?: string;
  /** The membership that it says is in force, and the index of its entry; undefined: as at birth. */
  readonly membership?: HeldMembership | undefined;
}

export interface HeldMembership {
  readonly index: Index;
  readonly membership: Membership;
}

export interface ClusterView {
  /** Disks that were lost stand here too: what they held when they were lost was acknowledged. */
  readonly nodes: readonly NodeView[];
  /** Whether these disks (or ids, where an id has only one) decide alone under the membership in force at `node`. */
  isQuorum(holders: ReadonlySet<string>, node: NodeView): boolean;
}

/** A linearizable read, as the node that was asked sees it. */
export interface ReadView {
  readonly node: NodeId;
  readonly life: number;
  readonly context: number;
}

/**
 * One property. Each method is one kind of moment; a property implements those that it must look at, and
 * throws `InvariantViolation`. Moments of one step of a node come in the order of the methods.
 */
export interface Invariant {
  readonly property: string;
  /** A node came up from its disk; `life` is 1 at birth and grows by 1 with each restart. */
  nodeStarted?(node: NodeView, life: number): void;
  /** The node lost its disk and comes back with an empty one: it promised nothing. */
  diskReplaced?(node: NodeView): void;
  /** A node processed one input. What it now wants to store, send and apply follows. */
  stepped?(node: NodeView, status: Status, cluster: ClusterView): void;
  storeRequested?(node: NodeView, request: StoreRequest): void;
  messageSent?(sender: NodeView, message: Message): void;
  /**
   * `digest` covers the whole history of the state machine up to this entry; `struck` are the entries that it struck out
   * instead of executing them, ascending: this one may be the last of them.
   */
  entryApplied?(node: NodeView, entry: Entry, digest: number, struck: readonly Index[]): void;
  /** A snapshot took the place of the node's log and state; `digest` is that of the new state. */
  snapshotInstalled?(node: NodeView, last: LogId, digest: number): void;
  readAsked?(read: ReadView): void;
  readGranted?(read: ReadView, index: Index): void;
  readEnded?(read: ReadView): void;
}

/** A property that must always hold did not. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";

  constructor(
    readonly property: string,
    text: string,
  ) {
    super(`${property}: ${text}`);
  }
}

export function showId(id: { readonly index: Index; readonly term: Term } | undefined): string {
  return id === undefined ? "nothing" : `${id.term}@${id.index}`;
}
