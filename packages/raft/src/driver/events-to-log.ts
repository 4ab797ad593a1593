/** The one place where what happened inside the core becomes lines in a log. */
import type { Membership, RaftEvent } from "../core/index.js";
import type { RaftLog } from "./types.js";

type Line<Type extends RaftEvent["type"]> = (event: Extract<RaftEvent, { type: Type }>) => {
  readonly level: keyof RaftLog;
  readonly message: string;
};

const lines: { readonly [Type in RaftEvent["type"]]: Line<Type> } = {
  roleChanged: ({ role, term, why }) => ({
    level: "info",
    message: `became ${role} in term ${term}: ${why}`,
  }),
  leaderChanged: ({ leader, term }) =>
    leader === null
      ? { level: "warn", message: `no leader known in term ${term}` }
      : { level: "info", message: `${leader} leads in term ${term}` },
  termChanged: ({ term }) => ({ level: "debug", message: `term is ${term}` }),
  voteGranted: ({ to, term, preVote }) => ({
    level: "debug",
    message: `${preVote ? "pre-vote" : "vote"} for ${to} in term ${term}`,
  }),
  voteRefused: ({ to, term, preVote, why }) => ({
    level: "debug",
    message: `no ${preVote ? "pre-vote" : "vote"} for ${to} in term ${term}: ${why}`,
  }),
  committed: ({ index }) => ({ level: "debug", message: `committed up to ${index}` }),
  truncated: ({ from, to }) => ({
    level: "info",
    message: `entries ${from} to ${to} were never committed and give way to the leader's`,
  }),
  membershipChanged: ({ index, membership }) => ({
    level: "info",
    message: `entry ${index} says who takes part: ${describeMembership(membership)}`,
  }),
  removed: () => ({
    level: "warn",
    message: "this node was removed from the cluster: it hands over and leaves",
  }),
  snapshotNeeded: ({ to, next, first }) => ({
    level: "info",
    message: `${to} needs entry ${next}, this log starts at ${first}: it will be sent a snapshot`,
  }),
  snapshotOffered: ({ to, index }) => ({
    level: "info",
    message: `a snapshot up to entry ${index} is ready for ${to}`,
  }),
  snapshotEnded: ({ to }) => ({
    level: "warn",
    message: `${to} stopped fetching its snapshot; it gets another when it answers`,
  }),
  snapshotInstalled: ({ index, term }) => ({
    level: "info",
    message: `a snapshot up to entry ${index} of term ${term} took the place of log and state`,
  }),
  compacted: ({ index }) => ({ level: "debug", message: `the log was cut up to entry ${index}` }),
  transferStarted: ({ to }) => ({ level: "info", message: `handing leadership to ${to}` }),
  transferAborted: ({ to }) => ({ level: "warn", message: `leadership was not handed to ${to}` }),
};

function describeMembership({ voters, votersOutgoing, learners }: Membership): string {
  const parts = [`voters ${voters.join(", ")}`];
  if (votersOutgoing.length > 0) parts.push(`joint with the former voters ${votersOutgoing.join(", ")}`);
  if (learners.length > 0) parts.push(`learners ${learners.join(", ")}`);
  return parts.join("; ");
}

export function logEvent(log: RaftLog, event: RaftEvent): void {
  const { level, message } = lineOf(event);
  log[level](event, message);
}

function lineOf<Type extends RaftEvent["type"]>(event: Extract<RaftEvent, { type: Type }>) {
  const line: Line<Type> = lines[event.type as Type];
  return line(event);
}
