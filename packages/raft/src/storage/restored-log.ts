/** Gathers what `Restored` says of the log while its entries pass by, oldest first, in bounded memory. */
import { type Entry, EntryType, type Index, type LogId, type TermRun } from "../core/index.js";

/** Default of `maxTailBytes`. */
export const defaultMaxTailBytes = 16 * 1024 * 1024;
/** What an entry costs in memory beside its data, roughly: keeps a tail of tiny entries bounded too. */
const entryOverheadBytes = 128;

export class RestoredLog {
  readonly terms: TermRun[] = [];
  /** Entries that strike out others: few, and wanted before anything is executed. */
  readonly voids: Entry[] = [];
  #last: LogId;
  #tail: Entry[] = [];
  /** Entries of `#tail` before this position were dropped; cut off now and then, not one by one. */
  #tailStart = 0;
  #tailBytes = 0;
  #bytes = 0;

  constructor(
    compacted: LogId,
    readonly maxTailBytes: number,
  ) {
    this.#last = { index: compacted.index, term: compacted.term };
  }

  get last(): LogId {
    return this.#last;
  }

  get next(): Index {
    return this.#last.index + 1;
  }

  /** Payload bytes of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `entry.index` must be `next`: the caller has checked, and knows better what to say if not. */
  add(entry: Entry): void {
    const run = this.terms.at(-1);
    if (run === undefined || run.term !== entry.term)
      this.terms.push({ first: entry.index, term: entry.term });
    if (entry.type === EntryType.void) this.voids.push({ ...entry, data: Uint8Array.from(entry.data) });
    this.#last = { index: entry.index, term: entry.term };
    this.#tail.push(entry);
    this.#bytes += entry.data.length;
    this.#tailBytes += cost(entry);
    while (this.#tailBytes > this.maxTailBytes && this.#tail.length - this.#tailStart > 1) {
      const dropped = this.#tail[this.#tailStart++];
      if (dropped !== undefined) this.#tailBytes -= cost(dropped);
    }
    if (this.#tailStart > 1024 && this.#tailStart * 2 > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#tailStart);
      this.#tailStart = 0;
    }
  }

  /** The newest entries, at most `maxTailBytes`, at least one when the log has any. */
  tail(): readonly Entry[] {
    return this.#tail.slice(this.#tailStart);
  }
}

function cost(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}
