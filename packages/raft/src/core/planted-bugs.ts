/**
 * Faults that tests can switch on to prove that the simulator catches them. Each name says what goes
 * wrong; the code at the place asks `bug("name")`. Production never passes the switch.
 */
import type { Membership, NodeId, Role } from "./types.js";

export const plantedBugs = [
  /** Votes for anybody who asks, also twice in one term. */
  "doubleVote",
  /** The vote leaves before it is on disk. */
  "voteBeforeStored",
  /** Entries of earlier terms commit by counting (paper, figure 8). */
  "commitOldTerm",
  /** A leader believes the hint of a rejection to be a match. */
  "matchFromReject",
  /** A repeated AppendEntries cuts off the uncommitted entries after it. */
  "truncateOnDuplicate",
  /** A follower acknowledges entries before they are on disk. */
  "ackBeforeStored",
  /** A new leader answers reads before it knows what is committed. */
  "readBeforeNoOp",
  /** A leader answers reads without asking whether it still leads. */
  "readWithoutRound",
  /** Any heartbeat response confirms the newest read round. */
  "staleRoundConfirms",
  /** A candidate leads before its own vote is on disk. */
  "leadBeforeVoteStored",
  /** Heartbeats carry the leader's commit index without regard to what the follower matches. */
  "heartbeatCommitUnchecked",
  /** Votes for candidates whose log is behind. */
  "voteForOlderLog",
  /** A follower commits up to its own last entry, before it knows that this entry matches. */
  "appendCommitUnchecked",
  /** A finished write counts for entries that were replaced while it ran. */
  "staleStorageAck",
  /** Stepping down within a term forgets the vote. */
  "voteClearedOnStepDown",
  /** AppendEntries of a past term are accepted. */
  "staleLeaderAccepted",
  /** Majorities are one vote too small. */
  "quorumOneShort",
  /** The leader counts its own entries before they are on its disk. */
  "leaderCountsUnstored",
  /** The log is compacted up to what is committed, whether its effects are on disk or not. */
  "compactPastDurable",
  /** A snapshot that is older than what the follower has committed is installed all the same. */
  "installOlderSnapshot",
  /** A snapshot is acknowledged when it was fetched, before it is switched to on disk. */
  "installAckedEarly",
  /** The leader does not notice that the follower holds the snapshot, and offers it again and again. */
  "snapshotResentForever",
  /** A transfer that broke off is never begun again. */
  "snapshotNeverRetried",
  /** A leader changes the membership before it knows what is committed (Ongaro, raft-dev, 2015-07-10). */
  "changeBeforeNoOp",
  /** A second membership change begins while the first one is not committed. */
  "changeWhileUncommitted",
  /** A membership stays in force although its entry was cut off. */
  "membershipKeptAfterTruncation",
  /** A joint configuration is left before it is committed. */
  "jointLeftEarly",
  /** Inside a joint configuration only the new voters are asked. */
  "jointOldVotersIgnored",
  /** A leader that is no voter any more still counts itself. */
  "removedLeaderCounted",
  /** Learners count as voters. */
  "learnerCounted",
  /** What the old incarnation of a replaced member had confirmed counts for the new one. */
  "replacedMatchKept",
  /** A new disk takes the votes of the former one under its id for its own while it catches up. */
  "formerDiskIsOwn",
  /** A member that is replaced becomes a voter at once, with an empty disk. */
  "replacedAtOnce",
  /** A follower does not compare its log with what the leader remembers of it. */
  "forgottenEntriesUnnoticed",
  // The caller's faults, which the simulated caller asks for.
  /** Effects reach the disk without the applied index that they belong to. */
  "effectsWithoutApplied",
  /** A snapshot is labelled with what is applied in memory, while its data are what is on disk. */
  "snapshotLabelFromMemory",
  /** Effects that wait for the disk while a snapshot is installed are written into the new state. */
  "overlayLeaksIntoSnapshot",
  /** A crash may hit between the switch of the log and that of the state. */
  "installNotAtomic",
  /** What was received of one snapshot is continued with another. */
  "snapshotsMixed",
  /** An entry is struck out as soon as the log says so, committed or not. */
  "struckWhileUncommitted",
  /** A restarted server does not know which entries its log strikes out. */
  "strikesForgotten",
] as const;

export type PlantedBug = (typeof plantedBugs)[number];

interface Counting {
  readonly id: NodeId;
  readonly role: Role;
  bug(name: PlantedBug): boolean;
}

/** The membership as a server with planted bugs counts it. */
export function miscounted(members: Membership, server: Counting): Membership {
  const { id, role } = server;
  let { voters, votersOutgoing } = members;
  if (server.bug("learnerCounted")) voters = [...voters, ...members.learners];
  if (server.bug("removedLeaderCounted") && role === "leader" && !voters.includes(id)) {
    voters = [...voters, id];
  }
  if (server.bug("jointOldVotersIgnored")) votersOutgoing = [];
  return { ...members, voters, votersOutgoing };
}
