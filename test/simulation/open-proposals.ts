import type { Entry, Index, Term } from "@quorate/raft/core";
import type { Command, CommandResult } from "./machine.js";

/** How a proposal ended, as `ProposalOutcome` of the driver has it. */
export type ProposalEnd =
  | { readonly kind: "applied"; readonly result: CommandResult }
  | { readonly kind: "refused" }
  | { readonly kind: "lost" }
  | { readonly kind: "unknown" };
export type ProposalSettled = (end: ProposalEnd) => void;

/** What an operator proposes: that entry `id` is struck out. */
export interface Strike {
  readonly id: Index;
  readonly kind: "void";
}

interface Open {
  readonly command: Command | Strike;
  readonly settle: ProposalSettled;
  /** Where it went into the log; null until the core has said so. */
  at: { readonly index: Index; readonly term: Term } | null;
}

/** Proposals of one life of one node that have not ended. */
export class OpenProposals {
  #contexts = 0;
  readonly #open = new Map<number, Open>();
  readonly #byIndex = new Map<Index, number[]>();
  #executedTerm: Term = 0;

  add(command: Command | Strike, settle: ProposalSettled): number {
    const context = ++this.#contexts;
    this.#open.set(context, { command, settle, at: null });
    return context;
  }

  accepted(context: number, index: Index, term: Term): void {
    this.#find(context).at = { index, term };
    const others = this.#byIndex.get(index);
    if (others) others.push(context);
    else this.#byIndex.set(index, [context]);
  }

  refused(context: number): void {
    this.#end(context, { kind: "refused" });
  }

  /**
   * An entry was executed: whoever waits at its index now knows. So does whoever waits behind it for an entry
   * of an earlier term: terms only grow along the one committed log, so that entry has no place in it any
   * more. Without this second rule a cluster without further writes would leave them waiting for ever.
   */
  executed(entry: Entry, result: CommandResult): void {
    for (const context of this.#byIndex.get(entry.index) ?? []) {
      const mine = this.#find(context).at?.term === entry.term;
      this.#end(context, mine ? { kind: "applied", result } : { kind: "lost" });
    }
    this.#byIndex.delete(entry.index);
    if (entry.term === this.#executedTerm) return;
    this.#executedTerm = entry.term;
    for (const [index, contexts] of this.#byIndex) {
      const open = contexts.filter((context) => (this.#find(context).at?.term ?? 0) >= entry.term);
      for (const context of contexts) if (!open.includes(context)) this.#end(context, { kind: "lost" });
      if (open.length > 0) this.#byIndex.set(index, open);
      else this.#byIndex.delete(index);
    }
  }

  /** A snapshot took the place of everything up to `index`: what became of the entries there cannot be seen here. */
  installed(index: Index): void {
    for (const [at, contexts] of [...this.#byIndex]) {
      if (at > index) continue;
      for (const context of contexts) this.#end(context, { kind: "unknown" });
      this.#byIndex.delete(at);
    }
  }

  /** The node crashes: nobody here will learn the outcome. */
  endAll(): void {
    for (const context of [...this.#open.keys()]) this.#end(context, { kind: "unknown" });
  }

  describe(): string[] {
    return [...this.#open.values()].map(
      ({ command, at }) =>
        `${command.kind} ${command.id} ${at ? `(${at.term}@${at.index})` : "(neither accepted nor refused)"}`,
    );
  }

  #find(context: number): Open {
    const open = this.#open.get(context);
    if (!open) throw new Error(`the core speaks of proposal ${context}, which is not open`);
    return open;
  }

  #end(context: number, end: ProposalEnd): void {
    const { settle } = this.#find(context);
    this.#open.delete(context);
    settle(end);
  }
}
