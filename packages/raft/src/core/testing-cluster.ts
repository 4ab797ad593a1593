/**
 * Several cores, their disks and a network, all in memory and moved by hand: for tests that play a scene of
 * the paper. Not a simulator: no chance, no time of its own.
 */
import type { Config } from "./config.js";
import { birthRecord } from "./membership.js";
import type { MembershipChange } from "./membership-change.js";
import type { Message, MessageType } from "./messages.js";
import { createRandom } from "./prng.js";
import {
  entriesOfTerms,
  TestingServer,
  testingConfig,
  testingMember,
  testingMembership,
} from "./testing-server.js";
import type { HardState, Member, Membership, NodeId, Term } from "./types.js";

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
  /** Of disks that are not the first ones of their ids. */
  readonly #incarnations = new Map<NodeId, string>();
  readonly #config: Partial<Config>;

  constructor({ voters, learners = [], logs, hardStates, config }: TestingClusterOptions) {
    this.membership = testingMembership(voters, learners);
    this.#config = config ?? {};
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

  /** A server with an empty disk, which waits to be admitted; under a known id it replaces the one before. */
  start(id: NodeId, disk = 1, changes: Partial<Config> = {}): Member {
    const member = testingMember(id, disk);
    const config = testingConfig(id, {
      random: createRandom(1000 + this.servers.size),
      ...this.#config,
      ...changes,
    });
    this.#incarnations.set(id, member.incarnation);
    this.servers.set(id, new TestingServer(config, null, [], { term: 0, vote: null, commit: 0 }));
    return member;
  }

  change(id: NodeId, context: number, change: MembershipChange): void {
    this.server(id).raft.step({ type: "changeMembership", context, change });
    this.settle();
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
    const incarnation = this.#incarnations.get(message.from) ?? `${message.from}-1`;
    this.servers.get(message.to)?.raft.step({ type: "receive", message, incarnation });
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

  /** `id` hears nothing until its election timer expires, once; then everything settles. */
  campaign(id: NodeId): void {
    const { raft, config } = this.server(id);
    const before = this.sent.length;
    for (let i = 0; i < 2 * config.electionTicks && this.sent.length === before; i++) {
      raft.step({ type: "tick" });
      this.collect();
    }
    this.settle();
  }

  /** Time passes for everybody while the network loses everything. */
  silence(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      for (const server of this.servers.values()) server.tick();
    }
  }

  propose(id: NodeId, ...contexts: number[]): void {
    const proposals = contexts.map((context) => ({ context, data: new Uint8Array([context]) }));
    this.server(id).raft.step({ type: "propose", proposals });
    this.settle();
  }

  get leaders(): NodeId[] {
    return [...this.servers].filter(([, { raft }]) => raft.status().role === "leader").map(([id]) => id);
  }
}
