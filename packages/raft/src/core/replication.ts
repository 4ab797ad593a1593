/** Bringing followers' logs to the leader's: what to send, and what their answers mean. */
import { broken } from "./assert.js";
import { leadershipOf, maybeCommit, maybeSendTimeoutNow } from "./leader.js";
import { entryBytes } from "./log.js";
import type { AppendEntriesAccepted, AppendEntriesRejected } from "./messages.js";
import type { Progress } from "./progress.js";
import type { Server } from "./server.js";
import { maybeLeaveSnapshot, requireSnapshot } from "./snapshots.js";
import type { Entry, NodeId } from "./types.js";

/** Send everybody what is due: new entries, a probe, or the news that the commit index moved. */
export function flushReplication(server: Server): void {
  const leadership = leadershipOf(server);
  leadership.replicationDue = false;
  for (const [to, progress] of leadership.progress) {
    if (progress.fetching !== null || progress.state === "snapshot" || progress.probeSent) continue;
    // What it has applied it holds, even where the acknowledgements were lost. Only a starting point: `match`
    // itself moves on acknowledgements alone.
    progress.next = Math.max(progress.next, progress.appliedDurable + 1);
    if (progress.next <= server.log.compacted.index) {
      requireSnapshot(server, to, progress);
      continue;
    }
    if (progress.state === "probe") {
      sendNext(server, to, progress);
      continue;
    }
    const { maxInflightAppends, maxInflightBytes } = server.config;
    while (
      progress.next <= server.log.lastIndex &&
      progress.hasWindow(maxInflightAppends, maxInflightBytes) &&
      sendNext(server, to, progress)
    );
    // Push a moved commit index at once, so that followers apply and answer reads without delay.
    if (Math.min(server.commit, progress.next - 1) > progress.commitTold) {
      sendAppendEntries(server, to, progress, []);
    }
  }
}

/** One AppendEntries from `next` on. False when the entries must be fetched first. */
function sendNext(server: Server, to: NodeId, progress: Progress): boolean {
  const { log, config } = server;
  if (progress.next <= log.lastIndex && progress.next < log.cacheFirst) {
    progress.fetching = server.fetch(progress.next, log.cacheFirst - 1, config.maxAppendBytes);
    return false;
  }
  sendAppendEntries(server, to, progress, log.slice(progress.next, log.lastIndex, config.maxAppendBytes));
  return true;
}

function sendAppendEntries(server: Server, to: NodeId, progress: Progress, entries: readonly Entry[]): void {
  const prevIndex = progress.next - 1;
  const prevTerm = server.log.termAt(prevIndex);
  if (prevTerm === null) throw broken("entries are sent from outside the log", { to, prevIndex });
  const lastIndex = prevIndex + entries.length;
  if (progress.state === "probe") {
    progress.probeSent = true;
    progress.sentAt = server.now;
  } else if (entries.length > 0) {
    if (progress.match === prevIndex) progress.movedAt = server.now;
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    progress.inflight.push(lastIndex, bytes);
    progress.next = lastIndex + 1;
  }
  progress.commitTold = Math.max(progress.commitTold, Math.min(server.commit, lastIndex));
  const { id, term, commit } = server;
  const message = {
    type: "appendEntries",
    from: id,
    to,
    term,
    prevIndex,
    prevTerm,
    entries,
    commit,
  } as const;
  // What it brings was acknowledged before, or will be: an answer to the news alone would only cost time.
  const silent = progress.state === "replicate" && entries.length === 0;
  server.send(silent ? { ...message, silent } : message);
}

/** Entries that a follower needs were read from the disk. */
export function receiveFetched(server: Server, id: number, entries: readonly Entry[]): void {
  const leadership = server.leadership;
  if (leadership === null) return;
  for (const [to, progress] of leadership.progress) {
    if (progress.fetching !== id) continue;
    progress.fetching = null;
    leadership.replicationDue = true;
    const first = entries[0];
    // Within a term the leader's log only grows, so only the position can have changed meanwhile.
    if (
      first !== undefined &&
      first.index === progress.next &&
      !progress.probeSent &&
      progress.state !== "snapshot"
    ) {
      sendAppendEntries(server, to, progress, entries);
    }
  }
}

export function receiveAccepted(server: Server, response: AppendEntriesAccepted): void {
  const leadership = leadershipOf(server);
  const progress = leadership.progress.get(response.from);
  // Nobody can hold more of this leader's log than there is; a peer that says so is not believed.
  if (progress === undefined || response.match > server.log.lastIndex) return;
  progress.heard(server.now);
  progress.patience = server.config.heartbeatTicks;
  const moved = progress.accepted(response.match, server.now);
  maybeLeaveSnapshot(server, response.from, progress);
  if (progress.state === "probe" && (moved || response.match === progress.match)) {
    progress.deniesMatch = false;
    progress.becomeReplicate();
    leadership.replicationDue = true;
  }
  if (progress.next <= server.log.lastIndex) leadership.replicationDue = true;
  if (!moved) return;
  maybeCommit(server);
  maybeSendTimeoutNow(server);
}

/** The logs part before `prevIndex`: step back to where they can still meet, whole terms at a time. */
export function receiveRejected(server: Server, response: AppendEntriesRejected): void {
  const leadership = leadershipOf(server);
  const progress = leadership.progress.get(response.from);
  if (progress === undefined) return;
  progress.heard(server.now);
  progress.patience = server.config.heartbeatTicks;
  if (server.bug("matchFromReject")) {
    progress.accepted(Math.min(response.hintIndex, server.log.lastIndex), server.now);
    maybeCommit(server);
  }
  // A probe is answered once; other rejections are about AppendEntries that were sent before it.
  const { match, state, next } = progress;
  if (state === "snapshot") return;
  if (state === "probe" ? response.prevIndex !== next - 1 : response.prevIndex <= match) return;
  if (response.prevIndex <= Math.max(match, progress.appliedDurable)) {
    // It denies what it had confirmed, so its disk is not what it was. Asking again at once would go on for
    // ever: show it, and ask when it answers a heartbeat.
    progress.deniesMatch = true;
    progress.sentAt = server.now;
    return;
  }
  const { log } = server;
  const hint = Math.min(response.hintIndex, response.prevIndex - 1);
  // Where this log no longer reaches, no probe can ask: a snapshot takes over.
  const meeting = hint < log.compacted.index ? hint : log.lastAtMost(hint, response.hintTerm).index;
  progress.becomeProbe(meeting + 1);
  leadership.replicationDue = true;
}
