/** What happened inside the core. It never logs: `driver/events-to-log.ts` turns these into lines. */
import type { Index, NodeId, Role, Term } from "./types.js";

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
  | { readonly type: "membershipChanged"; readonly index: Index }
  | { readonly type: "transferStarted"; readonly to: NodeId }
  | { readonly type: "transferAborted"; readonly to: NodeId };
