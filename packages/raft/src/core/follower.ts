/** Following: accept what the leader of the current term says, forget it when it is gone. */
import { broken, ForgottenEntriesError } from "./assert.js";
import { startCampaign } from "./candidate.js";
import { resign } from "./leader.js";
import type { AppendEntries, Heartbeat } from "./messages.js";
import type { Server } from "./server.js";
import type { NodeId, Term } from "./types.js";

/** The only way down: from any role, into the same term (the vote stays) or a higher one (the vote is free). */
export function becomeFollower(server: Server, term: Term, leader: NodeId | null, why: string): void {
  const led = server.role === "leader";
  if (led) resign(server);
  if (term > server.term) server.enterTerm(term, null);
  else if (server.bug("voteClearedOnStepDown")) server.vote = null;
  server.votes.clear();
  server.setRole("follower", why);
  server.setLeader(leader);
  if (led) server.timer.restart();
}

/** A message that only the leader of the current term sends arrived from `leader`. */
export function hearLeader(server: Server, leader: NodeId): void {
  if (server.role === "leader" || (server.leader !== null && server.leader !== leader)) {
    throw broken("two leaders in one term", {
      term: server.term,
      leader: server.role === "leader" ? server.id : server.leader,
      other: leader,
    });
  }
  if (server.role !== "follower" || server.leader === null) {
    becomeFollower(server, server.term, leader, `heard the leader ${leader}`);
  }
  server.timer.leaderHeard();
}

/** Paper, figure 2, "AppendEntries RPC", receiver implementation. */
export function receiveAppendEntries(server: Server, request: AppendEntries): void {
  if (!isWellFormed(request)) return;
  hearLeader(server, request.from);
  if (server.commitAtContact === 0) server.commitAtContact = request.commit;
  // The log is about to be replaced: as if it had been lost on the way.
  if (server.installing !== null) return;
  const { log } = server;
  const { prevIndex, entries } = request;
  // Before `compacted` everything is committed, hence known to match.
  if (prevIndex >= log.compacted.index && log.termAt(prevIndex) !== request.prevTerm) {
    rejectAppendEntries(server, request);
    return;
  }
  const lastNew = prevIndex + entries.length;
  if (server.bug("appendCommitUnchecked")) server.commitTo(Math.min(request.commit, log.lastIndex));
  const fresh = firstFresh(server, request);
  if (fresh < entries.length) {
    const first = prevIndex + 1 + fresh;
    if (first <= log.lastIndex) server.truncateFrom(first);
    for (let i = fresh; i < entries.length; i++) {
      const entry = entries[i];
      if (entry !== undefined) server.append(entry);
    }
  }
  server.commitTo(Math.min(request.commit, lastNew));
  if (request.silent) return;
  server.send({
    type: "appendEntriesAccepted",
    from: server.id,
    to: request.from,
    term: server.term,
    // A committed entry matches every leader's log (Leader Completeness): an old request that ends before
    // the commit index teaches the leader that much.
    match: Math.max(lastNew, server.commit),
  });
}

/** Position of the first entry that the log lacks or contradicts; `entries.length` when it holds them all. */
function firstFresh(server: Server, { prevIndex, entries }: AppendEntries): number {
  const { log } = server;
  if (server.bug("truncateOnDuplicate"))
    return Math.min(Math.max(server.commit - prevIndex, 0), entries.length);
  for (let i = Math.max(0, log.compacted.index - prevIndex); i < entries.length; i++) {
    const entry = entries[i];
    if (entry !== undefined && log.termAt(entry.index) !== entry.term) return i;
  }
  return entries.length;
}

function rejectAppendEntries(server: Server, request: AppendEntries): void {
  if (request.prevIndex <= server.commit) {
    throw broken("the leader's log contradicts a committed entry", {
      index: request.prevIndex,
      commit: server.commit,
      term: server.log.termAt(request.prevIndex),
      leaderTerm: request.prevTerm,
      leader: request.from,
    });
  }
  const hint = server.log.lastAtMost(request.prevIndex, request.prevTerm);
  server.send({
    type: "appendEntriesRejected",
    from: server.id,
    to: request.from,
    term: server.term,
    prevIndex: request.prevIndex,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

/** Peers' bytes are not trusted: a message that no correct leader sends is dropped. */
function isWellFormed({ prevIndex, prevTerm, entries, term }: AppendEntries): boolean {
  let index = prevIndex;
  let lastTerm = prevTerm;
  for (const entry of entries) {
    index += 1;
    if (entry.index !== index || entry.term < lastTerm || entry.term > term) return false;
    lastTerm = entry.term;
  }
  return true;
}

export function receiveHeartbeat(server: Server, request: Heartbeat): void {
  hearLeader(server, request.from);
  requireRemembered(server, request);
  server.commitTo(
    server.bug("heartbeatCommitUnchecked") ? Math.min(request.commit, server.log.lastIndex) : request.commit,
  );
  server.send({
    type: "heartbeatResponse",
    from: server.id,
    to: request.from,
    term: server.term,
    round: request.round,
    appliedDurable: server.applier.durable,
  });
}

/**
 * Within a term nobody takes back what its leader was told is durable here, so the log cannot be shorter than that.
 * Compared in the heartbeats, which come at once after a restart and whatever is lost or repeated on the way.
 */
function requireRemembered(server: Server, { match, from, term }: Heartbeat): void {
  const { lastIndex } = server.log;
  if (match <= lastIndex || server.bug("forgottenEntriesUnnoticed")) return;
  throw new ForgottenEntriesError(match, lastIndex, from, term);
}

/** Every role but the leader's: the election timer. */
export function tickElectionTimer(server: Server): void {
  server.timer.elapsed += 1;
  server.outbox.readsRefused.push(...server.forwardedReads.expire(server.now));
  // The only voter has nobody to wait for.
  if (!server.timer.expired && !server.isOnlyVoter) return;
  // Others may have voted already: a slow disk must not make this candidate throw their votes away.
  if (server.role === "candidate" && !server.durability.hardStateDurable) return;
  if (server.mayCampaign) startCampaign(server, "heard no leader in time");
  else {
    server.setLeader(null);
    server.timer.restart();
  }
}

/** The connection to the leader is closed and it does not answer: do not wait for the timeout. */
export function loseLeader(server: Server): void {
  server.setLeader(null);
  if (!server.mayCampaign) return;
  server.timer.leaderLost();
  if (server.timer.expired) startCampaign(server, "lost the connection to the leader");
}
