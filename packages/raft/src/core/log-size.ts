/** How many bytes of the log lie behind an index, nearly: one mark per so many bytes, and a straight line between. */
import type { Index } from "./types.js";

const bytesPerMark = 64 * 1024;

interface Mark {
  readonly index: Index;
  /** Bytes of all entries up to `index`, counted from a start that is of no interest. */
  readonly bytes: number;
}

export class LogSize {
  /** Ascending; the first one is the compacted entry. */
  #marks: Mark[];
  #last: Mark;

  constructor(compacted: Index) {
    this.#last = { index: compacted, bytes: 0 };
    this.#marks = [this.#last];
  }

  /** Entries up to `index` follow, of so many bytes together. */
  add(index: Index, bytes: number): void {
    this.#last = { index, bytes: this.#last.bytes + bytes };
    if (this.#last.bytes - (this.#marks.at(-1)?.bytes ?? 0) >= bytesPerMark) this.#marks.push(this.#last);
  }

  truncateFrom(index: Index): void {
    const bytes = this.#bytesTo(index - 1);
    while (this.#marks.length > 1 && (this.#marks.at(-1)?.index ?? 0) >= index) this.#marks.pop();
    this.#last = { index: index - 1, bytes };
  }

  compactTo(index: Index): void {
    const bytes = this.#bytesTo(index);
    this.#marks = [{ index, bytes }, ...this.#marks.filter((mark) => mark.index > index)];
  }

  /** Bytes of all entries behind the compacted one. */
  get total(): number {
    return Math.round(this.#last.bytes - (this.#marks[0]?.bytes ?? 0));
  }

  /** Bytes of the entries behind the compacted one up to `index`. */
  upTo(index: Index): number {
    return this.#bytesTo(index) - (this.#marks[0]?.bytes ?? 0);
  }

  /** The smallest index behind which, up to and including `end`, lie at most `bytes`. */
  cutLeaving(bytes: number, end: Index): Index {
    const first = this.#marks[0];
    const wanted = this.#bytesTo(end) - bytes;
    if (first === undefined || wanted <= first.bytes) return first?.index ?? 0;
    const position = this.#firstMark((mark) => mark.bytes >= wanted);
    const above = this.#marks[position] ?? this.#last;
    const below = this.#marks[position - 1] ?? first;
    return Math.min(end, Math.ceil(between(wanted, below.bytes, above.bytes, below.index, above.index)));
  }

  #bytesTo(index: Index): number {
    if (index >= this.#last.index) return this.#last.bytes;
    const position = this.#firstMark((mark) => mark.index > index);
    const below = this.#marks[position - 1];
    if (below === undefined) return this.#marks[0]?.bytes ?? 0;
    const above = this.#marks[position] ?? this.#last;
    return between(index, below.index, above.index, below.bytes, above.bytes);
  }

  /** Position of the first mark that is beyond; behind the last one when none is. Asked several times a turn. */
  #firstMark(isBeyond: (mark: Mark) => boolean): number {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const mark = this.#marks[middle];
      if (mark !== undefined && isBeyond(mark)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Where `at` lies between `low` and `high`, carried over to the line from `from` to `to`. */
function between(at: number, low: number, high: number, from: number, to: number): number {
  return high <= low ? to : from + ((at - low) / (high - low)) * (to - from);
}
