/** What happened inside the core. It never logs: `driver/events-to-log.ts` turns these into lines. */
import type { Index, Membership, NodeId, Role, Term } from "./types.js";

export type RaftEvent =
  | { readonly type: "roleChanged"; readonly role: Role; readonly term: Term; readonly why: string }
  | { readonly type: "leaderChanged"; readonly leader: NodeId | null; readonly term: Term }
  | { readonly type: "termChanged"; readonly term: Term }
  | { readonly type: "voteGranted"; readonly to: NodeId; readonly term: Term; readonly preVote: boolean }
  | {
      readonly type: "voteRefused";
      readonly to: NodeId;
      readonly term: Term;
      readonly preVote: boolean;
      readonly why: string;
    }
  | { readonly type: "committed"; readonly index: Index }
  | { readonly type: "truncated"; readonly from: Index; readonly to: Index }
  /** Another membership is in force: that of the log's entry `index`, committed or not. */
  | { readonly type: "membershipChanged"; readonly index: Index; readonly membership: Membership }
  /** This server led, and the membership without it is committed. */
  | { readonly type: "removed"; readonly index: Index }
  | { readonly type: "snapshotNeeded"; readonly to: NodeId; readonly next: Index; readonly first: Index }
  | { readonly type: "snapshotOffered"; readonly to: NodeId; readonly index: Index }
  | { readonly type: "snapshotEnded"; readonly to: NodeId }
  | { readonly type: "snapshotInstalled"; readonly index: Index; readonly term: Term }
  | { readonly type: "compacted"; readonly index: Index }
  | { readonly type: "transferStarted"; readonly to: NodeId }
  | { readonly type: "transferAborted"; readonly to: NodeId };
