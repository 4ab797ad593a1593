/** The state that all roles share, and the few ways in which it changes. Roles live in files of their own. */
import { Applier } from "./applier.js";
import { broken } from "./assert.js";
import type { Config } from "./config.js";
import { Durability } from "./durability.js";
import { ElectionTimer } from "./election-timer.js";
import type { RaftEvent } from "./events.js";
import type { Leadership } from "./leadership.js";
import { Log } from "./log.js";
import { isOnlyVoter, isVoter, MembershipHistory } from "./membership.js";
import type { Message } from "./messages.js";
import { Outbox } from "./outbox.js";
import { miscounted, type PlantedBug } from "./planted-bugs.js";
import { quorumValue, type VoteResult, voteResult } from "./quorum.js";
import { ForwardedReads } from "./reads.js";
import type { StoreRequest } from "./ready.js";
import { Tracer } from "./trace.js";
import {
  type Entry,
  EntryType,
  type Index,
  type Membership,
  type NodeId,
  type PlacedMembership,
  type Restored,
  type Role,
  type SnapshotHead,
  type Term,
} from "./types.js";

export class Server {
  readonly config: Config;
  readonly id: NodeId;
  readonly log: Log;
  readonly membership: MembershipHistory;
  readonly durability = new Durability();
  readonly applier: Applier;
  readonly timer: ElectionTimer;
  readonly forwardedReads: ForwardedReads;

  term: Term;
  /** Changes only when the term rises, from null to a name, and never from one name to another. */
  vote: NodeId | null;
  role: Role = "follower";
  /** The leader of `term`, when known. */
  leader: NodeId | null = null;
  /** Never falls. */
  commit: Index;
  /** The leader's commit index when this server first heard of one since its start; 0: not yet. */
  commitAtContact: Index = 0;
  /** A fetched snapshot that waits for its write, or is being written. */
  installing: SnapshotHead | null = null;
  /** Ticks since this server started. */
  now = 0;
  /** (Pre-)candidates only: the answers so far, the own one included. */
  readonly votes = new Map<NodeId, boolean>();
  /** Leaders only. */
  leadership: Leadership | null = null;

  readonly tracer: Tracer | null;
  outbox = new Outbox();
  /** The commit index of the last hard state that was handed out for storing. */
  #commitStored: Index;
  #fetchId = 0;
  /** While the disk is being read, no write may remove entries from it. */
  #fetchesOutstanding = 0;
  /** The write under way that installs a snapshot; 0 = none. */
  #installTicket = 0;

  constructor(config: Config, restored: Restored) {
    this.config = config;
    this.id = config.id;
    this.log = new Log(restored, config.maxCachedBytes, this.bug("staleStorageAck"));
    this.membership = new MembershipHistory(restored, this.bug("membershipKeptAfterTruncation"));
    this.term = restored.hardState.term;
    this.vote = restored.hardState.vote;
    // The hint may lag behind what the disk proves to be committed: whatever was applied was committed.
    this.commit = Math.max(Math.min(restored.hardState.commit, this.log.lastIndex), restored.applied);
    this.#commitStored = restored.hardState.commit;
    this.applier = new Applier(restored.applied);
    this.timer = new ElectionTimer(config);
    this.forwardedReads = new ForwardedReads(config.electionTicks, config.random);
    this.tracer = config.trace === undefined ? null : new Tracer(config.trace);
    this.tracer?.restored(this);
  }

  bug(name: PlantedBug): boolean {
    return this.config.plantedBugs?.has(name) ?? false;
  }

  /** The membership in force. Nothing that needs it runs before birth. */
  get members(): Membership {
    const membership = this.membership.current;
    if (membership === null) throw broken("a server acts before birth", { id: this.id });
    return membership;
  }

  get isVoter(): boolean {
    const membership = this.membership.current;
    return membership !== null && isVoter(membership, this.id) && this.#isMeant;
  }

  /**
   * Voters, and who is removed by an entry that is not known to be committed: it may be the only one that has
   * that entry, and then nobody can win without it (thesis, section 4.2.2). It counts in nothing.
   */
  get mayCampaign(): boolean {
    if (this.isVoter) return true;
    const { index, before } = this.membership;
    if (before === null || index <= this.commit || this.membership.has(this.id)) return false;
    return isVoter(before, this.id);
  }

  /** The membership in force means this server's disk, not an earlier one under the same id. */
  get #isMeant(): boolean {
    const { incarnation } = this.config;
    if (incarnation === undefined || this.bug("formerDiskIsOwn")) return true;
    return this.membership.incarnationOf(this.id) === incarnation;
  }

  get isOnlyVoter(): boolean {
    return this.isVoter && isOnlyVoter(this.members, this.id);
  }

  quorumValue(valueFor: (id: NodeId) => number): number {
    return quorumValue(this.counted, valueFor, this.bug("quorumOneShort"));
  }

  voteResult(votes: ReadonlyMap<NodeId, boolean>): VoteResult {
    return voteResult(this.counted, votes, this.bug("quorumOneShort"));
  }

  /** Whose votes and acknowledgements count: the membership in force, except with planted bugs. */
  get counted(): Membership {
    const { members, config } = this;
    return config.plantedBugs === undefined ? members : miscounted(members, this);
  }

  /** Sends it once it is true: see `Durability`. */
  send(message: Message): void {
    if (!this.#mayLeaveEarly(message) && this.durability.hold(message, this.log)) return;
    this.outbox.messages.push(message);
  }

  #mayLeaveEarly(message: Message): boolean {
    if (message.type === "requestVoteResponse") return this.bug("voteBeforeStored");
    return message.type === "appendEntriesAccepted" && this.bug("ackBeforeStored");
  }

  event(event: RaftEvent): void {
    this.outbox.events.push(event);
  }

  /** The term rises; the vote is free again. */
  enterTerm(term: Term, vote: NodeId | null): void {
    if (term <= this.term) throw broken("a term only rises", { term, current: this.term });
    this.term = term;
    this.vote = vote;
    this.durability.hardStateChanged();
    this.event({ type: "termChanged", term });
  }

  voteFor(candidate: NodeId): void {
    if (this.vote === candidate) return;
    if (this.vote !== null && !this.bug("doubleVote")) {
      throw broken("a second vote in one term", { term: this.term, vote: this.vote, candidate });
    }
    this.vote = candidate;
    this.durability.hardStateChanged();
  }

  setRole(role: Role, why: string): void {
    if (this.role === role) return;
    this.role = role;
    this.event({ type: "roleChanged", role, term: this.term, why });
  }

  setLeader(leader: NodeId | null): void {
    if (this.leader === leader) return;
    this.leader = leader;
    // Whoever was asked for a read index may never answer now.
    this.outbox.readsRefused.push(...this.forwardedReads.refuseAll());
    this.event({ type: "leaderChanged", leader, term: this.term });
  }

  append(entry: Entry): void {
    this.log.append(entry);
    this.tracer?.appended(entry);
    if (entry.type !== EntryType.membership) return;
    this.membership.append(entry);
    this.#membershipChanged();
  }

  /** Entries from `index` on are in conflict with the leader's. Committed ones cannot be: that is a crash. */
  truncateFrom(index: Index): void {
    if (index <= this.commit) {
      throw broken("the leader's log contradicts a committed entry", {
        index,
        commit: this.commit,
        term: this.term,
        leader: this.leader,
      });
    }
    this.event({ type: "truncated", from: index, to: this.log.lastIndex });
    this.log.truncateFrom(index);
    this.tracer?.cut(index);
    if (this.membership.truncateFrom(index)) this.#membershipChanged();
  }

  /** A snapshot took the place of the log. */
  resetMembership(latest: PlacedMembership): void {
    const { index } = this.membership;
    this.membership.reset(latest);
    if (latest.index !== index) this.#membershipChanged();
  }

  #membershipChanged(): void {
    const { index } = this.membership;
    this.event({ type: "membershipChanged", index, membership: this.members });
  }

  commitTo(index: Index): void {
    if (index <= this.commit) return;
    if (index > this.log.lastIndex) {
      throw broken("more is committed than this log holds: entries that it acknowledged are gone", {
        commit: index,
        lastIndex: this.log.lastIndex,
      });
    }
    this.commit = index;
    this.membership.committed(index);
    // Installing it would take the state back.
    if (index >= (this.installing?.last.index ?? Infinity) && this.#installTicket === 0)
      this.installing = null;
    this.event({ type: "committed", index });
  }

  /** Ask for entries that are no longer in memory. */
  fetch(from: Index, to: Index, maxBytes: number): number {
    this.#fetchId += 1;
    this.#fetchesOutstanding += 1;
    this.outbox.fetch.push({ id: this.#fetchId, from, to, maxBytes });
    return this.#fetchId;
  }

  /** A fetch was answered, wanted still or not. */
  fetchAnswered(): void {
    this.#fetchesOutstanding -= 1;
  }

  /** Up to here the log may be compacted now; 0 = not worth it yet, or the disk is being read. */
  get compactTarget(): Index {
    if (this.#fetchesOutstanding > 0) return 0;
    const { log, applier, config } = this;
    const end = Math.min(this.bug("compactPastDurable") ? this.commit : applier.durable, log.durable);
    const { compactEntriesMin, trailingBytes } = config;
    const bytesMin = trailingBytes / 8;
    const first = log.compacted.index;
    if (end - first < compactEntriesMin && log.bytes < trailingBytes + bytesMin) return 0;
    let target = log.cutLeaving(config.trailingEntries, trailingBytes, end);
    const needed = this.#neededByFollowers();
    if (needed < target) target = Math.max(needed, log.cutLeaving(Infinity, config.maxHeldBytes, end));
    const worthIt = target - first >= compactEntriesMin || log.bytesTo(target) >= bytesMin;
    return target > first && worthIt ? target : 0;
  }

  #neededByFollowers(): Index {
    let needed = Infinity;
    for (const progress of this.leadership?.progress.values() ?? []) {
      needed = Math.min(needed, progress.needs(this.now, this.config.electionTicks));
    }
    return needed;
  }

  /**
   * A fetched snapshot may be switched to now. Not while an election may still be won with the old log, and not
   * before what was accepted earlier is on disk, so that its acknowledgements are true.
   */
  get #installDue(): boolean {
    if (this.installing === null || this.#fetchesOutstanding > 0 || this.log.hasUnwritten) return false;
    return this.role === "follower" || this.role === "preCandidate";
  }

  /** The snapshot that the write `ticket` installed; null when it installed none. */
  takeInstalled(ticket: number): SnapshotHead | null {
    if (ticket !== this.#installTicket) return null;
    const installed = this.installing;
    this.#installTicket = 0;
    this.installing = null;
    return installed;
  }

  /** Something is to be written, and may be written now: one write at a time. */
  get storeDue(): boolean {
    const { durability, log } = this;
    if (durability.outstanding !== 0) return false;
    if (this.#fetchesOutstanding > 0 && log.unwrittenReplaces) return false;
    return durability.hardStateUnwritten || log.hasUnwritten || this.#installDue || this.compactTarget !== 0;
  }

  /** Everything unwritten, as one write. A moved commit index rides along; alone it is not worth an fsync. */
  takeStore(): StoreRequest {
    const { durability, log, term, vote, commit } = this;
    const hardStateChanged = durability.hardStateUnwritten || commit > this.#commitStored;
    const ticket = durability.begin();
    const hardState = hardStateChanged ? { term, vote, commit } : null;
    this.#commitStored = commit;
    if (this.#installDue) {
      this.#installTicket = ticket;
      return { ticket, hardState, entries: [], compactTo: 0, install: this.installing };
    }
    const entries = log.takeUnwritten(ticket);
    const compactTo = this.compactTarget;
    if (compactTo !== 0) {
      log.compactTo(compactTo);
      this.event({ type: "compacted", index: compactTo });
    }
    return { ticket, hardState, entries, compactTo, install: null };
  }
}
