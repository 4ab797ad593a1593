import {
  createRandom,
  type Entry,
  type Index,
  type Input,
  type Message,
  type NodeId,
  Raft,
  type RaftEvent,
  type Ready,
  type Status,
  type StoreRequest,
} from "@quorate/raft/core";
import type { OpenCall } from "../invariants/every-call-ends.js";
import type { Cluster } from "./cluster.js";
import type { Batch, Disk } from "./disk.js";
import { type Command, type CommandResult, encodeCommand, type Machine } from "./machine.js";
import { OpenProposals, type ProposalSettled } from "./open-proposals.js";
import { OpenReads, type ReadSettled } from "./open-reads.js";

/** Effects that one batch carries at most, counted in entries. */
const effectsPerBatch = 50;

/** What exists only while a node is up; a crash forgets all of it. */
interface Life {
  readonly raft: Raft;
  readonly machine: Machine;
  readonly proposals: OpenProposals;
  readonly reads: OpenReads;
  readonly toApply: Entry[];
  /** Applied, but not yet on the disk. */
  readonly unflushed: Entry[];
  readonly turn: { readonly context: number; readonly data: Uint8Array }[];
  /** The batch that waits for the one in flight. */
  store: StoreRequest | null;
  flushAt: "never" | "scheduled" | "due";
  applying: boolean;
  /** Inputs are gathered before the core is asked what is due. */
  gathering: boolean;
}

/** One server: a real core, driven as the driver must drive it, on a simulated disk, network and clock. */
export class Node {
  #life: Life | null = null;
  #lives = 0;
  #paused = false;
  /** What arrived while the process stood still. */
  #inbox: { readonly run: () => void; readonly lost: (() => void) | undefined }[] = [];
  #tickMissed = false;
  /** Why it crashes at the end of this step; null: it does not. */
  #doomed: string | null = null;
  #writesSlowUntil = 0;
  #steps = 0;

  constructor(
    readonly id: NodeId,
    readonly cluster: Cluster,
    /** What survives a crash. */
    readonly durable: Disk,
  ) {}

  get life(): number {
    return this.#lives;
  }

  get up(): boolean {
    return this.#life !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get steps(): number {
    return this.#steps;
  }

  get machine(): Machine | null {
    return this.#life?.machine ?? null;
  }

  /** Null while down. */
  status(): Status | null {
    return this.#life?.raft.status() ?? null;
  }

  openCalls(): readonly OpenCall[] {
    const life = this.#life;
    if (!life) return [];
    return [...life.proposals.describe(), ...life.reads.describe()].map((what) => ({ node: this.id, what }));
  }

  start(): void {
    if (this.#life) return;
    const { world, knobs, monitor } = this.cluster;
    this.#lives++;
    this.#doomed = null;
    const random = createRandom(world.integer(0, 2 ** 32 - 1));
    const restored = this.durable.restore(knobs.restoredTail);
    monitor.nodeStarted(this, this.#lives);
    this.#life = {
      raft: new Raft(this.cluster.config(this.id, random), restored),
      machine: this.durable.machine(),
      proposals: new OpenProposals(),
      reads: new OpenReads(),
      toApply: [],
      unflushed: [],
      turn: [],
      store: null,
      flushAt: "never",
      applying: false,
      gathering: false,
    };
    world.trace.line(
      world.now,
      () => `${this.id} starts, life ${this.#lives}: ${JSON.stringify(restored.hardState)}`,
    );
    const rate = 1 + world.between(-knobs.clockDrift, knobs.clockDrift);
    this.#tickLater(this.#lives, knobs.tick * rate, world.between(0, knobs.tick));
  }

  /** The power goes. Callers learn nothing; the batch in flight is kept or not, by chance. */
  crash(): void {
    const life = this.#life;
    if (!life) return;
    const { world, knobs } = this.cluster;
    world.trace.line(world.now, () => `${this.id} crashes`);
    world.trace.add(world.now, this.id, "crash", 0, 0, 0);
    this.durable.crash(world.chance(knobs.keepBatchShare));
    this.#life = null;
    this.#paused = false;
    this.#tickMissed = false;
    const unread = this.#inbox.splice(0);
    for (const { lost } of unread) lost?.();
    for (const context of life.reads.contexts) this.cluster.monitor.readEnded(this.#readView(context));
    life.proposals.endAll();
    life.reads.refuseAll();
  }

  /** The process stands still (SIGSTOP): the disk and the network go on without it. */
  pause(): void {
    if (this.#life) this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const life = this.#life;
    const tickFirst = this.#tickMissed && this.cluster.world.chance(0.5);
    if (tickFirst) this.step({ type: "tick" });
    // A crash on the way empties the inbox.
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) next.run();
    if (this.#life !== life) return;
    if (this.#tickMissed && !tickFirst) this.step({ type: "tick" });
    this.#tickMissed = false;
  }

  /** Writes that begin before `until` take long. */
  slowWrites(until: number): void {
    this.#writesSlowUntil = until;
  }

  receive(message: Message): void {
    this.input({ type: "receive", message });
  }

  /** An input from outside; waits while the process is stopped, is lost while it is down. */
  input(input: Input): void {
    if (this.#life) this.#run(() => this.step(input));
  }

  propose(command: Command, settle: ProposalSettled): void {
    const life = this.#life;
    if (!life) {
      settle({ kind: "refused" });
      return;
    }
    this.#run(
      () => {
        const { world, knobs } = this.cluster;
        const context = life.proposals.add(command, settle);
        life.turn.push({ context, data: encodeCommand(command) });
        if (life.turn.length > 1) return;
        this.#later(world.between(knobs.turn.min, knobs.turn.max), () =>
          this.step({ type: "propose", proposals: life.turn.splice(0) }),
        );
      },
      () => settle({ kind: "unknown" }),
    );
  }

  /** A linearizable read of one register. */
  read(key: string, settle: ReadSettled): void {
    const life = this.#life;
    if (!life) {
      settle({ kind: "refused" });
      return;
    }
    this.#run(
      () => {
        const context = life.reads.add(key, settle);
        this.cluster.monitor.readAsked(this.#readView(context));
        this.step({ type: "readIndex", context });
      },
      () => settle({ kind: "refused" }),
    );
  }

  /** Now, or when the process goes on; `lost` when it crashes before that. Only called while up. */
  #run(run: () => void, lost?: () => void): void {
    if (this.#paused) this.#inbox.push({ run, lost });
    else run();
  }

  #later(delay: number, run: () => void): void {
    const life = this.#life;
    this.cluster.world.after(delay, () => {
      if (this.#life === life) this.#run(run);
    });
  }

  #tickLater(life: number, period: number, delay: number): void {
    this.cluster.world.after(delay, () => {
      if (this.#lives !== life || !this.#life) return;
      if (this.#paused) this.#tickMissed = true;
      else this.step({ type: "tick" });
      this.#tickLater(life, period, period);
    });
  }

  /** One input; what the core then asks for is done at once, or at the end of a turn that gathers inputs. */
  step(input: Input): void {
    const life = this.#life;
    if (!life) return;
    const { world, knobs, monitor, view } = this.cluster;
    this.#steps++;
    life.raft.step(input);
    const status = life.raft.status();
    const message = input.type === "receive" ? input.message : null;
    world.trace.add(
      world.now,
      this.id,
      message ? message.type : input.type,
      status.term,
      status.commit,
      status.lastIndex,
    );
    if (input.type !== "tick") {
      world.trace.line(
        world.now,
        () =>
          `${this.id} ${status.role} t${status.term} c${status.commit} l${status.lastIndex} ⟵ ${show(input)}`,
      );
    }
    monitor.stepped(this, status, view);
    if (knobs.gather.max === 0) this.#release(life);
    else if (!life.gathering) {
      life.gathering = true;
      this.#later(world.between(knobs.gather.min, knobs.gather.max), () => {
        life.gathering = false;
        this.#release(life);
      });
    }
  }

  /** Does what the core asks for, after one input or after all of a turn. */
  #release(life: Life): void {
    if (life.raft.hasReady()) this.#handle(life, life.raft.ready());
    if (!this.#doomed) return;
    const kind = this.#doomed;
    this.#doomed = null;
    this.cluster.crashed(this, kind);
  }

  #handle(life: Life, ready: Ready): void {
    const { world, knobs, monitor, network } = this.cluster;
    for (const event of ready.events) this.#note(life, event);
    for (const { context, index, term } of ready.accepted) life.proposals.accepted(context, index, term);
    for (const { context } of ready.refused) life.proposals.refused(context);
    if (ready.store) {
      monitor.storeRequested(this, ready.store);
      if (life.store)
        throw new Error(
          `${this.id} asks for store ${ready.store.ticket} before ${life.store.ticket} is stored`,
        );
      life.store = ready.store;
      if (ready.store.compactTo > 0) this.cluster.counts.add("event compaction");
    }
    const crashAfter =
      this.cluster.faultsOn && this.#doomed && world.chance(knobs.crashMidStep)
        ? world.integer(0, ready.messages.length)
        : Number.POSITIVE_INFINITY;
    const writeFirst = world.chance(0.5);
    if (writeFirst) this.#maybeWrite(life);
    for (const [i, message] of ready.messages.entries()) {
      if (i >= crashAfter) return;
      monitor.messageSent(this, message);
      world.trace.line(world.now, () => `${this.id}   sends ${showMessage(message)}`);
      network.send(message);
    }
    this.#maybeWrite(life);
    for (const entry of ready.apply) life.toApply.push(entry);
    this.#maybeApply(life);
    for (const context of ready.readsRefused) {
      monitor.readEnded(this.#readView(context));
      life.reads.refused(context);
    }
    for (const { context, index } of ready.reads) {
      monitor.readGranted(this.#readView(context), index);
      life.reads.granted(context, index);
    }
    if (ready.reads.length > 0) life.reads.serve(life.machine);
    for (const { id, from, to, maxBytes } of ready.fetch) {
      this.#later(world.between(knobs.write.min, knobs.write.max), () => {
        const entries = this.durable.read(from, to, maxBytes);
        this.cluster.counts.add("event log read");
        if (entries.length > 0) this.step({ type: "fetched", id, entries });
      });
    }
  }

  #note(life: Life, event: RaftEvent): void {
    const { world, knobs, counts, faultsOn } = this.cluster;
    world.trace.line(world.now, () => `${this.id}   ${JSON.stringify(event)}`);
    counts.add(`event ${event.type}`);
    if (!faultsOn || this.#doomed) return;
    if (event.type === "committed") {
      if (
        knobs.crashAtCommit > 0 &&
        life.raft.status().role === "leader" &&
        world.chance(knobs.crashAtCommit)
      ) {
        this.#doomed = "crash at a commit";
      }
    } else if (
      (event.type === "roleChanged" && event.role !== "follower") ||
      (event.type === "voteGranted" && !event.preVote)
    ) {
      if (world.chance(knobs.crashAtElection)) this.#doomed = "crash at an election";
    }
  }

  #maybeWrite(life: Life): void {
    if (this.durable.busy) return;
    if (!life.store && life.flushAt !== "due") return;
    const { world, knobs } = this.cluster;
    const { store } = life;
    life.store = null;
    // The state on disk never includes what the log on disk does not.
    const end = store?.entries.at(-1)?.index ?? this.durable.last.index;
    const flushable = life.unflushed.findIndex((entry) => entry.index > end);
    const count = Math.min(effectsPerBatch, flushable < 0 ? life.unflushed.length : flushable);
    const applied = life.unflushed.splice(0, count);
    life.flushAt = "never";
    if (!store && applied.length === 0) return;
    this.durable.begin({ store, applied });
    const slow = world.now < this.#writesSlowUntil;
    const span = slow ? knobs.slowWrite : knobs.write;
    world.after(world.between(span.min, span.max), () => {
      if (this.#life !== life) return;
      const batch = this.durable.complete();
      this.#run(() => this.#written(life, batch));
    });
  }

  #written(life: Life, { store, applied }: Batch): void {
    if (store) this.step({ type: "stored", ticket: store.ticket });
    if (this.#life !== life) return;
    if (applied.length > 0) this.#reportApplied(life);
    if (this.#life !== life) return;
    this.#flushLater(life);
    this.#maybeWrite(life);
  }

  #maybeApply(life: Life): void {
    if (life.applying || life.toApply.length === 0) return;
    const { world, knobs, monitor } = this.cluster;
    life.applying = true;
    this.#later(world.between(knobs.apply.min, knobs.apply.max), () => {
      life.applying = false;
      for (const entry of life.toApply.splice(0, world.integer(1, 20))) {
        const result = life.machine.apply(entry);
        monitor.entryApplied(this, entry, life.machine.digest);
        life.unflushed.push(entry);
        life.proposals.executed(entry, result as CommandResult);
      }
      this.#reportApplied(life);
      if (this.#life !== life) return;
      life.reads.serve(life.machine);
      this.#flushLater(life);
      this.#maybeApply(life);
    });
  }

  #reportApplied(life: Life): void {
    this.step({ type: "applied", applied: life.machine.applied, durable: this.#reportable(life) });
  }

  /** While a finished batch waits for the process to go on, it is durable but not yet known to be. */
  #reportable(life: Life): Index {
    return Math.min(this.durable.applied, life.machine.applied);
  }

  #flushLater(life: Life): void {
    if (life.unflushed.length === 0 || life.flushAt !== "never") return;
    life.flushAt = "scheduled";
    this.#later(this.cluster.knobs.idleFlush, () => {
      if (life.flushAt !== "scheduled") return;
      life.flushAt = "due";
      this.#maybeWrite(life);
    });
  }

  #readView(context: number): { readonly node: NodeId; readonly life: number; readonly context: number } {
    return { node: this.id, life: this.#lives, context };
  }
}

function show(input: Input): string {
  if (input.type === "receive") return showMessage(input.message);
  if (input.type === "propose") return `propose ${input.proposals.length}`;
  if (input.type === "fetched") return `fetched ${input.entries[0]?.index}…${input.entries.at(-1)?.index}`;
  return JSON.stringify(input);
}

function showMessage(message: Message): string {
  if (message.type !== "appendEntries") return JSON.stringify(message);
  return JSON.stringify({
    ...message,
    entries: message.entries.map(({ index, term }) => `${term}@${index}`),
  });
}
