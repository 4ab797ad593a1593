/** One core with its disk, moved by hand: for tests of what a single server does. */
import type { Config } from "./config.js";
import { decodeMembership } from "./membership.js";
import type { Message } from "./messages.js";
import { createRandom } from "./prng.js";
import { Raft } from "./raft.js";
import type {
  AcceptedProposal,
  ChangeOutcome,
  GrantedRead,
  Ready,
  RefusedProposal,
  StoreRequest,
} from "./ready.js";
import {
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type Member,
  type Membership,
  type NodeId,
  type Restored,
  type Term,
  type TermRun,
} from "./types.js";

/** A config for tests: elections after 10 to 19 ticks, heartbeats every tick, generous limits. */
export function testingConfig(id: NodeId, changes: Partial<Config> = {}): Config {
  return {
    id,
    heartbeatTicks: 1,
    electionTicks: 10,
    peerLostTicks: 1,
    peerLostRetryTicksMin: 1,
    peerLostRetryTicksMax: 3,
    peerLostRetries: 3,
    maxAppendBytes: 1 << 20,
    maxInflightAppends: 16,
    maxInflightBytes: 1 << 24,
    maxUncommittedBytes: 1 << 24,
    maxApplyBytes: 1 << 24,
    maxCachedBytes: 1 << 24,
    compactEntriesMin: 1 << 30,
    promotionLagMax: 0,
    promotionTicks: 1 << 30,
    trailingEntries: 0,
    trailingBytes: 0,
    maxHeldBytes: 1 << 30,
    random: createRandom(1),
    ...changes,
  };
}

export function testingMembership(voters: readonly NodeId[], learners: readonly NodeId[] = []): Membership {
  const members = [...voters, ...learners].map((id) => testingMember(id));
  return { clusterId: "testing", members, voters, votersOutgoing: [], learners };
}

/** `disk` counts the disks that this id has had. */
export function testingMember(id: NodeId, disk = 1): Member {
  return { id, incarnation: `${id}-${disk}`, peer: `${id}.test:9000`, http: `http://${id}.test:8000` };
}

const text = new TextEncoder();

/** A log by its terms from index 1 on, as the paper's figures write it; no membership entry in it. */
export function entriesOfTerms(terms: readonly Term[]): Entry[] {
  return terms.map((term, position) => ({
    index: position + 1,
    term,
    type: EntryType.application,
    data: text.encode(`${position + 1}@${term}`),
  }));
}

/** What a server with this log and hard state restores; the membership counts as agreed before the log. */
export function restoredOf(
  membership: Membership | null,
  entries: readonly Entry[],
  hardState: HardState,
  applied: Index = 0,
): Restored {
  const terms: TermRun[] = [];
  let inForce: Restored["membership"] = membership === null ? null : { index: 0, membership };
  let before: Restored["membership"] = null;
  for (const entry of entries) {
    if (terms.at(-1)?.term !== entry.term) terms.push({ first: entry.index, term: entry.term });
    if (entry.type === EntryType.membership) {
      before = inForce;
      inForce = { index: entry.index, membership: decodeMembership(entry.data) };
    }
  }
  const last = entries.at(-1);
  return {
    hardState,
    compacted: { index: 0, term: 0 },
    terms,
    tail: entries,
    last: last === undefined ? { index: 0, term: 0 } : { index: last.index, term: last.term },
    membership: inForce,
    ...(before === null ? {} : { membershipBefore: before }),
    applied,
    logBytes: entries.reduce((sum, { data }) => sum + data.length, 0),
  };
}

/** One server with its disk. Its messages go to the cluster, its results stay here to be looked at. */
export class TestingServer {
  raft: Raft;
  hardState: HardState;
  /** The log on disk. Compaction is ignored: the core alone must forget. */
  disk: Entry[];
  /** What is reported as durable together with what is applied. */
  durableApplied: Index = 0;
  /** Started and not durable yet. */
  storing: StoreRequest | null = null;
  /** While true, writes stay under way until `finishStore`. */
  slowDisk = false;
  readonly readies: Ready[] = [];
  readonly applied: Entry[] = [];
  readonly accepted: AcceptedProposal[] = [];
  readonly refused: RefusedProposal[] = [];
  readonly reads: GrantedRead[] = [];
  readonly readsRefused: number[] = [];
  readonly changes: ChangeOutcome[] = [];

  constructor(
    readonly config: Config,
    /** Agreed before the log; null for a newcomer, which knows nothing. */
    readonly membership: Membership | null,
    entries: readonly Entry[],
    hardState: HardState,
  ) {
    this.disk = [...entries];
    this.hardState = hardState;
    this.raft = new Raft(config, restoredOf(membership, this.disk, hardState));
  }

  get terms(): Term[] {
    return this.disk.map((entry) => entry.term);
  }

  /** Takes a message and carries out everything that is due; returns the answers. */
  receive(message: Message): Message[] {
    this.raft.step({ type: "receive", message });
    return this.run();
  }

  /** Time passes; returns what was sent meanwhile. */
  tick(ticks = 1): Message[] {
    const messages: Message[] = [];
    for (let i = 0; i < ticks; i++) {
      this.raft.step({ type: "tick" });
      messages.push(...this.run());
    }
    return messages;
  }

  /** Carries out everything that is due; returns the messages to send. */
  run(): Message[] {
    const messages: Message[] = [];
    while (this.raft.hasReady()) {
      const ready = this.raft.ready();
      this.readies.push(ready);
      messages.push(...ready.messages);
      this.accepted.push(...ready.accepted);
      this.refused.push(...ready.refused);
      this.changes.push(...ready.changes);
      this.reads.push(...ready.reads);
      this.readsRefused.push(...ready.readsRefused);
      const last = ready.apply.at(-1);
      this.applied.push(...ready.apply);
      if (last !== undefined)
        this.raft.step({ type: "applied", applied: last.index, durable: this.durableApplied });
      for (const { id, from, to } of ready.fetch) {
        this.raft.step({ type: "fetched", id, entries: this.disk.slice(from - 1, to) });
      }
      if (ready.store !== null) {
        this.storing = ready.store;
        if (!this.slowDisk) this.finishStore();
      }
    }
    return messages;
  }

  /** The write under way becomes durable and is reported. */
  finishStore(): void {
    const store = this.storing;
    if (store === null) return;
    this.storing = null;
    if (store.hardState !== null) this.hardState = store.hardState;
    const first = store.entries[0];
    if (first !== undefined) this.disk = [...this.disk.slice(0, first.index - 1), ...store.entries];
    this.raft.step({ type: "stored", ticket: store.ticket });
  }

  /** The process dies and starts again from its disk; a write under way is lost. */
  restart(): void {
    this.storing = null;
    this.raft = new Raft(this.config, restoredOf(this.membership, this.disk, this.hardState));
  }
}
