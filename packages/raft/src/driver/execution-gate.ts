/**
 * Whether a committed entry may be executed: not one that ended this process again and again, and not one that an
 * operator struck out.
 *
 *     a void entry for it, committed          strike    a fixed result takes its place
 *     a void entry for it, not yet decided    wait      until that one is committed or cut off
 *     this log lags behind since the start    wait      a void entry may be on its way: others have struck it out
 *     at or behind the entry held before      wait      this node takes part in everything else
 *     otherwise                               execute
 *
 * Which entry ended a process is known from a note outside of the database. It is written when the state machine throws,
 * and before each entry of the log that was there at the start: of these an earlier process may have died without a
 * word. Between slices of execution the note names no entry. Later entries cost nothing; a process that dies of one meets it again after its start.
 */
import { decodeVoid, type Entry, EntryType, type Index, type Restored } from "../core/index.js";
import type { ExecutionNote, ExecutionNotes } from "../ports/index.js";
import type { RaftLog } from "./types.js";

/** Processes that an entry may end before it is left alone: once could be an accident. */
const attemptsMax = 2;

export type Verdict = "execute" | "strike" | "wait";

export interface Held {
  /** Nothing from this entry on is executed. */
  readonly index: Index;
  /** Why, for an operator. */
  readonly why: string;
}

/** A void entry in the log, and what it strikes out. */
interface Strike {
  readonly at: Index;
  readonly index: Index;
}

export interface ExecutionGateOptions {
  /** Undefined: nothing is noted, and nothing held before because of a note. */
  readonly notes: ExecutionNotes | undefined;
  /** An operator's word. */
  readonly holdBefore: Index | undefined;
  readonly restored: Restored;
  /** Whether a failure is the entry's fault, not the disk's or the program version's. */
  readonly isOfEntry: (error: unknown) => boolean;
  readonly commit: () => Index;
  /** Entries are missing that were committed before this process heard of a leader. */
  readonly lacksCommitted: () => boolean;
  readonly log: RaftLog;
}

export class ExecutionGate {
  readonly #options: ExecutionGateOptions;
  #strikes: Strike[];
  #held: Held | null;
  /** As the process before left it. */
  readonly #found: ExecutionNote | null;
  /** Up to here each entry is noted before it is executed; 0 = none any more. */
  #carefulTo: Index;
  #noted = false;

  constructor(options: ExecutionGateOptions) {
    const { notes, restored, log } = options;
    this.#options = options;
    this.#strikes = strikesOf(restored.voids ?? []);
    this.#found = noteAhead(notes, restored.applied);
    const ahead = restored.last.index > restored.applied ? restored.last.index : 0;
    this.#carefulTo = notes === undefined ? 0 : Math.max(ahead, this.#found?.index ?? 0);
    this.#held = this.#whatToHold();
    if (this.#held !== null) {
      const { index, why } = this.#held;
      log.error({ index }, `execution is held before entry ${index}: ${why}`);
    }
  }

  get held(): Held | null {
    return this.#held;
  }

  /** The entry that strikes out `index`, committed or not; null when the log has none. */
  strikerOf(index: Index): Index | null {
    return this.#strikes.find((strike) => strike.index === index)?.at ?? null;
  }

  verdict({ index, type }: Entry): Verdict {
    const lacks = this.#options.lacksCommitted();
    if (this.#held === null && this.#strikes.length === 0 && !lacks) return "execute";
    if (type === EntryType.application) {
      const at = this.strikerOf(index);
      if (at !== null) return at <= this.#options.commit() ? "strike" : "wait";
      if (lacks) return "wait";
    }
    return this.#held !== null && index >= this.#held.index ? "wait" : "execute";
  }

  /** Entries on their way to the disk; the first one replaces the log from its index on. */
  stored(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    if (this.#strikes.length > 0) this.#strikes = this.#strikes.filter(({ at }) => at < first.index);
    for (const entry of entries) {
      if (entry.type === EntryType.void) this.#strikes.push(...strikesOf([entry]));
    }
  }

  /** The state machine is given this entry now. */
  begins({ index }: Entry): void {
    if (index > this.#carefulTo || this.#held !== null) return;
    const reason = this.#found?.index === index ? this.#found.reason : "";
    this.#options.notes?.write({ index, attempts: this.#attemptsAt(index), reason }, false);
    this.#noted = true;
  }

  /** Nothing is being executed right now: an end of the process is no entry's fault. */
  paused(): void {
    if (!this.#noted) return;
    this.#noted = false;
    this.#options.notes?.write({ index: 0, attempts: 0, reason: "" }, false);
  }

  /** The entry is executed, or was struck out. */
  ended({ index }: Entry): void {
    if (index === this.#held?.index) {
      this.#held = null;
      this.#options.log.warn({ index }, `entry ${index} was struck out: execution goes on`);
    }
    if (this.#strikes.length > 0) this.#strikes = this.#strikes.filter(({ at }) => at > index);
    if (this.#carefulTo > 0 && index >= this.#carefulTo) this.#forget();
  }

  /** The state machine threw: the process ends. */
  failed({ index }: Entry, error: unknown): void {
    const { notes, isOfEntry, log } = this.#options;
    try {
      if (isOfEntry(error)) {
        notes?.write({ index, attempts: this.#attemptsAt(index), reason: textOf(error) }, true);
      } else if (this.#found !== null) notes?.write(this.#found, true);
      else notes?.clear();
    } catch (failure) {
      log.error({ err: failure, index }, `that entry ${index} ended this process could not be noted`);
    }
    this.#carefulTo = 0;
  }

  /** A snapshot took the place of everything up to `index`. */
  installed(index: Index): void {
    this.#strikes = this.#strikes.filter(({ at }) => at > index);
    if (this.#held !== null && this.#held.index <= index) this.#held = null;
    if (this.#carefulTo > 0 && index >= this.#carefulTo) this.#forget();
  }

  /** A clean end: whatever was under way did not end the process. */
  stopped(): void {
    if (this.#carefulTo > 0 && this.#held === null) this.#forget();
  }

  #forget(): void {
    this.#carefulTo = 0;
    this.#noted = false;
    this.#options.notes?.clear();
  }

  #attemptsAt(index: Index): number {
    return 1 + (this.#found?.index === index ? this.#found.attempts : 0);
  }

  #whatToHold(): Held | null {
    const { holdBefore, restored, notes } = this.#options;
    const found = this.#found;
    const noted = found !== null && found.attempts >= attemptsMax ? found.index : Number.POSITIVE_INFINITY;
    if (holdBefore !== undefined && holdBefore > restored.applied && holdBefore <= noted) {
      return { index: holdBefore, why: "this node was started to do so" };
    }
    if (found === null || noted === Number.POSITIVE_INFINITY) return null;
    const ending = found.reason === "" ? "without a word" : `with: ${found.reason}`;
    return {
      index: found.index,
      why:
        `executing it ended this process ${found.attempts} times, the last time ${ending}. This node takes part in ` +
        `everything else. To strike the entry out on all nodes: quorate void ${found.index}. To try it again: stop this ` +
        `node, remove ${notes?.place}, start it`,
    };
  }
}

/** A note on an entry that the state includes is of no use any more. */
function noteAhead(notes: ExecutionNotes | undefined, applied: Index): ExecutionNote | null {
  const note = notes?.read() ?? null;
  if (note === null || note.index > applied) return note;
  notes?.clear();
  return null;
}

function strikesOf(voids: readonly Entry[]): Strike[] {
  return voids.flatMap((entry) => {
    const index = decodeVoid(entry.data);
    return index === null || index >= entry.index ? [] : [{ at: entry.index, index }];
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
