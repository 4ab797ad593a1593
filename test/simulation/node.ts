import {
  createRandom,
  type Index,
  type Input,
  type MembershipChange,
  type Message,
  type NodeId,
  type Standing,
  type Status,
} from "@quorate/raft/core";
import type { OpenCall } from "../invariants/every-call-ends.js";
import type { HeldMembership } from "../invariants/observation.js";
import type { Cluster } from "./cluster.js";
import { Disk } from "./disk.js";
import type { Span } from "./knobs.js";
import { Life } from "./life.js";
import type { Command, Machine } from "./machine.js";
import { Notes } from "./notes.js";
import type { ProposalSettled } from "./open-proposals.js";
import type { ReadSettled } from "./open-reads.js";

const tickInput: Input = { type: "tick" };

/** One server: a disk, and one life after another on it. */
export class Node {
  #life: Life | null = null;
  #lives = 0;
  #paused = false;
  /** What arrived while the process stood still. */
  readonly #inbox: { readonly run: () => void; readonly lost: (() => void) | undefined }[] = [];
  #tickMissed = false;
  #writesSlowUntil = 0;
  #steps = 0;

  #durable: Disk;
  #disks = 1;
  #incarnation: string;
  #admitted: boolean;
  #forgotten: Index = 0;
  #inForce: HeldMembership | undefined;
  #condemned = false;
  /** Entries that it was given enough memory for. */
  readonly #bearable = new Set<Index>();
  /** Commands that ended a process here once, by accident. */
  readonly #accidents = new Set<number>();
  /** Null where no command is fatal. */
  readonly notes: Notes | null;

  constructor(
    readonly id: NodeId,
    readonly cluster: Cluster,
    durable: Disk,
  ) {
    this.#durable = durable;
    this.#incarnation = `${id}-${this.#disks}`;
    this.#admitted = durable.last.index > 0;
    this.notes = cluster.knobs.fatalEvery > 0 ? new Notes(id) : null;
  }

  /** What survives a crash. */
  get durable(): Disk {
    return this.#durable;
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** False: an empty disk that no membership was seen to mean; nobody talks to it. */
  get admitted(): boolean {
    return this.#admitted;
  }

  admit(): void {
    this.#admitted = true;
  }

  /** Its disk forgot acknowledged entries up to there, and neither was that noticed nor were they sent again; 0: none. */
  get forgotten(): Index {
    if (this.#forgotten <= this.durable.last.index) this.#forgotten = 0;
    return this.#forgotten;
  }

  /** While it is down: all behind `last` is gone from the disk, which knows nothing of it. */
  forgetAfter(last: Index): void {
    this.#forgotten = this.durable.last.index;
    this.durable.forgetAfter(last);
    // What was promised with these entries is kept by others: see who calls.
    this.cluster.monitor.diskReplaced(this);
  }

  /** The leader remembers what this disk does not: its life is over, and the disk begins another one. */
  rebuild(): void {
    if (this.forgotten === 0) throw new Error(`${this.id} forgot nothing`);
    this.cluster.crashed(this, "forgotten entries noticed");
    this.replaceDisk();
  }

  /** The disk is lost, with all that was promised on it; a new one takes its place. */
  replaceDisk(): void {
    const { id, incarnation, durable } = this;
    this.cluster.lostDisks.push({ id, incarnation, durable });
    this.#incarnation = `${id}-${++this.#disks}`;
    this.#durable = new Disk(this.cluster.world, null, this.cluster.knobs.plantedBugs);
    this.#admitted = false;
    this.#forgotten = 0;
    this.#condemned = false;
    this.notes?.clear();
    this.cluster.monitor.diskReplaced(this);
  }

  /** The entry before which it executes nothing more; 0: none, or it is down. */
  get held(): Index {
    return this.#life?.held?.index ?? 0;
  }

  /** What it executed is struck out: it stops again and again, until its place is given to an empty disk. */
  get condemned(): boolean {
    return this.#condemned;
  }

  condemn(): void {
    this.#condemned = true;
  }

  /** From its next start on it survives that entry. */
  giveMemory(index: Index): void {
    this.#bearable.add(index);
    this.notes?.clear();
  }

  /** Whether executing a fatal command ends this process. Every third one is an accident: it does so once on each node. */
  diesOf(index: Index, { id }: Command): boolean {
    const { knobs } = this.cluster;
    if (this.#bearable.has(index) || (this.id === `n${knobs.fatalSurvivor}` && this.#disks === 1))
      return false;
    if (id % 3 > 0) return true;
    const known = this.#accidents.has(id);
    this.#accidents.add(id);
    return !known;
  }

  /** In force, as the running core says, or as the disk has it. */
  get membership(): HeldMembership | undefined {
    const raft = this.#life?.raft;
    if (raft === undefined) return this.#durable.memberships.at(-1);
    const membership = raft.membership();
    if (membership === null) return undefined;
    const index = raft.membershipIndex();
    // It is asked for several times a step, and hardly ever another one.
    if (this.#inForce?.membership !== membership || this.#inForce.index !== index) {
      this.#inForce = { index, membership };
    }
    return this.#inForce;
  }

  /** Number of the current life, or of the last one. */
  get life(): number {
    return this.#lives;
  }

  get up(): boolean {
    return this.#life !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Inputs that the cores of all lives took. */
  get steps(): number {
    return this.#steps;
  }

  countStep(): void {
    this.#steps++;
  }

  get machine(): Machine | null {
    return this.#life?.machine ?? null;
  }

  /** The part of `status` that is free of cost; null while down. */
  standing(): Standing | null {
    return this.#life?.raft.standing() ?? null;
  }

  /** Null while down. */
  status(): Status | null {
    return this.#life?.raft.status() ?? null;
  }

  openCalls(): readonly OpenCall[] {
    const life = this.#life;
    if (!life) return [];
    return [...life.proposals.describe(), ...life.reads.describe(), ...life.openChanges].map((what) => ({
      node: this.id,
      what,
    }));
  }

  start(): void {
    if (this.#life) return;
    const { world, knobs, monitor } = this.cluster;
    this.#lives++;
    monitor.nodeStarted(this, this.#lives);
    const { term, vote, commit } = this.durable.hardState;
    world.trace.line(
      world.now,
      () => `${this.id} starts, life ${this.#lives}: term ${term}, vote ${vote}, commit ${commit}`,
    );
    const life = new Life(this, this.#lives, createRandom(world.integer(0, 2 ** 32 - 1)));
    this.#life = life;
    const rate = 1 + world.between(-knobs.clockDrift, knobs.clockDrift);
    this.#tickLater(life, knobs.tick * rate, world.between(0, knobs.tick));
  }

  /** The power goes. The batch in flight is kept or not, by chance. */
  crash(): void {
    const life = this.#life;
    if (!life) return;
    const { world, knobs } = this.cluster;
    world.trace.line(world.now, () => `${this.id} crashes`);
    world.trace.add(world.now, this.id, "crash", 0, 0, 0);
    this.durable.crash(world.chance(knobs.keepBatchShare));
    if (this.notes !== null && world.chance(0.2)) this.notes.tear();
    this.#life = null;
    this.#paused = false;
    this.#tickMissed = false;
    for (const { lost } of this.#inbox.splice(0)) lost?.();
    life.end();
  }

  /** The process stands still (SIGSTOP): the disk and the network go on without it. */
  pause(): void {
    if (this.#life) this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const life = this.#life;
    // One late tick at most, before or after what waits in the sockets.
    const tickFirst = this.#tickMissed && this.cluster.world.chance(0.5);
    if (tickFirst) life?.step(tickInput);
    // A crash on the way empties the inbox.
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) next.run();
    if (this.#life !== life) return;
    if (this.#tickMissed && !tickFirst) life?.step(tickInput);
    this.#tickMissed = false;
  }

  /** Writes that begin before `until` take long. */
  slowWrites(until: number): void {
    this.#writesSlowUntil = until;
  }

  get writeSpan(): Span {
    const { world, knobs } = this.cluster;
    return world.now < this.#writesSlowUntil ? knobs.slowWrite : knobs.write;
  }

  accepts(from: NodeId, incarnation: string): boolean {
    return this.cluster.mayTalk(from, incarnation, this);
  }

  /** From the disk `incarnation` of `message.from`. */
  receive(message: Message, incarnation: string): void {
    if (this.accepts(message.from, incarnation)) this.input({ type: "receive", message, incarnation });
  }

  /** An input from outside; waits while the process is stopped, is lost while it is down. */
  input(input: Input): void {
    const life = this.#life;
    if (life === null) return;
    if (this.#paused) this.run(() => life.step(input));
    else life.step(input);
  }

  /** Something else from outside, like an input. */
  withLife(act: (life: Life) => void): void {
    const life = this.#life;
    if (life) this.run(() => act(life));
  }

  /** Ends by itself: done, refused, or with this leadership. */
  change(change: MembershipChange): void {
    const life = this.#life;
    if (life) this.run(() => life.change(change));
  }

  propose(command: Command, settle: ProposalSettled): void {
    const life = this.#life;
    if (life)
      this.run(
        () => life.propose(command, settle),
        () => settle({ kind: "unknown" }),
      );
    else settle({ kind: "refused" });
  }

  /** A linearizable read of one register. */
  read(key: string, settle: ReadSettled): void {
    const life = this.#life;
    if (life)
      this.run(
        () => life.read(key, settle),
        () => settle({ kind: "refused" }),
      );
    else settle({ kind: "refused" });
  }

  /** Now, or when the process goes on; `lost` when it crashes before that. Only called while up. */
  run(run: () => void, lost?: () => void): void {
    if (this.#paused) this.#inbox.push({ run, lost });
    else run();
  }

  #tickLater(life: Life, period: number, delay: number): void {
    const { world } = this.cluster;
    const tick = () => {
      if (life.over) return;
      if (this.#paused) this.#tickMissed = true;
      else life.step(tickInput);
      world.after(period, tick);
    };
    world.after(delay, tick);
  }
}
