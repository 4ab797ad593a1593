/** The network, as the driver needs it. Peers are known by id; every peer was authenticated before it shows here. */
import type { Index, Membership, Message, NodeId } from "../core/index.js";

/** What a node says of itself when a connection opens, and what it learns of the other side. */
export interface NodeIntroduction {
  readonly clusterName: string;
  readonly nodeId: NodeId;
  readonly incarnation: string;
  /** Null until birth. */
  readonly clusterId: string | null;
  /** Digest of the configured member list; compared only while one side is unborn. */
  readonly memberListDigest: string;
  /** Index of the log entry whose membership is in force there; 0 while it knows none. */
  readonly membershipIndex: number;
  /** Where peers and clients reach it, as its own configuration says. */
  readonly peer: string;
  readonly http: string;
  /** Unborn: the life of its disk that it gave up for damage, and whose place it asks for; null: none, or born. */
  readonly retires: string | null;
}

/**
 * Sent to an unborn node that the membership means. The founding membership (`index` 1) is what every log starts
 * with; under any later one the node joins with an empty log.
 */
export interface BirthMessage {
  readonly type: "birth";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Index of the log entry that holds it. */
  readonly index: Index;
  readonly membership: Membership;
}

export type PeerMessage = Message | BirthMessage;

/** Who a request is for: the program that embeds Raft (a forwarded call; the default), or a snapshot's keeper. */
export type RequestTopic = "application" | "snapshot";

/** Why a request to a peer got no answer. `sent: false`: it never left, so it was surely not executed. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  constructor(
    message: string,
    readonly sent: boolean,
  ) {
    super(message);
  }
}

export interface TransportHandlers {
  /** This node's introduction right now (it changes at birth). */
  introduction(): NodeIntroduction;
  /** The membership that `visitor` is judged by; null until birth, then the configured list counts. */
  membership(visitor: NodeIntroduction): Membership | null;
  /**
   * Each message at most once, in the order of sending, except that messages may overtake others that got stuck on
   * their way. `incarnation` is that of the sender's disk.
   */
  onMessage(message: PeerMessage, incarnation: string): void;
  /** The control connection to `peer` is open and authenticated. Messages sent before may be lost. */
  onConnected(peer: NodeId, introduction: NodeIntroduction): void;
  /** `peer` opened its own control connection to this node; where it says that it is reached may be news. */
  onIntroduced(peer: NodeId, introduction: NodeIntroduction): void;
  /** The control connection to `peer` closed, not by us, and one redial at once failed. */
  onLost(peer: NodeId): void;
  /** Messages to `peer` were dropped (queue full). */
  onDropped(peer: NodeId): void;
  /** A handshake ended in a refusal, by either side. `reason` is a sentence for an operator. */
  onRefused(peer: NodeId | string, reason: string): void;
  /**
   * A handshake was refused that showed a disk in a new life: the member that it was before is over for good, and
   * nobody is connected under its id.
   */
  onRetired(introduction: NodeIntroduction): void;
  /** A request of `peer`; the answer's bytes go back. A rejection answers `failed`. */
  onRequest(peer: NodeId, payload: Uint8Array, topic: RequestTopic): Promise<Uint8Array>;
}

/** A peer to keep connections to. `hint` is another address where it may be, tried first. */
export interface PeerAddress {
  readonly id: NodeId;
  readonly peer: string;
  readonly hint?: string;
}

export interface Transport {
  /** Listens, and dials every peer of `setPeers` until `close`. Rejects when the address cannot be bound. */
  start(handlers: TransportHandlers): Promise<void>;
  /** The peers to keep connections to, own id excluded; called again when the membership changes. */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Queue for `message.to`; what is queued until `flush`, or else until the turn ends, leaves in one write. Never
   * blocks and never throws: an unreachable peer or a full queue drops it (Raft resends), reported by `onDropped`.
   */
  send(message: PeerMessage): void;
  /** What is queued leaves now, because this turn goes on with other work. */
  flush(): void;
  /** Ask `peer` over a socket of its own, so that bulk never delays heartbeats. Rejects with `RequestFailed`. */
  request(peer: NodeId, payload: Uint8Array, timeoutMs: number, topic?: RequestTopic): Promise<Uint8Array>;
  /** Ask who answers at an address, which need not be a peer's yet. Rejects with the reason why nobody does. */
  introduce(id: NodeId, address: string): Promise<NodeIntroduction>;
  connected(peer: NodeId): boolean;
  close(): Promise<void>;
}
