export type { Clock } from "./clock.js";
export type { ExecutionNote, ExecutionNotes } from "./execution-notes.js";
export type { ApplyOutcome, StateMachine, StateSnapshot, StateView } from "./state-machine.js";
export type {
  Effect,
  Identity,
  IdentityStore,
  IncomingSnapshot,
  KeyRange,
  KeyValue,
  RetiredLife,
  SnapshotChunk,
  SnapshotCursor,
  Storage,
  StorageSnapshot,
  WriteBatch,
} from "./storage.js";
export {
  type BirthMessage,
  type NodeIntroduction,
  type PeerAddress,
  type PeerMessage,
  RequestFailed,
  type RequestTopic,
  type Transport,
  type TransportHandlers,
} from "./transport.js";
