/** Hands committed entries out, each once and in order, never more at a time than the state machine can take. */
import { broken } from "./assert.js";
import { ByteWindow } from "./byte-window.js";
import { entryBytes, type Log } from "./log.js";
import type { Entry, Index } from "./types.js";

export class Applier {
  /** Last entry handed out. */
  handed: Index;
  /** Last entry reported as executed. */
  applied: Index;
  /** Last entry whose effects are reported as durable. */
  durable: Index;
  /** The outstanding `Ready.fetch` for entries to apply. */
  fetching: number | null = null;
  readonly #pending = new ByteWindow();
  #fetched: readonly Entry[] = [];

  constructor(applied: Index) {
    this.handed = applied;
    this.applied = applied;
    this.durable = applied;
  }

  report(applied: Index, durable: Index): void {
    if (applied < this.applied || applied > this.handed || durable < this.durable || durable > applied) {
      throw broken("what is reported as applied must grow and stay within what was handed out", {
        applied,
        durable,
        appliedBefore: this.applied,
        durableBefore: this.durable,
        handed: this.handed,
      });
    }
    this.applied = applied;
    this.durable = durable;
    this.#pending.releaseTo(applied);
  }

  /** A snapshot took the place of the state: nothing up to `index` is of interest any more. */
  reset(index: Index): void {
    this.handed = index;
    this.applied = index;
    this.durable = index;
    this.fetching = null;
    this.#pending.clear();
    this.#fetched = [];
  }

  /** Anything to hand out or to fetch now? */
  isDue(commit: Index, bytesMax: number): boolean {
    return this.fetching === null && this.handed < commit && this.#hasRoom(bytesMax);
  }

  /** The next entries to execute; empty when there is no room, nothing committed, or a fetch is needed. */
  take(log: Log, commit: Index, bytesMax: number): Entry[] {
    if (this.handed >= commit || this.fetching !== null || !this.#hasRoom(bytesMax)) return [];
    const room = bytesMax - this.#pending.bytes;
    const from = this.handed + 1;
    const entries =
      this.#fetched.length > 0
        ? this.#takeFetched(room)
        : from >= log.cacheFirst
          ? log.slice(from, commit, room)
          : [];
    for (const entry of entries) this.#pending.push(entry.index, entryBytes(entry));
    this.handed += entries.length;
    return entries;
  }

  /** After `take`: the next entry to execute is neither in memory nor fetched. */
  needsFetch(log: Log, commit: Index, bytesMax: number): boolean {
    return this.isDue(commit, bytesMax) && this.#fetched.length === 0 && this.handed + 1 < log.cacheFirst;
  }

  /** Entries read from disk: committed long ago, so they are what the log holds. */
  fetched(entries: readonly Entry[], log: Log): void {
    this.fetching = null;
    for (const [position, entry] of entries.entries()) {
      const index = this.handed + 1 + position;
      if (entry.index !== index || entry.term !== log.termAt(index)) {
        throw broken("a fetched entry is not the one in the log", {
          index: entry.index,
          term: entry.term,
          expectedIndex: index,
          expectedTerm: log.termAt(index),
        });
      }
    }
    this.#fetched = entries;
  }

  #hasRoom(bytesMax: number): boolean {
    return this.#pending.count === 0 || this.#pending.bytes < bytesMax;
  }

  #takeFetched(room: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#fetched) {
      bytes += entryBytes(entry);
      if (bytes > room && entries.length > 0) break;
      entries.push(entry);
    }
    this.#fetched = this.#fetched.slice(entries.length);
    return entries;
  }
}
