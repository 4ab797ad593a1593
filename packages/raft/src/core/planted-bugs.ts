/**
 * Faults that tests can switch on to prove that the simulator catches them. Each name says what goes
 * wrong; the code at the place asks `bug("name")`. Production never passes the switch.
 */
export const plantedBugs = [
  "doubleVote",
  "voteBeforeStored",
  "commitOldTerm",
  "matchFromReject",
  "truncateOnDuplicate",
  "ackBeforeStored",
  "readBeforeNoOp",
  "readWithoutRound",
  "staleRoundConfirms",
  "leadBeforeVoteStored",
  "heartbeatCommitUnchecked",
  "voteForOlderLog",
] as const;

export type PlantedBug = (typeof plantedBugs)[number];
