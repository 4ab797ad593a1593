/** The pure core: see README.md in this folder. */
export { ForgottenEntriesError, RaftInvariantError } from "./assert.js";
export { type Config, InvalidConfigError, type Random, validateConfig } from "./config.js";
export type { RaftEvent } from "./events.js";
export type { Input, Proposal } from "./input.js";
export {
  birthRecord,
  birthRestored,
  decodeMembership,
  encodeMembership,
  InvalidMembershipError,
  isOnlyVoter,
  isVoter,
} from "./membership.js";
export { type MembershipChange, memberOf } from "./membership-change.js";
export type {
  AppendEntries,
  AppendEntriesAccepted,
  AppendEntriesRejected,
  Heartbeat,
  HeartbeatResponse,
  InstallSnapshot,
  Message,
  MessageType,
  PreVoteRequest,
  PreVoteResponse,
  ReadIndexRequest,
  ReadIndexResponse,
  RequestVote,
  RequestVoteResponse,
  TimeoutNow,
} from "./messages.js";
export { type PlantedBug, plantedBugs } from "./planted-bugs.js";
export { createRandom, randomInteger } from "./prng.js";
export { quorumValue, type VoteResult, voteResult } from "./quorum.js";
export { Raft } from "./raft.js";
export type {
  AcceptedProposal,
  ChangeOutcome,
  ChangeRefusal,
  FetchRequest,
  FollowerStatus,
  GrantedRead,
  Ready,
  RefusedProposal,
  SnapshotOffer,
  SnapshotPin,
  Standing,
  Status,
  StoreRequest,
} from "./ready.js";
export { type RecoveryRecord, recoveredAs, recoveryRecord, survivorIn } from "./recovery.js";
export type { TracedLogChange, TracedMembership, TraceRecord } from "./trace.js";
export {
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type Life,
  type LogId,
  type Member,
  type Membership,
  type NodeId,
  type PlacedMembership,
  type Restored,
  type Role,
  type SnapshotHead,
  type Term,
  type TermRun,
} from "./types.js";
export { decodeVoid, encodeVoid } from "./void.js";
