/** What a program that embeds Raft sees: propose, read, know who leads, stop. */
import type { Index, Member, Membership, MembershipChange, NodeId, Status } from "../core/index.js";
import type {
  Clock,
  ExecutionNotes,
  IdentityStore,
  NodeIntroduction,
  StateMachine,
  StateView,
  Storage,
  Transport,
} from "../ports/index.js";
import type { Held } from "./execution-gate.js";

/** How a proposal ended. There is no other ending, and every proposal ends. */
export type ProposalOutcome<Result> =
  /** Committed and executed at `index`. */
  | { readonly kind: "applied"; readonly index: Index; readonly result: Result }
  /** Never entered the log of this node: not executed, may be tried again anywhere. */
  | {
      readonly kind: "refused";
      readonly reason: "notLeader" | "overloaded" | "transferring" | "stopped" | "held";
    }
  /** Another entry committed at its index: surely not executed, may be tried again. */
  | { readonly kind: "lost" }
  /** This node stopped, or installed a snapshot of what came after, before it learned the outcome. */
  | { readonly kind: "unknown" };

/** How a read barrier ended. */
export type ReadOutcome =
  /** Everything acknowledged anywhere before the call is applied here: read `view` now, in this turn. */
  | { readonly kind: "ready"; readonly index: Index }
  /** Not confirmed: no leader is known or reached, it lost its majority, or this node stops. Nothing was read. */
  | { readonly kind: "refused" };

/** A snapshot was read out for another node, as far as that wanted it, or came from another node, completely. */
export interface SnapshotDone {
  readonly op: "send" | "receive";
  readonly seconds: number;
}

export interface NodeStatus extends Status {
  /** Who sends this node a snapshot right now; null = nobody. */
  readonly snapshotFrom: NodeId | null;
  /** False until the cluster is born; then `missing` is empty. */
  readonly born: boolean;
  /** Ids of the configured members that birth still waits for. */
  readonly missing: readonly NodeId[];
  /**
   * Ids of members, this node included, whose disk was damaged: they retired it and begin anew, and do not vote until they
   * have what they lack. As far as this node has heard since it started.
   */
  readonly rebuilding: readonly NodeId[];
  readonly clusterId: string | null;
  readonly membership: Membership | null;
  readonly connected: readonly NodeId[];
  /** Why members (or listed ones, before birth) refuse this node, or it them: a sentence for each. */
  readonly refusals: readonly string[];
  readonly proposalsPending: number;
  /** Execution is held before an entry, see `execution-gate.ts`; null = it is not. */
  readonly held: Held | null;
  /** The committed membership does not mean this node (any more), and it hears no leader: it serves nobody by itself. */
  readonly removed: boolean;
  /** How many more voters may fail before writes stop, counting those that are unreachable now (leader's view). */
  readonly failureTolerance: number;
}

export interface RaftNodeOptions<Result> {
  readonly nodeId: NodeId;
  readonly clusterName: string;
  /** The configured members: birth needs every one of them; afterwards they are dial hints. Incarnations come at birth. */
  readonly members: readonly Omit<Member, "incarnation">[];
  /** Where this node is reached, announced to the others when it has changed. Default: as `members` has it. */
  readonly advertise?: { readonly peer: string; readonly http: string };
  /** How long a learner must have been caught up before it becomes a voter, in milliseconds. Default 10 s. */
  readonly promotionMs?: number;
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  /** Applied entries that the log keeps for members that lag behind. Default 10,000, and never more than 64 MiB. */
  readonly trailingEntries?: number;
  /** Bytes of keys and values in one part of a snapshot, nearly. Default 1 MiB. */
  readonly snapshotPartBytes?: number;
  readonly storage: Storage;
  readonly identity: IdentityStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly stateMachine: StateMachine<Result>;
  /** Default: nothing is noted; a process that an entry ends meets it again after every start. */
  readonly executions?: ExecutionNotes;
  /** Execute nothing from this entry on. */
  readonly holdBefore?: Index;
  /** Whether a throw of the state machine is the entry's fault, so that it may be held before. Default: always. */
  readonly isOfEntry?: (error: unknown) => boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh incarnation or cluster id: 16 random bytes as hex. */
  readonly randomId: () => string;
  readonly log: RaftLog;
  /** For metrics. */
  readonly onSnapshot?: (done: SnapshotDone) => void;
  /** For metrics: a batch is on disk, after so many milliseconds. */
  readonly onWritten?: (tookMs: number) => void;
  /** For metrics: a tick, so many milliseconds after it was due. A node that takes part has one after the other. */
  readonly onTick?: (lateMs: number) => void;
  /** A failure that must end the process (storage, state machine, broken invariant). Called once; the node is dead then. */
  readonly onFatal: (error: Error) => void;
  /** Answers a peer's request (a forwarded call). */
  readonly onRequest: (peer: NodeId, payload: Uint8Array) => Promise<Uint8Array>;
}

/** Structured log lines: an object of fields, then a sentence. A pino logger fits. */
export interface RaftLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RaftNode<Result> {
  /** Propose an entry. `settle` is called exactly once, never inside this call. */
  propose(data: Uint8Array, settle: (outcome: ProposalOutcome<Result>) => void): void;
  /**
   * A linearizable read barrier, on the leader or, through the leader's read index, on any other node.
   * `settle` is called exactly once, never inside this call.
   */
  readBarrier(settle: (outcome: ReadOutcome) => void): void;
  /** The applied state of this node, possibly behind the leader's. */
  readonly view: StateView;
  /**
   * Change who takes part; resolves with the index of the membership entry that is final and committed. Only the
   * leader can. Rejects with `ChangeFailed`.
   */
  changeMembership(change: MembershipChange): Promise<Index>;
  /** Ask who answers at a peer address, before it is admitted. Rejects with the reason why nobody does. */
  introduce(id: NodeId, address: string): Promise<NodeIntroduction>;
  /**
   * Strike out an entry that this leader holds before; resolves with the index of the entry that does so, once this node
   * has executed it. That a majority holds there too is for the caller to know. Rejects with `StrikeRefused`.
   */
  strikeOut(index: Index): Promise<Index>;
  /** Hand leadership over; resolves when this node no longer leads, rejects when the attempt was given up. */
  transfer(to: NodeId): Promise<void>;
  /** Ask a peer's `onRequest`. Rejects with `RequestFailed`. */
  request(peer: NodeId, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  status(): NodeStatus;
  /** Called when leader, term, role, `canServe`, birth or connections changed; returns a function that unsubscribes. */
  onChange(listener: () => void): () => void;
  /**
   * Flushes pending effects, closes transport and storage. Proposals that are in the log end as `unknown`, those
   * that did not get there as refused.
   */
  stop(): Promise<void>;
}
