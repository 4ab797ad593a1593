import {
  birthRecord,
  type Entry,
  type HardState,
  type Index,
  type LogId,
  type Membership,
  type Restored,
  type StoreRequest,
  type Term,
  type TermRun,
} from "@quorate/raft/core";
import type { DurableView } from "../invariants/observation.js";
import { Machine } from "./machine.js";
import type { World } from "./world.js";

/** One atomic batch: what Raft wants stored, then the effects of entries applied since the last one. */
export interface Batch {
  readonly store: StoreRequest | null;
  readonly applied: readonly Entry[];
}

/**
 * A disk that holds exactly the batches that were synced. A batch in flight when its node crashes is on the
 * disk afterwards or is not, as a whole: that is what an atomic batch of a database promises.
 */
export class Disk implements DurableView {
  #hardState: HardState;
  #compacted: LogId = { index: 0, term: 0 };
  /** Entries after `#compacted`. */
  #log: Entry[];
  #machine = new Machine();
  #inFlight: Batch | null = null;
  readonly #membership: Membership;

  constructor(
    readonly world: World,
    membership: Membership,
  ) {
    const birth = birthRecord(membership);
    this.#membership = membership;
    this.#hardState = birth.hardState;
    this.#log = [birth.entry];
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get compacted(): LogId {
    return this.#compacted;
  }

  get last(): LogId {
    return this.#log.at(-1) ?? this.#compacted;
  }

  get applied(): Index {
    return this.#machine.applied;
  }

  get busy(): boolean {
    return this.#inFlight !== null;
  }

  termAt(index: Index): Term | undefined {
    return this.#log[index - this.#compacted.index - 1]?.term;
  }

  /** Throws when another batch is in flight: the driver must keep to one. */
  begin(batch: Batch): void {
    if (this.#inFlight) throw new Error("a second batch while one is in flight");
    this.#inFlight = batch;
  }

  /** The batch in flight is durable from now on. */
  complete(): Batch {
    const batch = this.#inFlight;
    if (!batch) throw new Error("no batch is in flight");
    this.#inFlight = null;
    this.#write(batch);
    return batch;
  }

  /** The power goes: the batch in flight made it to the disk, or did not. */
  crash(kept: boolean): void {
    const batch = this.#inFlight;
    this.#inFlight = null;
    if (batch && kept) this.#write(batch);
  }

  #write({ store, applied }: Batch): void {
    if (store?.hardState) this.#hardState = store.hardState;
    const first = store?.entries[0];
    if (store && first) {
      const keep = first.index - this.#compacted.index - 1;
      if (keep < 0 || keep > this.#log.length) {
        throw new Error(
          `entries from ${first.index} do not fit a log of ${this.#compacted.index + 1}…${this.last.index}`,
        );
      }
      this.#log.length = keep;
      for (const entry of store.entries) this.#log.push(entry);
    }
    for (const entry of applied) this.#machine.apply(entry);
    if (store && store.compactTo > this.#compacted.index) {
      const term = this.termAt(store.compactTo);
      if (term === undefined)
        throw new Error(`compaction to ${store.compactTo}, beyond the log's end ${this.last.index}`);
      this.#log.splice(0, store.compactTo - this.#compacted.index);
      this.#compacted = { index: store.compactTo, term };
    }
  }

  /** At least one entry, fewer than asked for when `maxBytes` is reached; empty when the log no longer has them. */
  read(from: Index, to: Index, maxBytes: number): readonly Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let i = from; i <= to; i++) {
      const entry = this.#log[i - this.#compacted.index - 1];
      if (!entry) break;
      bytes += entry.data.length;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(entry);
    }
    return found;
  }

  machine(): Machine {
    return new Machine(this.#machine);
  }

  /** What a node finds when it starts; `tailLength` newest entries come along. */
  restore(tailLength: number): Restored {
    const terms: TermRun[] = [];
    for (const entry of this.#log) {
      if (terms.at(-1)?.term !== entry.term) terms.push({ first: entry.index, term: entry.term });
    }
    return {
      hardState: this.#hardState,
      compacted: this.#compacted,
      terms,
      tail: this.#log.slice(-Math.max(1, tailLength)),
      last: { index: this.last.index, term: this.last.term },
      membership: { index: 1, membership: this.#membership },
      applied: this.#machine.applied,
    };
  }
}
