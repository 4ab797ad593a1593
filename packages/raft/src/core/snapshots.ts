/**
 * Snapshots (paper, section 7): the leader finds out who needs one and offers it; a follower has it fetched and
 * installs it with one write. The data themselves never pass through here.
 *
 *     leader    probe ─ next is compacted ─▶ snapshot: pin ▸ snapshotTaken ▸ InstallSnapshot …
 *     follower  InstallSnapshot ▸ fetchSnapshot ▸ snapshotFetched ▸ store.install ▸ AppendEntriesAccepted
 *     leader    match reaches the log again ─▶ unpin, replicate
 *
 * Every step may get lost: the offer is repeated, an end without success begins anew, and an answer to any
 * heartbeat that shows that the follower is further than that ends it.
 */
import { broken } from "./assert.js";
import { hearLeader } from "./follower.js";
import { leadershipOf } from "./leader.js";
import type { InstallSnapshot } from "./messages.js";
import type { Progress } from "./progress.js";
import type { Server } from "./server.js";
import type { LogId, NodeId, SnapshotHead } from "./types.js";

/** The entries that `to` needs are gone. Who does not answer gets nothing: it may be dead for long. */
export function requireSnapshot(server: Server, to: NodeId, progress: Progress): void {
  if (progress.needs(server.now, server.config.electionTicks) === Number.POSITIVE_INFINITY) {
    awaitAnswer(server, progress);
    return;
  }
  progress.becomeSnapshot();
  server.outbox.pins.push({ to, wanted: true });
  server.event({ type: "snapshotNeeded", to, next: progress.next, first: server.log.firstIndex });
}

/** Nothing is sent until it answers a heartbeat, some time from now. */
function awaitAnswer(server: Server, progress: Progress): void {
  progress.becomeProbe(progress.next);
  progress.probeSent = true;
  progress.sentAt = server.now;
}

/** The driver has pinned one for `to`. */
export function snapshotTaken(server: Server, to: NodeId, last: LogId): void {
  const progress = server.leadership?.progress.get(to);
  if (progress === undefined || progress.state !== "snapshot") {
    server.outbox.pins.push({ to, wanted: false });
    return;
  }
  progress.snapshot = last;
  server.event({ type: "snapshotOffered", to, index: last.index });
  offer(server, to, progress);
}

function offer(server: Server, to: NodeId, progress: Progress): void {
  if (progress.snapshot === null) return;
  const { index, term } = progress.snapshot;
  progress.sentAt = server.now;
  server.send({
    type: "installSnapshot",
    from: server.id,
    to,
    term: server.term,
    lastIncludedIndex: index,
    lastIncludedTerm: term,
  });
}

/** The connection was broken, or time passed: the offer may be lost. */
export function repeatOffer(server: Server, to: NodeId, progress: Progress, atLeastAfter: number): void {
  if (server.now - progress.sentAt >= atLeastAfter) offer(server, to, progress);
}

/** What was pinned for it is gone; if it still answers, it gets another. */
export function snapshotEnded(server: Server, to: NodeId): void {
  const progress = server.leadership?.progress.get(to);
  if (progress === undefined || progress.state !== "snapshot") return;
  if (server.bug("snapshotNeverRetried")) return;
  server.event({ type: "snapshotEnded", to });
  awaitAnswer(server, progress);
}

/** It said something of its log: perhaps it can be served from the log again. */
export function maybeLeaveSnapshot(server: Server, from: NodeId, progress: Progress): void {
  if (progress.state !== "snapshot" || server.bug("snapshotResentForever")) return;
  const held = Math.max(progress.match, progress.appliedDurable);
  // It installed what it was offered, but the log was cut further meanwhile: then another one follows.
  const wanted = Math.min(server.log.compacted.index, progress.snapshot?.index ?? Number.POSITIVE_INFINITY);
  if (held < wanted) return;
  progress.becomeProbe(held + 1);
  server.outbox.pins.push({ to: from, wanted: false });
  leadershipOf(server).replicationDue = true;
}

/** Stepping down: whoever was fetching will hear from the next leader. */
export function dropSnapshots(server: Server): void {
  for (const to of leadershipOf(server).progress.keys()) dropSnapshot(server, to);
}

/** Its progress is about to be forgotten. */
export function dropSnapshot(server: Server, to: NodeId): void {
  if (leadershipOf(server).progress.get(to)?.state === "snapshot")
    server.outbox.pins.push({ to, wanted: false });
}

export function receiveInstallSnapshot(server: Server, request: InstallSnapshot): void {
  const last = { index: request.lastIncludedIndex, term: request.lastIncludedTerm };
  // Peers' bytes are not trusted: a snapshot that no correct leader has is ignored.
  if (last.term > request.term || last.term < 1 || last.index < 1) return;
  hearLeader(server, request.from);
  if (server.installing !== null) return;
  if (holds(server, last)) acknowledge(server, Math.max(server.commit, last.index));
  else server.outbox.fetchSnapshot = { from: request.from, last };
}

/** True when the log or the state includes the snapshot: whatever a snapshot includes is committed. */
function holds(server: Server, last: LogId): boolean {
  if (server.bug("installOlderSnapshot")) return false;
  if (last.index <= server.commit) return true;
  if (server.log.termAt(last.index) !== last.term) return false;
  server.commitTo(last.index);
  return true;
}

/** All of it is on disk. From here on nothing is appended or executed until it is switched to. */
export function snapshotFetched(server: Server, head: SnapshotHead): void {
  const { last } = head;
  if (server.role === "leader" || server.installing !== null || last.term > server.term) return;
  if (holds(server, last)) return;
  server.installing = head;
  // What was offered meanwhile must not take its place on disk; it will be offered again.
  server.outbox.fetchSnapshot = null;
  if (server.bug("installAckedEarly") && server.leader !== null) {
    const { id, leader, term } = server;
    server.outbox.messages.push({
      type: "appendEntriesAccepted",
      from: id,
      to: leader,
      term,
      match: last.index,
    });
  }
}

/** The write that carried `head` is durable: log and state are the snapshot's. */
export function finishInstall(server: Server, head: SnapshotHead): void {
  const { last, membership } = head;
  if (server.role === "leader" || (server.commit > last.index && !server.bug("installOlderSnapshot"))) {
    throw broken("a snapshot replaced what it does not include", {
      role: server.role,
      commit: server.commit,
      snapshot: last.index,
    });
  }
  server.log.reset(last);
  server.tracer?.installed(last.index, membership);
  server.resetMembership(membership);
  server.applier.reset(last.index);
  server.commit = last.index;
  server.event({ type: "snapshotInstalled", ...last });
  server.event({ type: "committed", index: last.index });
  acknowledge(server, last.index);
}

function acknowledge(server: Server, match: number): void {
  const { id, leader, term } = server;
  if (leader === null || leader === id) return;
  server.send({ type: "appendEntriesAccepted", from: id, to: leader, term, match });
}
