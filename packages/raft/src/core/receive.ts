/** What a message means before anybody looks at its content: who sent it, and in which term. */
import { becomeCandidate, receivePreVoteResponse, receiveVoteResponse } from "./candidate.js";
import { becomeFollower, receiveAppendEntries, receiveHeartbeat } from "./follower.js";
import { receiveHeartbeatResponse, receiveReadIndexRequest } from "./leader.js";
import type { Message, ReadIndexResponse } from "./messages.js";
import { receiveAccepted, receiveRejected } from "./replication.js";
import type { Server } from "./server.js";
import { receiveInstallSnapshot } from "./snapshots.js";
import type { NodeId } from "./types.js";
import { answerPreVote, answerVote, hearsLeader } from "./votes.js";

/** The term rule comes first, once, for all roles (paper, figure 2, "Rules for Servers"). */
export function receive(server: Server, message: Message, incarnation?: string): void {
  if (message.to !== server.id || message.from === server.id) return;
  if (isAnswer(message) && !wasAsked(server, message.from, incarnation)) return;
  if (message.type === "preVoteRequest") {
    answerPreVote(server, message);
    return;
  }
  if (message.term > server.term) {
    if (message.type === "requestVote" && !message.transfer && hearsLeader(server, message.from)) {
      server.event({
        type: "voteRefused",
        to: message.from,
        term: message.term,
        preVote: false,
        why: `hears its leader ${server.leader}`,
      });
      return;
    }
    // A granted pre-vote carries the voter's own term, which may be the one that is campaigned for.
    if (message.type !== "preVoteResponse" || !message.granted) {
      becomeFollower(server, message.term, null, `${message.from} is in term ${message.term}`);
    }
  } else if (message.term < server.term && message.type !== "preVoteResponse") {
    if (message.type !== "appendEntries" || !server.bug("staleLeaderAccepted")) {
      answerStale(server, message);
      return;
    }
  }
  dispatch(server, message);
}

/**
 * Requests are judged by what they say, whoever sends them: a server that is behind follows a leader, and votes
 * for a candidate, that joined while it was away (paper, section 6). An answer counts for a member, so it must
 * come from that member's own disk.
 */
function isAnswer({ type }: Message): boolean {
  return (
    type === "preVoteResponse" ||
    type === "requestVoteResponse" ||
    type === "appendEntriesAccepted" ||
    type === "appendEntriesRejected" ||
    type === "heartbeatResponse"
  );
}

/** By this server, under the membership in force. Who was just removed is still told about it. */
function wasAsked(server: Server, from: NodeId, incarnation: string | undefined): boolean {
  const known = server.membership.incarnationOf(from);
  if (known === undefined) return server.leadership?.progress.has(from) === true;
  return incarnation === undefined || incarnation === known || server.bug("replacedMatchKept");
}

function dispatch(server: Server, message: Message): void {
  const leads = server.role === "leader";
  switch (message.type) {
    case "preVoteRequest":
      answerPreVote(server, message);
      return;
    case "preVoteResponse":
      receivePreVoteResponse(server, message);
      return;
    case "requestVote":
      answerVote(server, message);
      return;
    case "requestVoteResponse":
      receiveVoteResponse(server, message);
      return;
    case "appendEntries":
      receiveAppendEntries(server, message);
      return;
    case "appendEntriesAccepted":
      if (leads) receiveAccepted(server, message);
      return;
    case "appendEntriesRejected":
      if (leads) receiveRejected(server, message);
      return;
    case "heartbeat":
      receiveHeartbeat(server, message);
      return;
    case "heartbeatResponse":
      if (leads) receiveHeartbeatResponse(server, message);
      return;
    case "installSnapshot":
      receiveInstallSnapshot(server, message);
      return;
    case "timeoutNow":
      if (!leads && server.isVoter) becomeCandidate(server, true, "the leader hands over");
      return;
    case "readIndexRequest":
      receiveReadIndexRequest(server, message);
      return;
    case "readIndexResponse":
      receiveReadIndexResponse(server, message);
      return;
  }
}

/** From a term that is over. Whoever still acts in it must learn so, or it might stay stuck there. */
function answerStale(server: Server, message: Message): void {
  const { id, term } = server;
  const to = message.from;
  switch (message.type) {
    case "appendEntries":
    case "installSnapshot":
    case "heartbeat": {
      const appliedDurable = server.applier.durable;
      server.send({ type: "heartbeatResponse", from: id, to, term, round: 0, appliedDurable });
      return;
    }
    case "requestVote":
      server.event({
        type: "voteRefused",
        to,
        term: message.term,
        preVote: false,
        why: `is in term ${term} already`,
      });
      server.send({ type: "requestVoteResponse", from: id, to, term, granted: false });
      return;
    case "readIndexRequest":
      receiveReadIndexRequest(server, message);
      return;
  }
}

function receiveReadIndexResponse(server: Server, response: ReadIndexResponse): void {
  if (response.from !== server.leader) return;
  const context = server.forwardedReads.settle(response.context);
  if (context === undefined) return;
  const { index } = response;
  if (index === null) server.outbox.readsRefused.push(context);
  else server.outbox.reads.push({ context, index });
}
