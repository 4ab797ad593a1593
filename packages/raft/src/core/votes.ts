/** Answering candidates: the same for every role. */
import { becomeFollower } from "./follower.js";
import type { PreVoteRequest, RequestVote } from "./messages.js";
import type { Server } from "./server.js";
import type { NodeId } from "./types.js";

/**
 * A server that hears its leader helps nobody to replace it ("stickiness": paper, end of section 6), except
 * that very leader: when it asks, it does not lead any more.
 */
export function hearsLeader(server: Server, asker: NodeId): boolean {
  if (server.role === "leader") return true;
  return (
    server.leader !== null && server.leader !== asker && server.timer.elapsed < server.config.electionTicks
  );
}

/** Changes nothing here, whatever the answer (thesis, section 9.6). */
export function answerPreVote(server: Server, request: PreVoteRequest): void {
  const why = preVoteRefusal(server, request);
  answered(server, request.from, request.term, true, why);
  server.send({
    type: "preVoteResponse",
    from: server.id,
    to: request.from,
    term: server.term,
    campaignTerm: request.term,
    granted: why === null,
  });
}

function preVoteRefusal(server: Server, request: PreVoteRequest): string | null {
  if (hearsLeader(server, request.from)) return `hears its leader ${server.leader}`;
  if (request.term < server.term) return `is in term ${server.term} already`;
  if (request.term === server.term) {
    const taken = voteTaken(server, request.from);
    if (taken !== null) return taken;
  }
  return logRefusal(server, request);
}

/** The request's term is the current one: the term rule has run. */
export function answerVote(server: Server, request: RequestVote): void {
  const taken = server.bug("doubleVote") ? null : voteTaken(server, request.from);
  const why = taken ?? logRefusal(server, request);
  if (why === null) {
    server.voteFor(request.from);
    if (server.role === "preCandidate") becomeFollower(server, server.term, null, "granted a vote");
    server.timer.restart();
  }
  answered(server, request.from, request.term, false, why);
  server.send({
    type: "requestVoteResponse",
    from: server.id,
    to: request.from,
    term: server.term,
    granted: why === null,
  });
}

function voteTaken(server: Server, asker: NodeId): string | null {
  if (server.vote !== null && server.vote !== asker) return `voted for ${server.vote} in this term`;
  if (server.vote === null && server.leader !== null) return `knows ${server.leader} to lead this term`;
  return null;
}

/** Paper, section 5.4.1: never vote for a log that may lack committed entries. */
function logRefusal(server: Server, request: PreVoteRequest | RequestVote): string | null {
  if (server.log.isUpToDate(request.lastIndex, request.lastTerm) || server.bug("voteForOlderLog"))
    return null;
  const { lastIndex, lastTerm } = server.log;
  return `its log ends at (${lastIndex}, term ${lastTerm}), the candidate's at (${request.lastIndex}, term ${request.lastTerm})`;
}

function answered(server: Server, to: NodeId, term: number, preVote: boolean, why: string | null): void {
  if (why === null) server.event({ type: "voteGranted", to, term, preVote });
  else server.event({ type: "voteRefused", to, term, preVote, why });
}
