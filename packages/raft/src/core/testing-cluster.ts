/**
 * Several cores, their disks and a network, all in memory and moved by hand: for tests that play a scene of
 * the paper. Not a simulator: no chance, no time of its own.
 */
import type { Config } from "./config.js";
import { birthRecord, decodeMembership } from "./membership.js";
import type { Message, MessageType } from "./messages.js";
import { createRandom } from "./prng.js";
import { Raft } from "./raft.js";
import type { AcceptedProposal, GrantedRead, Ready, RefusedProposal, StoreRequest } from "./ready.js";
import {
  type Entry,
  EntryType,
  type HardState,
  type Index,
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
    random: createRandom(1),
    ...changes,
  };
}

export function testingMembership(voters: readonly NodeId[], learners: readonly NodeId[] = []): Membership {
  const members = [...voters, ...learners].map((id) => ({
    id,
    incarnation: `${id}-1`,
    peer: `${id}.test:9000`,
    http: `http://${id}.test:8000`,
  }));
  return { clusterId: "testing", members, voters, votersOutgoing: [], learners };
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
  membership: Membership,
  entries: readonly Entry[],
  hardState: HardState,
  applied: Index = 0,
): Restored {
  const terms: TermRun[] = [];
  let inForce: NonNullable<Restored["membership"]> = { index: 0, membership };
  for (const entry of entries) {
    if (terms.at(-1)?.term !== entry.term) terms.push({ first: entry.index, term: entry.term });
    if (entry.type === EntryType.membership) {
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
    applied,
  };
}

/** One server with its disk. Its messages go to the cluster, its results stay here to be looked at. */
export class TestingServer {
  raft: Raft;
  hardState: HardState;
  /** The log on disk. Compaction is ignored: the core alone must forget. */
  disk: Entry[];
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

  constructor(
    readonly config: Config,
    readonly membership: Membership,
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

  /** Carries out everything that is due; returns the messages to send. */
  run(): Message[] {
    const messages: Message[] = [];
    while (this.raft.hasReady()) {
      const ready = this.raft.ready();
      this.readies.push(ready);
      messages.push(...ready.messages);
      this.accepted.push(...ready.accepted);
      this.refused.push(...ready.refused);
      this.reads.push(...ready.reads);
      this.readsRefused.push(...ready.readsRefused);
      const last = ready.apply.at(-1);
      this.applied.push(...ready.apply);
      if (last !== undefined) this.raft.step({ type: "applied", applied: last.index, durable: 0 });
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

export interface TestingClusterOptions {
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** Logs and hard states to start with; by default everybody was just born (entry 1, term 1). */
  readonly logs?: Readonly<Record<NodeId, readonly Term[]>>;
  readonly hardStates?: Readonly<Record<NodeId, HardState>>;
  readonly config?: Partial<Config>;
}

export class TestingCluster {
  readonly servers = new Map<NodeId, TestingServer>();
  readonly membership: Membership;
  /** Sent, not delivered. */
  network: Message[] = [];
  /** Everything ever sent, in order. */
  readonly sent: Message[] = [];
  /** Links that lose everything, as `from>to`. */
  readonly #cut = new Set<string>();
  readonly #ignored = new Set<MessageType>();

  constructor({ voters, learners = [], logs, hardStates, config }: TestingClusterOptions) {
    this.membership = testingMembership(voters, learners);
    const born = birthRecord(this.membership);
    for (const [position, id] of [...voters, ...learners].entries()) {
      const terms = logs?.[id];
      const entries = logs === undefined ? [born.entry] : entriesOfTerms(terms ?? []);
      const lastTerm = entries.at(-1)?.term ?? 0;
      const hardState =
        hardStates?.[id] ?? (logs === undefined ? born.hardState : { term: lastTerm, vote: null, commit: 0 });
      const own = testingConfig(id, { random: createRandom(position + 1), ...config });
      this.servers.set(id, new TestingServer(own, this.membership, entries, hardState));
    }
  }

  server(id: NodeId): TestingServer {
    const server = this.servers.get(id);
    if (server === undefined) throw new Error(`there is no server ${id} in this cluster`);
    return server;
  }

  /** Nothing passes between `a` and `b` any more, in either direction. */
  cut(a: NodeId, b: NodeId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  cutOneWay(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  isolate(id: NodeId): void {
    for (const other of this.servers.keys()) if (other !== id) this.cut(id, other);
  }

  /** Messages of this type are lost everywhere, until `heal`. */
  ignore(type: MessageType): void {
    this.#ignored.add(type);
  }

  heal(): void {
    this.#cut.clear();
    this.#ignored.clear();
  }

  /** Carries out what is due and delivers messages until nothing moves. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      this.collect();
      if (this.network.length === 0) return;
      const batch = this.network;
      this.network = [];
      for (const message of batch) this.deliver(message);
    }
    throw new Error("the cluster does not settle: it sends messages for ever");
  }

  /** Carries out what is due everywhere; messages stay in `network`. */
  collect(): void {
    for (const server of this.servers.values()) {
      for (const message of server.run()) {
        this.sent.push(message);
        this.network.push(message);
      }
    }
  }

  deliver(message: Message): void {
    if (this.#cut.has(`${message.from}>${message.to}`) || this.#ignored.has(message.type)) return;
    this.servers.get(message.to)?.raft.step({ type: "receive", message });
  }

  /** Time passes for `id` alone, with everything settled after each tick. */
  tick(id: NodeId, ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      this.server(id).raft.step({ type: "tick" });
      this.settle();
    }
  }

  /** Time passes for everybody. */
  tickAll(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      for (const server of this.servers.values()) server.raft.step({ type: "tick" });
      this.settle();
    }
  }

  /**
   * `id` campaigns: everybody's election timeout passes in silence (so that stickiness does not apply), then
   * its timer is the first to expire.
   */
  campaign(id: NodeId): void {
    const { raft, config } = this.server(id);
    const { term } = raft.status();
    for (let i = 0; i < 2 * config.electionTicks; i++) {
      raft.step({ type: "tick" });
      const { role } = raft.status();
      if (role !== "follower" || raft.status().term !== term) break;
    }
    this.settle();
  }

  propose(id: NodeId, ...contexts: number[]): void {
    const proposals = contexts.map((context) => ({ context, data: text.encode(`proposal ${context}`) }));
    this.server(id).raft.step({ type: "propose", proposals });
    this.settle();
  }

  get leaders(): NodeId[] {
    return [...this.servers].filter(([, { raft }]) => raft.status().role === "leader").map(([id]) => id);
  }
}
