/** Raft for programs: the driver and the ports it needs. Adapters are in `/level`, `/tcp`, `/memory`. */

export type { Member, Membership, MembershipChange } from "./core/index.js";
export { ChangeFailed } from "./driver/changes.js";
export type { Held } from "./driver/execution-gate.js";
export { WrongIdentity } from "./driver/identity.js";
export { InvalidMemberList, memberListDigest } from "./driver/member-list.js";
export { createNodeClock } from "./driver/node-clock.js";
export { farewellMs } from "./driver/peers.js";
export { startRaftNode } from "./driver/raft-node.js";
export { type StrikeRefusal, StrikeRefused } from "./driver/strikes.js";
export { TransferFailed } from "./driver/transfers.js";
export type {
  NodeStatus,
  ProposalOutcome,
  RaftLog,
  RaftNode,
  RaftNodeOptions,
  ReadOutcome,
  SnapshotDone,
} from "./driver/types.js";
export {
  type ApplyOutcome,
  type BirthMessage,
  type Clock,
  type Effect,
  type ExecutionNote,
  type ExecutionNotes,
  type Identity,
  type IdentityStore,
  type IncomingSnapshot,
  type KeyRange,
  type KeyValue,
  type NodeIntroduction,
  type PeerMessage,
  RequestFailed,
  type RequestTopic,
  type RetiredLife,
  type SnapshotChunk,
  type SnapshotCursor,
  type StateMachine,
  type StateSnapshot,
  type StateView,
  type Storage,
  type StorageSnapshot,
  type Transport,
  type TransportHandlers,
  type WriteBatch,
} from "./ports/index.js";
