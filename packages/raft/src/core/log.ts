/**
 * The log as the core sees it: the term of every entry (as runs), the newest entries themselves (bounded in
 * bytes), and how far the disk has it. Older entries are fetched from the disk by whoever needs them.
 *
 *     compacted │ on disk only │ in memory (cache)                     │
 *     ──────────┼──────────────┼────────────┬────────────┬─────────────┤ lastIndex
 *               │ terms known for all of it │ writing    │ unwritten   │
 *                                         durable   (ticket)
 */
import { broken, invariant } from "./assert.js";
import { LogSize } from "./log-size.js";
import { checkRestored } from "./restored.js";
import type { Entry, Index, LogId, Restored, Term, TermRun } from "./types.js";

/** Counted on top of an entry's payload, so that empty entries cannot pile up without bound. */
const entryOverheadBytes = 64;

/** What an entry counts in every limit in bytes. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

export class Log {
  /** The last entry that is gone; the log starts after it. */
  compacted: LogId;
  lastIndex: Index;
  lastTerm: Term;
  /** The disk holds this very log at least up to here. Falls when entries are replaced. */
  durable: Index;

  #runs: TermRun[];
  /** The newest entries, contiguous up to `lastIndex`; positions before `#head` are evicted. */
  #cache: (Entry | undefined)[];
  #head = 0;
  #cacheFirst: Index;
  #cacheBytes = 0;
  readonly #cacheBytesMax: number;

  #writingTicket = 0;
  /** The outstanding write brings this log up to here; falls when those entries are replaced meanwhile. */
  #writingTo: Index = 0;
  #unwrittenFrom: Index;
  /** The disk's log ends here once the outstanding write is done. */
  #diskLast: Index;
  readonly #staleStorageAck: boolean;
  #size: LogSize;

  constructor(restored: Restored, cacheBytesMax: number, staleStorageAck: boolean) {
    checkRestored(restored);
    this.compacted = restored.compacted;
    this.lastIndex = restored.last.index;
    this.lastTerm = restored.last.term;
    this.durable = restored.last.index;
    this.#unwrittenFrom = restored.last.index + 1;
    this.#diskLast = restored.last.index;
    this.#runs = [...restored.terms];
    this.#cache = [...restored.tail];
    this.#cacheFirst = restored.last.index + 1 - restored.tail.length;
    this.#size = new LogSize(restored.compacted.index);
    let tailBytes = 0;
    for (const entry of restored.tail) tailBytes += entry.data.length;
    // Of what lies before the tail only the sum is known.
    const older = this.#cacheFirst - 1 - restored.compacted.index;
    if (older > 0) {
      const bytes = Math.max(0, restored.logBytes - tailBytes) + older * entryOverheadBytes;
      this.#size.add(this.#cacheFirst - 1, bytes);
    }
    for (const entry of restored.tail) {
      this.#cacheBytes += entryBytes(entry);
      this.#size.add(entry.index, entryBytes(entry));
    }
    this.#cacheBytesMax = cacheBytesMax;
    this.#staleStorageAck = staleStorageAck;
    this.#evict();
  }

  /** First entry that the log holds, in memory or on disk. */
  get firstIndex(): Index {
    return this.compacted.index + 1;
  }

  /** First entry that is in memory; `lastIndex + 1` when none is. */
  get cacheFirst(): Index {
    return this.#cacheFirst;
  }

  /** Null before the compacted entry and after the last one. The term at index 0 is 0. */
  termAt(index: Index): Term | null {
    if (index > this.lastIndex || index < this.compacted.index) return null;
    if (index === this.compacted.index) return this.compacted.term;
    return this.#runs[this.#runOf(index)]?.term ?? null;
  }

  /** At least as up-to-date as this log (paper, section 5.4.1)? */
  isUpToDate(lastIndex: Index, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /**
   * The last entry at or before `index` whose term is at most `term`: an entry of a larger term cannot match
   * one of `term`, so whole terms are skipped. Used by both sides of a rejected AppendEntries.
   */
  lastAtMost(index: Index, term: Term): LogId {
    let at = Math.min(index, this.lastIndex);
    while (at > this.compacted.index) {
      const run = this.#runs[this.#runOf(at)];
      if (run === undefined) break;
      if (run.term <= term) return { index: at, term: run.term };
      at = run.first - 1;
    }
    return this.compacted;
  }

  /** Entries `from`…`to` out of memory, at least one, more only while they fit into `bytesMax`. */
  slice(from: Index, to: Index, bytesMax: number): Entry[] {
    if (from < this.#cacheFirst) {
      throw broken("entries are read that are not in memory", { from, cacheFirst: this.#cacheFirst });
    }
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = this.#cached(index);
      bytes += entryBytes(entry);
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  append(entry: Entry): void {
    if (entry.index !== this.lastIndex + 1 || entry.term < this.lastTerm) {
      throw broken("an entry must continue the log", {
        index: entry.index,
        term: entry.term,
        lastIndex: this.lastIndex,
        lastTerm: this.lastTerm,
      });
    }
    if (entry.term !== this.lastTerm || this.#runs.length === 0) {
      this.#runs.push({ first: entry.index, term: entry.term });
    }
    this.#cache.push(entry);
    this.#cacheBytes += entryBytes(entry);
    this.#size.add(entry.index, entryBytes(entry));
    this.lastIndex = entry.index;
    this.lastTerm = entry.term;
  }

  /** Cut off `index` and everything after it. What was written or is being written of it counts no more. */
  truncateFrom(index: Index): void {
    invariant(index > this.compacted.index, "a compacted entry is cut off", {
      index,
      compacted: this.compacted.index,
    });
    while ((this.#runs.at(-1)?.first ?? 0) >= index) this.#runs.pop();
    if (index <= this.#cacheFirst) this.#clearCache(index);
    else {
      const length = this.#head + (index - this.#cacheFirst);
      for (const entry of this.#cache.splice(length)) {
        if (entry !== undefined) this.#cacheBytes -= entryBytes(entry);
      }
    }
    this.#size.truncateFrom(index);
    this.lastIndex = index - 1;
    this.lastTerm = this.termAt(index - 1) ?? 0;
    this.durable = Math.min(this.durable, index - 1);
    this.#unwrittenFrom = Math.min(this.#unwrittenFrom, index);
    if (!this.#staleStorageAck) this.#writingTo = Math.min(this.#writingTo, index - 1);
  }

  get hasUnwritten(): boolean {
    return this.#unwrittenFrom <= this.lastIndex;
  }

  /** The next write replaces entries that are on disk. */
  get unwrittenReplaces(): boolean {
    return this.#unwrittenFrom <= this.#diskLast;
  }

  /** Everything not written yet, as the entries of the write `ticket`. */
  takeUnwritten(ticket: number): Entry[] {
    const entries = this.hasUnwritten ? this.slice(this.#unwrittenFrom, this.lastIndex, Infinity) : [];
    this.#writingTicket = ticket;
    this.#writingTo = this.lastIndex;
    this.#diskLast = this.lastIndex;
    this.#unwrittenFrom = this.lastIndex + 1;
    return entries;
  }

  /** The write `ticket` is durable: true when that moved `durable`. */
  stored(ticket: number): boolean {
    if (ticket !== this.#writingTicket) return false;
    const moved = this.#writingTo > this.durable;
    if (moved) this.durable = Math.min(this.#writingTo, this.lastIndex);
    this.#writingTo = 0;
    this.#evict();
    return moved;
  }

  /** The ticket after which the log up to `index` is durable: 0 = it is, `nextTicket` = not even being written. */
  ticketCovering(index: Index, nextTicket: number): number {
    if (index <= this.durable) return 0;
    return index <= this.#writingTo ? this.#writingTicket : nextTicket;
  }

  /** Forget entries up to `index`; only its term stays known. */
  compactTo(index: Index): void {
    const term = this.termAt(index);
    if (term === null || index > this.durable) {
      throw broken("only durable entries are compacted", { index, durable: this.durable });
    }
    const run = this.#runOf(index + 1);
    const kept = index === this.lastIndex ? [] : this.#runs.slice(run);
    const first = kept[0];
    if (first !== undefined && first.first <= index) kept[0] = { first: index + 1, term: first.term };
    this.#runs = kept;
    this.compacted = { index, term };
    this.#size.compactTo(index);
    while (this.#cacheFirst <= index) this.#evictOne();
    this.#trimCache();
  }

  /** Where to cut so that at most so many entries and bytes up to `end` stay; may lie before the log. */
  cutLeaving(entries: number, bytes: number, end: Index): Index {
    return Math.max(end - entries, this.#size.cutLeaving(bytes, end));
  }

  /** Bytes of the entries up to `index`, nearly. */
  bytesTo(index: Index): number {
    return this.#size.upTo(index);
  }

  /** Bytes of the log, nearly, counted as every limit counts them. */
  get bytes(): number {
    return this.#size.total;
  }

  /** A snapshot up to `last` is on disk in place of this log: it is empty and goes on after that entry. */
  reset(last: LogId): void {
    this.compacted = last;
    this.lastIndex = last.index;
    this.lastTerm = last.term;
    this.durable = last.index;
    this.#runs = [];
    this.#clearCache(last.index + 1);
    this.#size = new LogSize(last.index);
    this.#writingTo = 0;
    this.#unwrittenFrom = last.index + 1;
    this.#diskLast = last.index;
  }

  #runOf(index: Index): number {
    let low = 0;
    let high = this.#runs.length - 1;
    if ((this.#runs[high]?.first ?? 0) <= index) return high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#runs[middle]?.first ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #cached(index: Index): Entry {
    const entry = this.#cache[this.#head + index - this.#cacheFirst];
    if (entry === undefined) throw broken("an entry is missing in memory", { index, last: this.lastIndex });
    return entry;
  }

  /** Only durable entries may leave: nothing else could bring them back. */
  #evict(): void {
    while (this.#cacheBytes > this.#cacheBytesMax && this.#cacheFirst <= this.durable) this.#evictOne();
    this.#trimCache();
  }

  #evictOne(): void {
    this.#cacheBytes -= entryBytes(this.#cached(this.#cacheFirst));
    this.#cache[this.#head] = undefined;
    this.#head += 1;
    this.#cacheFirst += 1;
  }

  #trimCache(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#cache.length) return;
    this.#cache = this.#cache.slice(this.#head);
    this.#head = 0;
  }

  #clearCache(nextIndex: Index): void {
    this.#cache = [];
    this.#head = 0;
    this.#cacheBytes = 0;
    this.#cacheFirst = nextIndex;
  }
}
