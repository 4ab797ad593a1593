/**
 * The pure Raft core: `step` takes everything that can happen, `ready` returns everything that is due.
 * It never waits, never reads a clock, never logs; the same inputs give the same outputs. See README.md.
 */
import { broken } from "./assert.js";
import { decideVote } from "./candidate.js";
import { type Config, validateConfig } from "./config.js";
import { loseLeader, tickElectionTimer } from "./follower.js";
import type { Input, Proposal } from "./input.js";
import { checkInvariants } from "./invariants.js";
import {
  flushLeader,
  maybeCommit,
  propose,
  readIndex,
  restartProbing,
  startTransfer,
  tickLeader,
} from "./leader.js";
import type { MembershipChange } from "./membership-change.js";
import { Outbox } from "./outbox.js";
import type { FollowerStatus, Ready, Standing, Status } from "./ready.js";
import { receive } from "./receive.js";
import { changeMembership } from "./reconfiguration.js";
import { receiveFetched } from "./replication.js";
import { Server } from "./server.js";
import { finishInstall, snapshotEnded, snapshotFetched, snapshotTaken } from "./snapshots.js";
import type { Entry, Index, Membership, NodeId, Restored } from "./types.js";

export class Raft {
  readonly #server: Server;

  /** Throws `InvalidConfigError` or, on a disk that does not make sense, `RaftInvariantError`. */
  constructor(config: Config, restored: Restored) {
    this.#server = new Server(validateConfig(config), restored);
  }

  /** Feed one input. Never fails on what peers send; a broken invariant throws `RaftInvariantError`. */
  step(input: Input): void {
    const server = this.#server;
    handle(server, input);
    server.tracer?.stepped(server, input.type, input.type === "receive" ? input.message : null);
  }

  /** True when `ready()` may return something to do; false means that it would not. */
  hasReady(): boolean {
    const server = this.#server;
    const { leadership, applier } = server;
    return (
      !server.outbox.isEmpty ||
      server.storeDue ||
      (server.installing === null && applier.isDue(server.commit, server.config.maxApplyBytes)) ||
      (leadership !== null && (leadership.replicationDue || leadership.reads.roundDue))
    );
  }

  /** Everything that is due, once. The caller's duties stand at the fields of `Ready`. */
  ready(): Ready {
    const server = this.#server;
    const { applier, log, commit, config } = server;
    if (server.leadership !== null) flushLeader(server);
    // The state is about to be replaced: nothing is executed on the old one any more.
    const room = server.installing === null;
    const apply = room ? applier.take(log, commit, config.maxApplyBytes) : [];
    if (room && applier.needsFetch(log, commit, config.maxApplyBytes)) {
      const to = Math.min(commit, log.cacheFirst - 1);
      applier.fetching = server.fetch(applier.handed + 1, to, config.maxApplyBytes);
    }
    const store = server.storeDue ? server.takeStore() : null;
    const outbox = server.outbox;
    server.outbox = new Outbox();
    checkInvariants(server);
    const { messages, accepted, refused, changes, reads, readsRefused, fetch, pins, fetchSnapshot, events } =
      outbox;
    // Written out, like `status`: it is taken in every turn.
    return {
      store,
      messages,
      apply,
      accepted,
      refused,
      changes,
      reads,
      readsRefused,
      fetch,
      pins,
      fetchSnapshot,
      events,
    };
  }

  /** The membership in force: the last one in the log. Null before birth. */
  membership(): Membership | null {
    return this.#server.membership.current;
  }

  /** Index of the log entry that holds it; 0 before birth. Grows, except when an uncommitted entry is cut off. */
  membershipIndex(): Index {
    return this.#server.membership.index;
  }

  /** The part of `status` that decides where calls go; free of cost, for every turn of a driver. */
  standing(): Standing {
    const { role, term, leader } = this.#server;
    return { role, term, leader, canServe: canServe(this.#server) };
  }

  /**
   * This log does not reach yet what was committed when a leader was first heard since the start: entries that are
   * committed may be ahead which say something about those that are here.
   */
  get lacksCommitted(): boolean {
    const { log, commitAtContact } = this.#server;
    return log.lastIndex < commitAtContact;
  }

  /** Entries of the log that are not known to be committed. */
  get uncommitted(): number {
    const { log, commit } = this.#server;
    return log.lastIndex - commit;
  }

  status(): Status {
    const server = this.#server;
    const { role, term, leader, log, applier } = server;
    // Written out: simulations take it after every step, and a spread is many times slower.
    return {
      role,
      term,
      leader,
      canServe: canServe(server),
      id: server.id,
      commit: server.commit,
      applied: applier.applied,
      lastIndex: log.lastIndex,
      firstIndex: log.firstIndex,
      logBytes: log.bytes,
      followers: followersOf(server),
    };
  }
}

function handle(server: Server, input: Input): void {
  switch (input.type) {
    case "tick":
      tick(server);
      return;
    case "propose":
      if (server.role === "leader") propose(server, input.proposals);
      else refuse(server, input.proposals);
      return;
    case "receive":
      receive(server, input.message, input.incarnation);
      return;
    case "stored":
      stored(server, input.ticket);
      return;
    case "applied":
      server.applier.report(input.applied, input.durable);
      return;
    case "readIndex":
      requestReadIndex(server, input.context);
      return;
    case "transfer":
      if (server.role === "leader") startTransfer(server, input.to);
      return;
    case "changeMembership":
      requestChange(server, input.context, input.change);
      return;
    case "peerLost":
      peerLost(server, input.peer);
      return;
    case "peerReset":
      peerReset(server, input.peer);
      return;
    case "fetched":
      fetched(server, input.id, input.entries);
      return;
    case "snapshotTaken":
      snapshotTaken(server, input.to, input.last);
      return;
    case "snapshotEnded":
      snapshotEnded(server, input.to);
      return;
    case "snapshotFetched":
      snapshotFetched(server, input.head);
      return;
  }
}

function canServe({ leadership, applier }: Server): boolean {
  return leadership !== null && applier.applied >= leadership.noOpIndex;
}

const noFollowers: readonly FollowerStatus[] = [];

function followersOf(server: Server): readonly FollowerStatus[] {
  if (server.leadership === null) return noFollowers;
  const followers: FollowerStatus[] = [];
  for (const [id, progress] of server.leadership.progress) {
    const { match, next, state, lost, heardAt, leaving } = progress;
    if (leaving !== null) continue;
    const active = !lost && server.now - heardAt < server.config.electionTicks;
    const follower = { id, match, next, state, active };
    followers.push(progress.deniesMatch ? { ...follower, deniesMatch: true } : follower);
  }
  return followers;
}

function tick(server: Server): void {
  server.now += 1;
  if (server.role === "leader") tickLeader(server);
  else tickElectionTimer(server);
}

function refuse(server: Server, proposals: readonly Proposal[]): void {
  for (const { context } of proposals) server.outbox.refused.push({ context, reason: "notLeader" });
}

function requestChange(server: Server, context: number, change: MembershipChange): void {
  if (server.role === "leader") changeMembership(server, context, change);
  else {
    const why = "this node does not lead";
    server.outbox.changes.push({ context, kind: "refused", reason: "notLeader", why });
  }
}

function requestReadIndex(server: Server, context: number): void {
  const { id, term, leader } = server;
  if (server.role === "leader") readIndex(server, { context, from: null });
  else if (leader === null) server.outbox.readsRefused.push(context);
  else {
    const number = server.forwardedReads.add(context, server.now);
    server.send({ type: "readIndexRequest", from: id, to: leader, term, context: number });
  }
}

function peerLost(server: Server, peer: NodeId): void {
  if (server.role === "leader") {
    const progress = server.leadership?.progress.get(peer);
    if (progress === undefined) return;
    progress.lost = true;
    restartProbing(server, peer);
  } else if (server.role === "follower" && server.leader === peer) loseLeader(server);
}

function peerReset(server: Server, peer: NodeId): void {
  if (server.role === "leader") restartProbing(server, peer);
  // The question or its answer may be lost with the old connection.
  else if (server.leader === peer) server.outbox.readsRefused.push(...server.forwardedReads.refuseAll());
}

function fetched(server: Server, id: number, entries: readonly Entry[]): void {
  if (entries.length === 0) throw broken("a fetch must be answered with at least one entry", { id });
  server.fetchAnswered();
  if (id === server.applier.fetching) server.applier.fetched(entries, server.log);
  else receiveFetched(server, id, entries);
}

function stored(server: Server, ticket: number): void {
  const { durability, log } = server;
  if (ticket !== durability.outstanding || ticket === 0) {
    throw broken("only the outstanding write can be reported as stored", {
      ticket,
      outstanding: durability.outstanding,
    });
  }
  const durableMoved = log.stored(ticket);
  const installed = server.takeInstalled(ticket);
  if (installed !== null) finishInstall(server, installed);
  for (const message of durability.complete(server.term)) server.outbox.messages.push(message);
  if (server.role === "candidate") decideVote(server);
  else if (server.role === "leader" && durableMoved) maybeCommit(server);
}
