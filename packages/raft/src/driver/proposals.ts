/** What became of each proposal. Every one ends exactly once. */
import type { AcceptedProposal, Entry, LogId, Proposal, RefusedProposal, Term } from "../core/index.js";
import { NumberWindow } from "./number-window.js";
import { safely } from "./safely.js";
import type { ProposalOutcome, RaftLog } from "./types.js";

type Settle<Result> = (outcome: ProposalOutcome<Result>) => void;

interface Accepted<Result> {
  readonly term: Term;
  readonly settle: Settle<Result>;
  /**
   * A proposal of an earlier leadership of this node at the same index, truncated here since. It is not lost
   * yet: another server may still hold that entry, win an election and commit it.
   */
  readonly former: Accepted<Result> | undefined;
}

/**
 * A proposal waits first under its context, for the core to accept or refuse it; then under its index, for
 * an entry to be committed there. Same term: it is that entry. Another term: another leader's entry took
 * the place, and the proposal can never be committed (paper, section 5.4.3).
 *
 * The terms of committed entries never fall. So the first executed entry of a later term, wherever it lies,
 * also ends every proposal of an earlier one that is still open: nothing may ever come to its index.
 */
export class Proposals<Result> {
  #contexts = 0;
  readonly #byContext = new NumberWindow<Settle<Result>>();
  readonly #byIndex = new NumberWindow<Accepted<Result>>();
  readonly #log: RaftLog;
  #size = 0;
  /** Term of the last executed entry. */
  #term: Term = 0;

  constructor(log: RaftLog) {
    this.#log = log;
  }

  /** Proposals that have not ended. */
  get size(): number {
    return this.#size;
  }

  /** Registers a proposal; the returned input goes to the core. */
  add(data: Uint8Array, settle: Settle<Result>): Proposal {
    const context = ++this.#contexts;
    this.#byContext.set(context, settle);
    this.#size++;
    return { context, data };
  }

  accepted({ context, index, term }: AcceptedProposal): void {
    const settle = this.#byContext.get(context);
    if (settle === undefined) return;
    this.#byContext.delete(context);
    this.#byIndex.set(index, { term, settle, former: this.#byIndex.get(index) });
  }

  refused({ context, reason }: RefusedProposal): void {
    this.#refuse(context, reason);
  }

  /** This node stops before the proposal got to the core: nobody has it. */
  withdrawn({ context }: Proposal): void {
    this.#refuse(context, "stopped");
  }

  #refuse(context: number, reason: RefusedProposal["reason"] | "stopped"): void {
    const settle = this.#byContext.get(context);
    if (settle === undefined) return;
    this.#byContext.delete(context);
    this.#end(settle, { kind: "refused", reason });
  }

  /** The entry was executed. `result` is null for entries that no proposal can be (no-op, membership). */
  applied(entry: Entry, result: { readonly value: Result } | null): void {
    let pending = this.#byIndex.get(entry.index);
    if (pending !== undefined) this.#byIndex.delete(entry.index);
    for (; pending !== undefined; pending = pending.former) {
      const same = pending.term === entry.term && result !== null;
      this.#end(
        pending.settle,
        same ? { kind: "applied", index: entry.index, result: result.value } : { kind: "lost" },
      );
    }
    if (entry.term > this.#term) {
      this.#term = entry.term;
      this.#endEarlierThan(entry.term);
    }
  }

  /**
   * A snapshot took the place of everything up to `last`: which entries were committed there cannot be seen any
   * more. Behind it the usual rule holds.
   */
  installed(last: LogId): void {
    for (const [index, newest] of this.#byIndex.entries()) {
      if (index > last.index) continue;
      this.#byIndex.delete(index);
      let pending: Accepted<Result> | undefined = newest;
      for (; pending !== undefined; pending = pending.former) this.#end(pending.settle, { kind: "unknown" });
    }
    if (last.term > this.#term) {
      this.#term = last.term;
      this.#endEarlierThan(last.term);
    }
  }

  #endEarlierThan(term: Term): void {
    for (const [index, newest] of this.#byIndex.entries()) {
      const kept = this.#withoutEarlier(newest, term);
      if (kept === undefined) this.#byIndex.delete(index);
      else this.#byIndex.set(index, kept);
    }
  }

  /** What stays open of the proposals at one index; their terms fall from the newest to the oldest. */
  #withoutEarlier(pending: Accepted<Result> | undefined, term: Term): Accepted<Result> | undefined {
    if (pending === undefined) return undefined;
    const former = this.#withoutEarlier(pending.former, term);
    if (pending.term >= term) return { ...pending, former };
    this.#end(pending.settle, { kind: "lost" });
    return undefined;
  }

  /** This node stops: nobody here will learn how the rest ends. */
  abandon(): void {
    const waiting = this.#byContext.entries().map(([, settle]) => settle);
    for (const [, newest] of this.#byIndex.entries()) {
      let pending: Accepted<Result> | undefined = newest;
      for (; pending !== undefined; pending = pending.former) waiting.push(pending.settle);
    }
    this.#byContext.clear();
    this.#byIndex.clear();
    for (const settle of waiting) this.#end(settle, { kind: "unknown" });
  }

  #end(settle: Settle<Result>, outcome: ProposalOutcome<Result>): void {
    this.#size--;
    safely(this.#log, () => settle(outcome));
  }
}
