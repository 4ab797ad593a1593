/** The pure core: see README.md in this folder. */
export type { Config, Random } from "./config.js";
export type { RaftEvent } from "./events.js";
export type { Input, Proposal } from "./input.js";
export type {
  AppendEntries,
  AppendEntriesAccepted,
  AppendEntriesRejected,
  Heartbeat,
  HeartbeatResponse,
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
export type {
  AcceptedProposal,
  FetchRequest,
  FollowerStatus,
  GrantedRead,
  Ready,
  RefusedProposal,
  Status,
  StoreRequest,
} from "./ready.js";
export {
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type LogId,
  type Member,
  type Membership,
  type NodeId,
  type Restored,
  type Role,
  type Term,
  type TermRun,
} from "./types.js";
