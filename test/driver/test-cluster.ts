import {
  type ExecutionNotes,
  type MembershipChange,
  type ProposalOutcome,
  type RaftLog,
  type RaftNode,
  type ReadOutcome,
  type StateMachine,
  startRaftNode,
  type Transport,
} from "@quorate/raft";
import { createRandom } from "@quorate/raft/core";
import {
  createMemoryNetwork,
  MemoryDisk,
  type MemoryNetwork,
  type MemoryStorage,
  type PendingWrite,
} from "@quorate/raft/memory";
import type { RegisterOp, RegisterResult } from "../linearizability/register-model.js";
import { LoopbackNetwork, LoopbackTransport } from "./loopback-network.js";
import { encodeOp, RegisterMachine } from "./register-machine.js";
import { type ProcessClock, VirtualClock } from "./virtual-clock.js";

export interface Running {
  readonly node: RaftNode<RegisterResult>;
  readonly transport: Transport;
  readonly storage: MemoryStorage;
  readonly process: ProcessClock;
}

export interface TestClusterOptions {
  readonly size: number;
  readonly seed: number;
  readonly heartbeatMs?: number;
  readonly electionTimeoutMs?: number;
  /** See `RaftNodeOptions`. */
  readonly trailingEntries?: number;
  readonly snapshotPartBytes?: number;
  readonly promotionMs?: number;
  readonly machine?: (id: string) => StateMachine<RegisterResult>;
  /** Where a node notes what it executes; default: nowhere. */
  readonly executions?: (id: string) => ExecutionNotes;
  /** Decides about each write; default: durable after 0 to 4 ms. */
  readonly onWrite?: (id: string, write: PendingWrite) => void;
  /** `loopback` (default): crude and recording. `memory`: the TCP transport's twin, with its codec and redialling. */
  readonly network?: "loopback" | "memory";
}

/** Real nodes on memory disks and a loopback network, in virtual time. A seed decides everything. */
export class TestCluster {
  readonly clock = new VirtualClock();
  readonly random: () => number;
  readonly network: LoopbackNetwork;
  readonly #memory: MemoryNetwork | null;
  readonly ids: string[];
  readonly disks = new Map<string, MemoryDisk>();
  readonly running = new Map<string, Running>();
  readonly fatal: { readonly id: string; readonly error: Error }[] = [];
  readonly lines: { readonly id: string; readonly level: string; readonly message: string }[] = [];
  #retired = 1;
  #onWrite: ((id: string, write: PendingWrite) => void) | undefined;
  readonly #options: TestClusterOptions;

  constructor(options: TestClusterOptions) {
    this.#options = options;
    this.random = createRandom(options.seed);
    this.network = new LoopbackNetwork(this.clock, this.random);
    this.#memory =
      options.network === "memory"
        ? createMemoryNetwork({
            clock: this.clock,
            random: this.random,
            latencyMs: () => 0.2 + this.random() * 2,
            stallMs: 1_000,
          })
        : null;
    this.ids = Array.from({ length: options.size }, (_, at) => `n${at + 1}`);
    for (const id of this.ids) this.disks.set(id, new MemoryDisk(id));
    this.#onWrite = options.onWrite;
  }

  /** From now on this decides about writes; undefined: the default again. */
  onWrite(decide: ((id: string, write: PendingWrite) => void) | undefined): void {
    this.#onWrite = decide;
  }

  get members() {
    return this.ids.map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000` }));
  }

  async startAll(): Promise<void> {
    for (const id of this.ids) await this.start(id);
  }

  /** `members`: as this node's own configuration has them, its own address too. */
  async start(id: string, members = this.members): Promise<RaftNode<RegisterResult>> {
    const disk = this.disk(id);
    const own = members.find((member) => member.id === id);
    const storage = disk.open({ onWrite: (write) => this.#write(id, write) });
    const transport =
      this.#memory?.transport({ nodeId: id, address: own?.peer ?? "" }) ?? this.network.create(id);
    const process = this.clock.process();
    const node = await startRaftNode<RegisterResult>({
      nodeId: id,
      clusterName: "test",
      members,
      heartbeatMs: this.#options.heartbeatMs ?? 50,
      electionTimeoutMs: this.#options.electionTimeoutMs ?? 500,
      ...(this.#options.trailingEntries !== undefined && { trailingEntries: this.#options.trailingEntries }),
      ...(this.#options.promotionMs !== undefined && { promotionMs: this.#options.promotionMs }),
      ...(this.#options.snapshotPartBytes && { snapshotPartBytes: this.#options.snapshotPartBytes }),
      ...(this.#options.promotionMs !== undefined && { promotionMs: this.#options.promotionMs }),
      storage,
      ...(this.#options.executions && { executions: this.#options.executions(id) }),
      identity: disk.identity(),
      transport,
      clock: process.clock,
      stateMachine: this.#options.machine?.(id) ?? new RegisterMachine(),
      random: this.random,
      randomId: () =>
        Math.floor(this.random() * 2 ** 48)
          .toString(16)
          .padStart(12, "0"),
      log: this.#log(id),
      onFatal: (error) => this.fatal.push({ id, error }),
      onRequest: async (_peer, payload) => payload,
    });
    this.running.set(id, { node, transport, storage, process });
    return node;
  }

  /** A node with an empty disk that is no member yet: it is started, listed by itself alone, and waits. */
  async newcomer(id: string): Promise<RaftNode<RegisterResult>> {
    this.ids.push(id);
    this.disks.set(id, new MemoryDisk(id));
    return this.start(id);
  }

  /** Lets time pass until the leader has carried it out. */
  async change(leader: string, change: MembershipChange): Promise<void> {
    const ended: { how: string | null } = { how: null };
    this.node(leader)
      .changeMembership(change)
      .then(
        () => {
          ended.how = "done";
        },
        (error: unknown) => {
          ended.how = String(error);
        },
      );
    await this.clock.until(`${change.kind} on ${leader} ends`, () => ended.how !== null);
    if (ended.how !== "done") throw new Error(ended.how ?? "");
  }

  /** The process is gone between two instructions; a write under way reached the disk or not. */
  crash(id: string, inFlight: "lost" | "reached" = this.random() < 0.5 ? "lost" : "reached"): void {
    const running = this.running.get(id);
    if (running === undefined) return;
    this.running.delete(id);
    running.process.kill();
    this.disk(id).crash({ inFlight });
    if (running.transport instanceof LoopbackTransport) {
      running.transport.open = false;
      this.network.detach(running.transport);
    } else this.#memory?.crash(id);
  }

  /** Its event loop stands still until `wake`; what is sent to it waits in its sockets. On the loopback network. */
  stall(id: string): void {
    this.loopback(id).stall();
    this.get(id).process.stall();
  }

  wake(id: string): void {
    const transport = this.loopback(id);
    this.get(id).process.wake(() => transport.wake());
  }

  /** Cuts `id` off from all others. */
  isolate(id: string): void {
    for (const other of this.ids) if (other !== id) this.cut(id, other);
  }

  /** `oneWay`: only what `a` sends to `b` is lost; the memory network always cuts both ways. */
  cut(a: string, b: string, oneWay = false): void {
    if (this.#memory === null) this.network.cut(a, b, oneWay);
    else this.#memory.partition(a, b);
  }

  heal(): void {
    if (this.#memory === null) this.network.heal();
    else this.#memory.heal();
  }

  /** What a loopback transport recorded, and its handlers. */
  loopback(id: string): LoopbackTransport {
    const { transport } = this.get(id);
    if (!(transport instanceof LoopbackTransport)) throw new Error(`${id} is not on the loopback network`);
    return transport;
  }

  async stop(id: string): Promise<void> {
    const { node } = this.get(id);
    this.running.delete(id);
    let stopped = false;
    const stopping = node.stop().then(() => {
      stopped = true;
    });
    await this.clock.until(`${id} stops`, () => stopped);
    await stopping;
  }

  get(id: string): Running {
    const running = this.running.get(id);
    if (running === undefined) throw new Error(`${id} does not run`);
    return running;
  }

  node(id: string): RaftNode<RegisterResult> {
    return this.get(id).node;
  }

  disk(id: string): MemoryDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Error(`there is no ${id}`);
    return disk;
  }

  /**
   * The disk was found damaged: its life is over, and an empty one follows that names it. What a data folder does
   * in steps happens at once here; that has its own tests.
   */
  retire(id: string, incarnation = `${id} rebuilt ${this.#retired++}`): void {
    const before = this.disk(id).identity().read();
    if (before === null) throw new Error(`${id} has no identity`);
    this.wipe(id);
    const retired = before.born ? { incarnation: before.incarnation, at: 0 } : before.retired;
    this.disk(id).storedIdentity = { ...before, incarnation, clusterId: null, born: false, retired };
  }

  /** The disk is replaced by an empty one. */
  wipe(id: string): void {
    if (this.running.has(id)) throw new Error(`${id} runs`);
    this.disks.set(id, new MemoryDisk(id));
  }

  /** The node that can serve in the highest term, if there is one. */
  leader(): string | undefined {
    const serving = [...this.running]
      .map(([id, { node }]) => ({ id, status: node.status() }))
      .filter(({ status }) => status.role === "leader" && status.canServe)
      .sort((a, b) => b.status.term - a.status.term);
    return serving[0]?.id;
  }

  async untilLeader(among: readonly string[] = this.ids): Promise<string> {
    await this.clock.until("a leader that can serve", () => among.includes(this.leader() ?? ""));
    return this.leader() ?? "";
  }

  /** Proposes and lets time pass until it ended. */
  async propose(id: string, op: RegisterOp): Promise<ProposalOutcome<RegisterResult>> {
    const ended = this.begin(id, op);
    await this.clock.until(`${JSON.stringify(op)} on ${id} ends`, () => ended.outcome !== undefined);
    if (ended.outcome === undefined) throw new Error("unreachable");
    return ended.outcome;
  }

  /** Proposes and returns at once; counts how often it ended. What is proposed often may come encoded. */
  begin(id: string, op: RegisterOp | Uint8Array) {
    const ended: { outcome: ProposalOutcome<RegisterResult> | undefined; times: number } = {
      outcome: undefined,
      times: 0,
    };
    this.node(id).propose(op instanceof Uint8Array ? op : encodeOp(op), (outcome) => {
      ended.outcome = outcome;
      ended.times++;
    });
    return ended;
  }

  async barrier(id: string): Promise<ReadOutcome> {
    let ended: ReadOutcome | undefined;
    this.node(id).readBarrier((outcome) => {
      ended = outcome;
    });
    await this.clock.until(`a read barrier on ${id}`, () => ended !== undefined);
    if (ended === undefined) throw new Error("unreachable");
    return ended;
  }

  #write(id: string, write: PendingWrite): void {
    if (this.#onWrite !== undefined) this.#onWrite(id, write);
    else this.clock.after(this.random() * 4, () => write.complete());
  }

  #log(id: string): RaftLog {
    const at = (level: string) => (_fields: object, message: string) => {
      this.lines.push({ id, level, message });
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}
