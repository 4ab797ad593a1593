/** Leading: take proposals, count who has them, keep the others from campaigning. */
import { broken } from "./assert.js";
import { becomeFollower } from "./follower.js";
import type { Proposal } from "./input.js";
import { Leadership } from "./leadership.js";
import { entryBytes } from "./log.js";
import { isVoter } from "./membership.js";
import type { HeartbeatResponse, ReadIndexRequest } from "./messages.js";
import { Progress } from "./progress.js";
import type { IndexedRead, PendingRead } from "./reads.js";
import { advanceChange, tickChange, tickDeparture } from "./reconfiguration.js";
import { flushReplication } from "./replication.js";
import type { Server } from "./server.js";
import { dropSnapshots, maybeLeaveSnapshot, repeatOffer } from "./snapshots.js";
import { type Entry, EntryType, type NodeId } from "./types.js";

const noData = new Uint8Array(0);

export function leadershipOf(server: Server): Leadership {
  if (server.leadership === null) {
    throw broken("only a leader can do this", { id: server.id, role: server.role });
  }
  return server.leadership;
}

/** Term and vote are durable. The first own entry is a no-op: entries of earlier terms commit with it. */
export function becomeLeader(server: Server): void {
  const { log, term } = server;
  // It won with the log that it has: what it was fetching is in there.
  server.installing = null;
  const noOpIndex = log.lastIndex + 1;
  const leadership = new Leadership(noOpIndex);
  for (const id of server.membership.ids) {
    if (id === server.id) continue;
    leadership.progress.set(id, new Progress(noOpIndex, server.now, server.config.heartbeatTicks));
  }
  server.leadership = leadership;
  server.votes.clear();
  server.timer.leaderHeard();
  server.setRole("leader", "won the election");
  server.setLeader(server.id);
  appendOwn(server, { index: noOpIndex, term, type: EntryType.noOp, data: noData });
  if (server.bug("leaderCountsUnstored")) maybeCommit(server);
}

/** The way out of leading, called by `becomeFollower` only. */
export function resign(server: Server): void {
  const { reads, change } = leadershipOf(server);
  for (const read of reads.drain()) refuseRead(server, read);
  if (change !== null) server.outbox.changes.push({ context: change.context, kind: "unknown" });
  dropSnapshots(server);
  server.leadership = null;
}

export function propose(server: Server, proposals: readonly Proposal[]): void {
  const leadership = leadershipOf(server);
  for (const { context, data, type = EntryType.application } of proposals) {
    const entry: Entry = {
      index: server.log.lastIndex + 1,
      term: server.term,
      type,
      data,
    };
    const { uncommitted } = leadership;
    if (leadership.transfer !== null) {
      server.outbox.refused.push({ context, reason: "transferring" });
    } else if (
      uncommitted.count > 0 &&
      uncommitted.bytes + entryBytes(entry) > server.config.maxUncommittedBytes
    ) {
      server.outbox.refused.push({ context, reason: "overloaded" });
    } else {
      appendOwn(server, entry);
      server.outbox.accepted.push({ context, index: entry.index, term: entry.term });
    }
  }
  if (server.bug("leaderCountsUnstored")) maybeCommit(server);
}

export function appendOwn(server: Server, entry: Entry): void {
  const leadership = leadershipOf(server);
  server.append(entry);
  leadership.uncommitted.push(entry.index, entryBytes(entry));
  leadership.replicationDue = true;
}

/** Paper, section 5.4.2: counting commits only entries of the own term, and with them all before. */
export function maybeCommit(server: Server): void {
  const leadership = leadershipOf(server);
  const { log } = server;
  const own = server.bug("leaderCountsUnstored") ? log.lastIndex : log.durable;
  const index = server.quorumValue((id) =>
    id === server.id ? own : (leadership.progress.get(id)?.match ?? 0),
  );
  if (index <= server.commit) return;
  if (log.termAt(index) !== server.term && !server.bug("commitOldTerm")) return;
  const knew = server.commit >= leadership.noOpIndex;
  server.commitTo(index);
  leadership.uncommitted.releaseTo(index);
  if (!knew && index >= leadership.noOpIndex) leadership.reads.releaseEarly(index);
  leadership.replicationDue = true;
  advanceChange(server);
}

export function tickLeader(server: Server): void {
  const leadership = leadershipOf(server);
  const { heartbeatTicks, electionTicks } = server.config;
  const { transfer } = leadership;
  if (transfer !== null && server.now >= transfer.deadline) {
    leadership.transfer = null;
    server.event({ type: "transferAborted", to: transfer.to });
  }
  if (!tickDeparture(server)) return;
  // CheckQuorum: a leader that hears no majority must not keep clients waiting, nor others from campaigning.
  const heard = server.quorumValue((id) => {
    if (id === server.id) return 1;
    const heardAt = leadership.progress.get(id)?.heardAt;
    return heardAt !== undefined && server.now - heardAt < electionTicks ? 1 : 0;
  });
  if (heard === 0) {
    becomeFollower(server, server.term, null, "heard no majority for an election timeout");
    return;
  }
  tickChange(server);
  leadership.heartbeatElapsed += 1;
  if (leadership.heartbeatElapsed >= heartbeatTicks) broadcastHeartbeat(server);
}

export function broadcastHeartbeat(server: Server): void {
  const leadership = leadershipOf(server);
  leadership.heartbeatElapsed = 0;
  for (const [to, progress] of leadership.progress) {
    const commit = server.bug("heartbeatCommitUnchecked")
      ? server.commit
      : Math.min(progress.match, server.commit);
    progress.commitTold = Math.max(progress.commitTold, commit);
    server.send({
      type: "heartbeat",
      from: server.id,
      to,
      term: server.term,
      commit,
      round: leadership.reads.round,
      match: progress.match,
    });
  }
}

export function receiveHeartbeatResponse(server: Server, response: HeartbeatResponse): void {
  const leadership = leadershipOf(server);
  const progress = leadership.progress.get(response.from);
  if (progress === undefined) return;
  progress.heard(server.now);
  // No more than there is: a peer that has applied what this leader lacks is not believed.
  const appliedDurable = Math.min(response.appliedDurable, server.log.lastIndex);
  progress.appliedDurable = Math.max(progress.appliedDurable, appliedDurable);
  const round = server.bug("staleRoundConfirms") ? leadership.reads.round : response.round;
  if (round <= leadership.reads.round && round > progress.round) {
    progress.round = round;
    confirmReads(server);
  }
  maybeLeaveSnapshot(server, response.from, progress);
  if (progress.state === "snapshot") {
    repeatOffer(server, response.from, progress, server.config.electionTicks);
  } else if (isOverdue(progress, server.now)) {
    // A lost AppendEntries heals here: the follower answers heartbeats, yet nothing moves.
    restartProbing(server, response.from);
    progress.patience = Math.min(2 * progress.patience, server.config.electionTicks);
  }
}

function isOverdue(
  { state, probeSent, sentAt, movedAt, match, next, patience }: Progress,
  now: number,
): boolean {
  if (state === "probe") return probeSent && now - sentAt >= patience;
  return next > match + 1 && now - movedAt >= 2 * patience;
}

/** What was sent to `peer` may be lost: go back to what it has confirmed. */
export function restartProbing(server: Server, peer: NodeId): void {
  const leadership = leadershipOf(server);
  const progress = leadership.progress.get(peer);
  if (progress === undefined) return;
  if (progress.state === "snapshot") {
    repeatOffer(server, peer, progress, 0);
    return;
  }
  // A probe goes on where it was.
  progress.becomeProbe(progress.state === "probe" ? progress.next : progress.match + 1);
  leadership.replicationDue = true;
}

export function readIndex(server: Server, read: PendingRead): void {
  const leadership = leadershipOf(server);
  const knowsCommit = server.commit >= leadership.noOpIndex || server.bug("readBeforeNoOp");
  if (server.bug("readWithoutRound") && knowsCommit) {
    grantRead(server, { ...read, index: server.commit });
  } else {
    leadership.reads.add(read, knowsCommit ? server.commit : null);
  }
}

export function receiveReadIndexRequest(server: Server, request: ReadIndexRequest): void {
  const read = { context: request.context, from: request.from };
  if (server.role === "leader") readIndex(server, read);
  else refuseRead(server, read);
}

export function confirmReads(server: Server): void {
  const { reads, progress } = leadershipOf(server);
  if (!reads.inFlight) return;
  const confirmed = server.quorumValue((id) =>
    id === server.id ? reads.round : (progress.get(id)?.round ?? 0),
  );
  for (const read of reads.confirmed(confirmed)) grantRead(server, read);
}

function grantRead(server: Server, { context, from, index }: IndexedRead): void {
  if (from === null) server.outbox.reads.push({ context, index });
  else {
    const { id, term } = server;
    server.send({ type: "readIndexResponse", from: id, to: from, term, context, index });
  }
}

function refuseRead(server: Server, { context, from }: PendingRead): void {
  if (from === null) server.outbox.readsRefused.push(context);
  else {
    const { id, term } = server;
    server.send({ type: "readIndexResponse", from: id, to: from, term, context, index: null });
  }
}

/** Once per `ready()`: reads of this turn share a round, entries of this turn share an AppendEntries. */
export function flushLeader(server: Server): void {
  const leadership = leadershipOf(server);
  // A single voter confirms its round at once, and the next may be due.
  while (leadership.reads.roundDue) {
    leadership.reads.start();
    broadcastHeartbeat(server);
    confirmReads(server);
  }
  if (leadership.replicationDue) flushReplication(server);
}

/** Hand leadership to `to`: it catches up first, then it is told to campaign (thesis, section 3.10). */
export function startTransfer(server: Server, to: NodeId): void {
  const leadership = leadershipOf(server);
  if (to === server.id || !isVoter(server.members, to) || leadership.transfer?.to === to) return;
  if (leadership.transfer !== null) server.event({ type: "transferAborted", to: leadership.transfer.to });
  leadership.transfer = { to, deadline: server.now + server.config.electionTicks, timeoutNowSent: false };
  server.event({ type: "transferStarted", to });
  maybeSendTimeoutNow(server);
}

/** The target's disk holds the whole log, so it can win. */
export function maybeSendTimeoutNow(server: Server): void {
  const { transfer, progress } = leadershipOf(server);
  if (transfer === null || transfer.timeoutNowSent) return;
  if (progress.get(transfer.to)?.match !== server.log.lastIndex) return;
  transfer.timeoutNowSent = true;
  server.send({ type: "timeoutNow", from: server.id, to: transfer.to, term: server.term });
}
