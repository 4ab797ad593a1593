import type { RaftLog } from "@quorate/raft";
import { type Entry, EntryType, type Index, type Restored } from "@quorate/raft/core";
import { ExecutionGate, type Held, requireStrikable } from "@quorate/raft/testing";
import type { Life } from "./life.js";
import { decodeCommand, ExecutedHere } from "./machine.js";

const ignore = () => undefined;
const silent: RaftLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Executes the committed entries of one life, a slice at a time, where the driver's gate lets it. */
export class Execution {
  readonly #life: Life;
  readonly #gate: ExecutionGate;
  readonly #queue: Entry[] = [];
  #running = false;

  constructor(life: Life, restored: Restored) {
    const { node } = life;
    const { plantedBugs } = node.cluster.knobs;
    const anything = plantedBugs.has("struckWhileUncommitted");
    this.#life = life;
    this.#gate = new ExecutionGate({
      notes: node.notes ?? undefined,
      holdBefore: undefined,
      restored: plantedBugs.has("strikesForgotten") ? { ...restored, voids: [] } : restored,
      isOfEntry: () => true,
      commit: () => (anything ? Number.MAX_SAFE_INTEGER : life.raft.status().commit),
      lacksCommitted: () => life.raft.lacksCommitted,
      log: silent,
    });
  }

  /** The entry before which nothing more is executed. */
  get held(): Held | null {
    return this.#gate.held;
  }

  /** Throws `StrikeRefused`, as the driver does. */
  requireStrikable(index: Index): void {
    const status = this.#life.raft.status();
    requireStrikable(index, { status, gate: this.#gate, next: this.#queue[0] });
  }

  push(entries: readonly Entry[]): void {
    for (const entry of entries) this.#queue.push(entry);
  }

  stored(entries: readonly Entry[]): void {
    this.#gate.stored(entries);
  }

  /** What was to be executed belongs to the state before. */
  installed(index: Index): void {
    this.#queue.length = 0;
    this.#gate.installed(index);
  }

  /** Soon, if there is anything that may be executed. */
  run(): void {
    const [first] = this.#queue;
    if (this.#running || first === undefined || this.#gate.verdict(first) === "wait") return;
    const life = this.#life;
    const { world, knobs } = life.node.cluster;
    this.#running = true;
    life.later(world.between(knobs.apply.min, knobs.apply.max), () => {
      this.#running = false;
      for (const entry of this.#nextEntries(world.integer(1, 20))) {
        const struck = this.#gate.verdict(entry) === "strike";
        if (!struck && this.#endsProcess(entry)) return;
        const result = struck ? life.machine.strike(entry) : life.machine.apply(entry);
        this.#gate.ended(entry);
        life.executed(entry, struck, result);
      }
      this.#gate.paused();
      life.paused();
      if (!life.over) this.run();
    });
  }

  /** Those that may be executed now, out of the queue one by one: each may be the last. */
  *#nextEntries(most: number): Iterable<Entry> {
    for (let i = 0; i < most; i++) {
      const [next] = this.#queue;
      if (next === undefined || this.#gate.verdict(next) === "wait") return;
      this.#queue.shift();
      yield next;
    }
  }

  /** True: this life is over, with a word about the entry or without one. */
  #endsProcess(entry: Entry): boolean {
    const { node, machine } = this.#life;
    const { cluster } = node;
    if (entry.type === EntryType.void && !machine.goesOnBehind(entry)) {
      this.#gate.failed(entry, new ExecutedHere(`${entry.index}`));
      node.condemn();
      cluster.crashed(node, "stopped: executed what is struck out");
      return true;
    }
    if (entry.type !== EntryType.application) return false;
    this.#gate.begins(entry);
    const command = decodeCommand(entry);
    if (command.kind !== "fatal" || !node.diesOf(entry.index, command)) return false;
    if (cluster.world.chance(0.5)) this.#gate.failed(entry, new Error("out of memory"));
    cluster.crashed(node, "ended by an entry");
    return true;
  }
}
