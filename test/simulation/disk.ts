import {
  birthRecord,
  decodeMembership,
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type LogId,
  type Membership,
  type NodeId,
  type PlantedBug,
  type Restored,
  type SnapshotHead,
  type StoreRequest,
  type Term,
  type TermRun,
} from "@quorate/raft/core";
import type { DurableView, HeldMembership } from "../invariants/observation.js";
import { Machine, type StatePair } from "./machine.js";
import type { World } from "./world.js";

/** One atomic batch: what Raft wants stored, then the effects of entries applied since the last one. */
export interface Batch {
  readonly store: StoreRequest | null;
  readonly applied: readonly Executed[];
  readonly chunk: ReceivedChunk | null;
}

export interface Executed {
  readonly entry: Entry;
  /** It was struck out instead. */
  readonly struck: boolean;
}

/** A part of somebody's snapshot, to be put beside the state in use. */
export interface ReceivedChunk {
  readonly from: NodeId;
  readonly last: LogId;
  /** Null: it is the first one, and whatever was received before goes. */
  readonly after: string | null;
  readonly pairs: readonly StatePair[];
}

/** What was received of a snapshot so far: enough to go on after a crash. */
export interface Incoming {
  readonly from: NodeId;
  readonly last: LogId;
  readonly pairs: readonly StatePair[];
  /** The last key received. */
  readonly cursor: string | null;
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
  #incoming: Incoming | null = null;
  #inFlight: Batch | null = null;
  /** Of the log, and the last one that compaction cut away; ascending. */
  #memberships: HeldMembership[];

  /** Without a membership it is empty: a newcomer's. */
  constructor(
    readonly world: World,
    membership: Membership | null,
    readonly plantedBugs: ReadonlySet<PlantedBug>,
  ) {
    const birth = membership === null ? null : birthRecord(membership);
    this.#hardState = birth?.hardState ?? { term: 0, vote: null, commit: 0 };
    this.#log = birth === null ? [] : [birth.entry];
    this.#memberships = membership === null ? [] : [{ index: 1, membership }];
  }

  get memberships(): readonly HeldMembership[] {
    return this.#memberships;
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

  get digest(): number {
    return this.#machine.digest;
  }

  get struck(): readonly Index[] {
    return this.#machine.struck;
  }

  get incoming(): Incoming | null {
    return this.#incoming;
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
    if (batch && kept) this.#write(batch, true);
  }

  /** The newest entries vanish without a trace, as with a database that lost the end of its write-ahead log. */
  forgetAfter(last: Index): void {
    this.#log.length = last - this.#compacted.index;
    this.#memberships = this.#memberships.filter(({ index }) => index <= last);
    this.#hardState = { ...this.#hardState, commit: Math.min(this.#hardState.commit, last) };
  }

  #write({ store, applied, chunk }: Batch, tornInstall = false): void {
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
      this.#memberships = this.#memberships.filter(({ index }) => index < first.index);
      for (const entry of store.entries) {
        this.#log.push(entry);
        if (entry.type !== EntryType.membership) continue;
        this.#memberships.push({ index: entry.index, membership: decodeMembership(entry.data) });
      }
    }
    const before = this.#machine.applied;
    for (const { entry, struck } of applied) {
      if (struck) this.#machine.strike(entry);
      else this.#machine.apply(entry);
    }
    if (this.plantedBugs.has("effectsWithoutApplied"))
      this.#machine = Machine.of(this.#machine.pairs(), before);
    if (store && store.compactTo > this.#compacted.index) this.#compact(store.compactTo);
    if (chunk) this.#receive(chunk);
    if (store?.install) this.#install(store.install, tornInstall);
  }

  #compact(to: Index): void {
    const term = this.termAt(to);
    if (term === undefined) throw new Error(`compaction to ${to}, beyond the log's end ${this.last.index}`);
    this.#log.splice(0, to - this.#compacted.index);
    this.#compacted = { index: to, term };
    while ((this.#memberships[1]?.index ?? Infinity) <= to) this.#memberships.shift();
  }

  #receive({ from, last, after, pairs }: ReceivedChunk): void {
    const before = after === null ? [] : (this.#incoming?.pairs ?? []);
    const cursor = pairs.at(-1)?.[0] ?? after;
    this.#incoming = { from, last, pairs: [...before, ...pairs], cursor };
  }

  #install({ last, membership }: SnapshotHead, torn: boolean): void {
    const incoming = this.#incoming;
    if (!incoming || incoming.last.index !== last.index || incoming.last.term !== last.term) {
      throw new Error(`a snapshot up to ${last.index} is installed that was not received`);
    }
    this.#log = [];
    this.#compacted = last;
    this.#memberships = [membership];
    if (torn && this.plantedBugs.has("installNotAtomic")) return;
    this.#machine = Machine.of(incoming.pairs, last.index);
    this.#incoming = null;
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

  /** Of the newest entry in the log that is one of these; 0: none. */
  lastIndexOf(isOne: (entry: Entry) => boolean): Index {
    return this.#log.findLast(isOne)?.index ?? 0;
  }

  machine(): Machine {
    return new Machine(this.#machine);
  }

  /** What a snapshot of the state on disk is of. */
  head(): SnapshotHead {
    const { index: compacted } = this.#compacted;
    const index = this.#machine.applied;
    const term = index === compacted ? this.#compacted.term : this.termAt(index);
    if (term === undefined)
      throw new Error(`applied ${index} is not in a log of ${compacted + 1}…${this.last.index}`);
    const membership = this.#memberships.findLast((held) => held.index <= index);
    if (membership === undefined) throw new Error(`no membership is known at ${index}`);
    return { last: { index, term }, membership };
  }

  /** What a node finds when it starts; `tailLength` newest entries come along. */
  restore(tailLength: number): Restored {
    const terms: TermRun[] = [];
    for (const entry of this.#log) {
      if (terms.at(-1)?.term !== entry.term) terms.push({ first: entry.index, term: entry.term });
    }
    const before = this.#memberships.at(-2);
    return {
      hardState: this.#hardState,
      compacted: this.#compacted,
      terms,
      tail: this.#log.slice(-Math.max(1, tailLength)),
      last: { index: this.last.index, term: this.last.term },
      membership: this.#memberships.at(-1) ?? null,
      ...(before && { membershipBefore: before }),
      applied: this.#machine.applied,
      voids: this.#log.filter(({ type }) => type === EntryType.void),
      logBytes: this.#log.reduce((sum, { data }) => sum + data.length, 0),
    };
  }
}
