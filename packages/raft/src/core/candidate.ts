/** Campaigning: first a pre-vote that changes nothing, then the vote proper in a new term. */
import { becomeFollower } from "./follower.js";
import { becomeLeader } from "./leader.js";
import type { PreVoteResponse, RequestVoteResponse } from "./messages.js";
import type { Server } from "./server.js";

/** Ask whether a majority would vote for this server (thesis, section 9.6). Only voters campaign. */
export function startCampaign(server: Server, why: string): void {
  server.setRole("preCandidate", why);
  server.setLeader(null);
  server.timer.campaignStarted();
  server.votes.clear();
  server.votes.set(server.id, true);
  const { lastIndex, lastTerm } = server.log;
  for (const to of otherVoters(server)) {
    server.send({ type: "preVoteRequest", from: server.id, to, term: server.term + 1, lastIndex, lastTerm });
  }
  decidePreVote(server);
}

export function receivePreVoteResponse(server: Server, response: PreVoteResponse): void {
  if (server.role !== "preCandidate" || response.campaignTerm !== server.term + 1) return;
  server.votes.set(response.from, response.granted);
  decidePreVote(server);
}

function decidePreVote(server: Server): void {
  const result = server.voteResult(server.votes);
  if (result === "won") becomeCandidate(server, false, "won the pre-vote");
  // The timer that started with the campaign runs on: the next attempt comes by itself.
  else if (result === "lost") becomeFollower(server, server.term, null, "lost the pre-vote");
}

/** `transfer`: the leader asked for this election, so voters need not protect it. */
export function becomeCandidate(server: Server, transfer: boolean, why: string): void {
  server.enterTerm(server.term + 1, server.id);
  server.setRole("candidate", why);
  server.setLeader(null);
  server.timer.votingStarted();
  server.votes.clear();
  const { term, id } = server;
  const { lastIndex, lastTerm } = server.log;
  for (const to of otherVoters(server)) {
    server.send({ type: "requestVote", from: id, to, term, lastIndex, lastTerm, transfer });
  }
  decideVote(server);
}

export function receiveVoteResponse(server: Server, response: RequestVoteResponse): void {
  if (server.role !== "candidate") return;
  server.votes.set(response.from, response.granted);
  decideVote(server);
}

/** Called on every answer, and when the own vote has become durable: only then it counts. */
export function decideVote(server: Server): void {
  const ownVoteDurable = server.durability.hardStateDurable || server.bug("leadBeforeVoteStored");
  if (ownVoteDurable) server.votes.set(server.id, true);
  const result = server.voteResult(server.votes);
  // Nobody leads before its own term and vote are durable, whatever the others say.
  if (result === "won" && ownVoteDurable) becomeLeader(server);
  else if (result === "lost") becomeFollower(server, server.term, null, "lost the election");
}

function otherVoters(server: Server): string[] {
  const { voters, votersOutgoing } = server.members;
  const all = votersOutgoing.length === 0 ? voters : [...new Set([...voters, ...votersOutgoing])];
  return all.filter((id) => id !== server.id);
}
