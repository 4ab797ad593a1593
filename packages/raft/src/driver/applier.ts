/** Executes committed entries, in order, a slice at a time. */
import { decodeVoid, type Entry, EntryType, type Index } from "../core/index.js";
import type { ApplyOutcome, Clock, StateMachine } from "../ports/index.js";
import type { ExecutionGate } from "./execution-gate.js";
import type { Overlay } from "./overlay.js";

/** How long entries are executed before sockets and timers get their turn. */
const sliceMs = 5;

export interface ApplierHandlers<Result> {
  /** The entry was executed; `result` is null for entries that are Raft's own. */
  onApplied(entry: Entry, outcome: ApplyOutcome<Result> | null): void;
  /** An entry that had to wait for data is done: `run` can go on. */
  onResumed(): void;
  /** The state machine threw: nothing of that entry was kept, and nothing after it will be executed. */
  onFailure(entry: Entry, error: unknown): void;
}

type Gate = Pick<ExecutionGate, "verdict" | "begins" | "ended" | "failed" | "paused">;

export class Applier<Result> {
  readonly #machine: StateMachine<Result>;
  readonly #overlay: Overlay;
  readonly #clock: Clock;
  readonly #handlers: ApplierHandlers<Result>;
  readonly #gate: Gate;
  #queue: Entry[] = [];
  #head = 0;
  /** An entry is waiting for data. */
  #blocked = false;
  #stopped = false;
  /** Grows when the state is replaced: an entry that still waits for data belongs to the old one. */
  #state = 0;

  constructor(
    machine: StateMachine<Result>,
    overlay: Overlay,
    clock: Clock,
    handlers: ApplierHandlers<Result>,
    gate: Gate,
  ) {
    this.#machine = machine;
    this.#overlay = overlay;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#gate = gate;
  }

  /** Index of the last executed entry. */
  get applied(): Index {
    return this.#overlay.index;
  }

  /** Whether `run` would execute something now. */
  get runnable(): boolean {
    const { next } = this;
    if (next === undefined || this.#blocked || this.#stopped || this.#overlay.full) return false;
    return this.#gate.verdict(next) !== "wait";
  }

  /** The entry that is executed next, or right now; undefined when none is known to be committed. */
  get next(): Entry | undefined {
    return this.#queue[this.#head];
  }

  push(entries: readonly Entry[]): void {
    for (const entry of entries) this.#queue.push(entry);
  }

  /**
   * Executes until the queue is empty, the slice is used up, the overlay is full (the writer makes room), an
   * entry has to wait for data, or the gate says to wait.
   */
  run(): void {
    if (!this.runnable) return;
    this.#runSlice();
    if (!this.#blocked && !this.#stopped) this.#gate.paused();
  }

  #runSlice(): void {
    const start = this.#clock.monotonicMs();
    for (let entry = this.#queue[this.#head]; entry !== undefined; entry = this.#queue[this.#head]) {
      if (this.#overlay.full || this.#gate.verdict(entry) === "wait") return;
      if (!this.#execute(entry)) return;
      if (this.#clock.monotonicMs() - start >= sliceMs) return;
    }
  }

  /** Another state took the place of the one that the queued entries were for. */
  reset(): void {
    this.#queue = [];
    this.#head = 0;
    this.#blocked = false;
    this.#state++;
  }

  /** Executes nothing any more; the outcome of an entry that waits for data is ignored. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#head = 0;
  }

  /** Returns whether the entry is done. */
  #execute(entry: Entry): boolean {
    if (entry.index !== this.#overlay.index + 1) {
      throw new Error(`entry ${entry.index} came for execution after entry ${this.#overlay.index}`);
    }
    let outcome: ApplyOutcome<Result> | Promise<ApplyOutcome<Result>> | null;
    try {
      outcome = this.#outcomeOf(entry);
    } catch (error) {
      this.#fail(entry, error);
      return false;
    }
    if (outcome instanceof Promise) {
      this.#finishLater(entry, outcome);
      return false;
    }
    this.#finish(entry, outcome);
    return true;
  }

  /** Null for entries that are Raft's own. */
  #outcomeOf(entry: Entry): ApplyOutcome<Result> | Promise<ApplyOutcome<Result>> | null {
    if (entry.type === EntryType.application) {
      if (this.#gate.verdict(entry) === "strike") return this.#machine.strike(entry, this.#overlay);
      this.#gate.begins(entry);
      return this.#machine.apply(entry, this.#overlay);
    }
    const struck = entry.type === EntryType.void ? decodeVoid(entry.data) : null;
    return struck === null ? null : this.#machine.confirmStrike(entry, struck, this.#overlay);
  }

  #finishLater(entry: Entry, outcome: Promise<ApplyOutcome<Result>>): void {
    this.#blocked = true;
    const state = this.#state;
    outcome.then(
      (value) => {
        if (this.#stopped || this.#state !== state) return;
        this.#blocked = false;
        this.#finish(entry, value);
        this.#handlers.onResumed();
      },
      (error: unknown) => {
        if (!this.#stopped && this.#state === state) this.#fail(entry, error);
      },
    );
  }

  #finish(entry: Entry, outcome: ApplyOutcome<Result> | null): void {
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    this.#overlay.push(entry.index, entry.term, outcome?.effects ?? []);
    this.#gate.ended(entry);
    this.#handlers.onApplied(entry, outcome);
  }

  #fail(entry: Entry, error: unknown): void {
    this.stop();
    this.#gate.failed(entry, error);
    this.#handlers.onFailure(entry, error);
  }
}
