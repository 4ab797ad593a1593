/**
 * The leader's side of membership changes (paper, section 6; thesis, chapter 4): one at a time, joint where votes
 * move, learners first, and a leader that is removed sees the change through before it goes.
 *
 *     change ─▶ joint entry ─ committed ─▶ final entry ─ committed ─▶ done      a leader that is out hands over
 */
import { becomeFollower } from "./follower.js";
import { appendOwn, confirmReads, leadershipOf, startTransfer } from "./leader.js";
import { encodeMembership, isJoint } from "./membership.js";
import { changed, jointLeft, type MembershipChange, memberOf, promoted } from "./membership-change.js";
import { Progress } from "./progress.js";
import type { ChangeRefusal } from "./ready.js";
import type { Server } from "./server.js";
import { dropSnapshot } from "./snapshots.js";
import { EntryType, type Membership, type NodeId } from "./types.js";

/** What an operator, or the caller on its own, asks of a leader. Answered through `Ready.changes`. */
export function changeMembership(server: Server, context: number, change: MembershipChange): void {
  const leadership = leadershipOf(server);
  const refusal = busy(server) ?? refusalOf(server, change);
  const next = refusal ?? changed(server.members, change);
  if ("reason" in next) {
    server.outbox.changes.push({ context, kind: "refused", ...next });
    return;
  }
  leadership.change = { context, left: !isJoint(next) };
  appendMembership(server, plantedReplacement(server, change) ?? next);
}

/** Why no change may begin now, whichever it is; null when one may. */
function busy(server: Server): ChangeRefusal | null {
  const { noOpIndex, transfer } = leadershipOf(server);
  // Before that an earlier leader's uncommitted change may be unknown here: majorities need not overlap then.
  if (server.commit < noOpIndex && !server.bug("changeBeforeNoOp")) {
    return { reason: "notReady", why: "this leader was elected just now and is not ready yet" };
  }
  if (server.membership.index > server.commit && !server.bug("changeWhileUncommitted")) {
    return { reason: "changeInProgress", why: "another change of the membership is not committed yet" };
  }
  if (isJoint(server.members)) {
    return { reason: "changeInProgress", why: "another change of the membership is under way" };
  }
  if (transfer !== null) {
    return { reason: "transferring", why: `leadership is being handed to ${transfer.to}` };
  }
  return null;
}

/** Why this change may not begin now, as far as it depends on who is there. */
function refusalOf(server: Server, change: MembershipChange): ChangeRefusal | null {
  if (change.kind !== "remove" && change.kind !== "replace") return null;
  const { members } = server;
  const id = change.kind === "remove" ? change.id : change.member.id;
  if (change.kind === "replace" && memberOf(members, id) !== undefined && isActive(server, id)) {
    return { reason: "stillConnected", why: `${id} is there, with the disk that the cluster knows` };
  }
  if (!members.voters.includes(id)) return null;
  const voters = members.voters.filter((voter) => voter !== id);
  const active = voters.filter((voter) => isActive(server, voter));
  const needed = Math.floor(voters.length / 2) + 1;
  if (voters.length === 0 || active.length >= needed) return null;
  return {
    reason: "quorumWouldBeLost",
    why:
      `without ${id} the voters are ${voters.join(", ")}, of which ${needed} are needed, ` +
      `but only ${active.join(", ") || "nobody"} can be reached`,
  };
}

function isActive(server: Server, id: NodeId): boolean {
  if (id === server.id) return true;
  const progress = leadershipOf(server).progress.get(id);
  if (progress === undefined || progress.lost) return false;
  return server.now - progress.heardAt < server.config.electionTicks;
}

function plantedReplacement(server: Server, change: MembershipChange): Membership | null {
  if (!server.bug("replacedAtOnce") || change.kind !== "replace") return null;
  const leadership = leadershipOf(server);
  if (leadership.change !== null) leadership.change = { ...leadership.change, left: true };
  const { members } = server;
  const { member } = change;
  return { ...members, members: members.members.map((known) => (known.id === member.id ? member : known)) };
}

function appendMembership(server: Server, membership: Membership): void {
  const index = server.log.lastIndex + 1;
  const data = encodeMembership(membership);
  const before = new Map(server.members.members.map(({ id, incarnation }) => [id, incarnation]));
  appendOwn(server, { index, term: server.term, type: EntryType.membership, data });
  trackMembers(server, before);
  // Who has answered may be a majority of fewer voters, and nobody may be left to answer once more.
  confirmReads(server);
  if (isJoint(membership) && server.bug("jointLeftEarly")) leaveJoint(server);
}

/** A newcomer's progress starts from nothing, also under an id that another disk had before. */
function trackMembers(server: Server, before: ReadonlyMap<NodeId, string>): void {
  const { progress } = leadershipOf(server);
  const { config, log, now, membership } = server;
  for (const { id, incarnation } of server.members.members) {
    const known = progress.get(id);
    if (id === server.id) continue;
    const sameDisk = before.get(id) === incarnation || server.bug("replacedMatchKept");
    if (known !== undefined && known.leaving === null && sameDisk) continue;
    dropSnapshot(server, id);
    // What was about to leave was meant for the former disk.
    if (known !== undefined && !sameDisk) {
      server.outbox.messages = server.outbox.messages.filter(({ to }) => to !== id);
    }
    progress.set(id, new Progress(log.lastIndex + 1, now, config.heartbeatTicks));
  }
  for (const [id, known] of progress) {
    // It is told of its removal, so that it does not wait for this leader for ever.
    if (!membership.has(id)) known.leaving ??= now + 2 * config.electionTicks;
  }
}

/** The commit index moved: go on with the change that it decides. */
export function advanceChange(server: Server): void {
  const leadership = leadershipOf(server);
  const { index } = server.membership;
  if (server.commit < index || server.commit < leadership.noOpIndex) return;
  if (isJoint(server.members)) {
    leaveJoint(server);
    return;
  }
  if (leadership.change?.left === true) {
    server.outbox.changes.push({ context: leadership.change.context, kind: "done", index });
    leadership.change = null;
  }
  if (server.membership.has(server.id) || leadership.departBy !== null) return;
  leadership.departBy = server.now + server.config.electionTicks;
  server.event({ type: "removed", index });
  handOver(server);
}

function leaveJoint(server: Server): void {
  const leadership = leadershipOf(server);
  if (leadership.change !== null) leadership.change = { ...leadership.change, left: true };
  appendMembership(server, jointLeft(server.members));
}

/** This leader is no member any more: the voter that has most of its log takes over. */
function handOver(server: Server): void {
  const { progress, transfer } = leadershipOf(server);
  if (transfer !== null) return;
  let best: NodeId | null = null;
  let most = -1;
  for (const id of server.members.voters) {
    const match = progress.get(id)?.match ?? 0;
    if (match <= most || !isActive(server, id)) continue;
    most = match;
    best = id;
  }
  if (best !== null) startTransfer(server, best);
}

/** False: this leader was removed, nobody took over in time, and it has stepped down. */
export function tickDeparture(server: Server): boolean {
  const { departBy } = leadershipOf(server);
  if (departBy === null) return true;
  if (server.now >= departBy) {
    becomeFollower(server, server.term, null, "was removed from the cluster");
    return false;
  }
  handOver(server);
  return true;
}

/** Once per tick: who was removed is forgotten, and learners that have caught up become voters. */
export function tickChange(server: Server): void {
  const { progress } = leadershipOf(server);
  for (const [id, { leaving }] of progress) {
    if (leaving === null || server.now < leaving) continue;
    dropSnapshot(server, id);
    progress.delete(id);
  }
  const { members, config, now } = server;
  if (members.learners.length === 0) return;
  const ready: NodeId[] = [];
  for (const id of members.learners) {
    const known = progress.get(id);
    if (known === undefined) continue;
    // Counted against what is committed: under load even the quickest follower lacks what is on its way.
    const caughtUp =
      known.state === "replicate" &&
      isActive(server, id) &&
      server.commit - known.match <= config.promotionLagMax;
    known.caughtUpSince = caughtUp ? (known.caughtUpSince ?? now) : null;
    if (known.caughtUpSince !== null && now - known.caughtUpSince >= config.promotionTicks) ready.push(id);
  }
  if (ready.length > 0 && busy(server) === null) appendMembership(server, promoted(members, ready));
}
