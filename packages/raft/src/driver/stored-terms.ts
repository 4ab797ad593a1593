/** Which entry lies at which index of the log *on disk*. */
import type { Entry, Index, LogId, Restored, Term, TermRun } from "../core/index.js";

/**
 * The terms of the stored log as runs, so that an entry can be recognised by (index, term).
 *
 * The writer needs it because the core hands out committed entries before they are on this node's disk.
 * The index alone would not do: the disk may still hold an older leader's entry at that index, and an
 * applied index stored next to it would declare that entry committed after a crash.
 */
export class StoredTerms {
  #runs: TermRun[];
  #last: Index;

  constructor(restored: Pick<Restored, "terms" | "last">) {
    this.#runs = [...restored.terms];
    this.#last = restored.last.index;
  }

  /** Index of the last entry. */
  get last(): Index {
    return this.#last;
  }

  /** The first of `entries` replaces the log from its index on; `compactTo` forgets what lies before it. */
  append(entries: readonly Entry[], compactTo: Index): void {
    const first = entries[0];
    if (first !== undefined) {
      while ((this.#runs.at(-1)?.first ?? 0) >= first.index) this.#runs.pop();
      for (const entry of entries) {
        if (this.#runs.at(-1)?.term !== entry.term) this.#runs.push({ first: entry.index, term: entry.term });
        this.#last = entry.index;
      }
    }
    while ((this.#runs[1]?.first ?? Number.POSITIVE_INFINITY) <= compactTo) this.#runs.shift();
  }

  /** A snapshot took the place of the log, which is empty now. */
  reset(last: LogId): void {
    this.#runs = [{ first: last.index, term: last.term }];
    this.#last = last.index;
  }

  /** Whether the log holds that very entry, and therefore (Log Matching) all before it. */
  holds(entry: LogId): boolean {
    return entry.index <= this.#last && this.#termAt(entry.index) === entry.term;
  }

  #termAt(index: Index): Term | undefined {
    // From the end: the question is nearly always about the newest run.
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at];
      if (run !== undefined && run.first <= index) return run.term;
    }
    return undefined;
  }
}
