/**
 * What servers say to each other. Names are the paper's; `term` is always the sender's current term,
 * except in a pre-vote request, where it is the term that the sender would campaign in.
 */
import type { Entry, Index, NodeId, Term } from "./types.js";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

/** "Would you vote for me in `term`?" Asking and answering change no state (Ongaro's thesis, section 9.6). */
export interface PreVoteRequest extends Envelope {
  readonly type: "preVoteRequest";
  readonly lastIndex: Index;
  readonly lastTerm: Term;
}

export interface PreVoteResponse extends Envelope {
  readonly type: "preVoteResponse";
  /** The term of the request that is answered, so that a late answer to an older round is recognised. */
  readonly campaignTerm: Term;
  readonly granted: boolean;
}

export interface RequestVote extends Envelope {
  readonly type: "requestVote";
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** True when the leader itself asked for this election: stickiness does not apply. */
  readonly transfer: boolean;
}

export interface RequestVoteResponse extends Envelope {
  readonly type: "requestVoteResponse";
  readonly granted: boolean;
}

export interface AppendEntries extends Envelope {
  readonly type: "appendEntries";
  readonly prevIndex: Index;
  readonly prevTerm: Term;
  readonly entries: readonly Entry[];
  /** The leader's commit index; the receiver commits at most up to the last entry it now knows to match. */
  readonly commit: Index;
  /** Only tells how far the log is committed, and needs an answer only where the logs do not match. */
  readonly silent?: true;
}

export interface AppendEntriesAccepted extends Envelope {
  readonly type: "appendEntriesAccepted";
  /** Last index of that very AppendEntries, now durable here. */
  readonly match: Index;
}

export interface AppendEntriesRejected extends Envelope {
  readonly type: "appendEntriesRejected";
  /** The `prevIndex` that did not match. */
  readonly prevIndex: Index;
  /** Largest (index, term) of the receiver's log that may still match, found by skipping whole terms. */
  readonly hintIndex: Index;
  readonly hintTerm: Term;
}

export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  /** min(leader's commit, receiver's match): safe to adopt without looking at the log. */
  readonly commit: Index;
  /** Number of the newest read round; rounds only grow within a term. */
  readonly round: number;
  /** What the leader remembers of the receiver: its log was acknowledged as durable up to there, in this term. */
  readonly match: Index;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: "heartbeatResponse";
  /** Echo of the heartbeat's round: confirms every round up to it. */
  readonly round: number;
  /** Up to here the sender's log entries are applied and the effects durable. */
  readonly appliedDurable: Index;
}

/**
 * The entries that the receiver needs are gone; a snapshot of the state after that entry is ready to be fetched
 * instead (paper, section 7; the data travel beside the messages, asked for by the receiver).
 */
export interface InstallSnapshot extends Envelope {
  readonly type: "installSnapshot";
  readonly lastIncludedIndex: Index;
  readonly lastIncludedTerm: Term;
}

/** Leadership transfer: campaign now, without a pre-vote (thesis, section 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

/** A follower asks the leader for a read index on behalf of its own clients. */
export interface ReadIndexRequest extends Envelope {
  readonly type: "readIndexRequest";
  /** The follower's number for the question; not used again by a later life of the same server. */
  readonly context: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly type: "readIndexResponse";
  /** Echo of the question's number. */
  readonly context: number;
  /** Null when this leader cannot answer (it no longer leads, or cannot reach a majority). */
  readonly index: Index | null;
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | RequestVote
  | RequestVoteResponse
  | AppendEntries
  | AppendEntriesAccepted
  | AppendEntriesRejected
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse;

export type MessageType = Message["type"];
