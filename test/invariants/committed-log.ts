import type { Index, Term } from "@quorate/raft/core";

/** The cluster's one committed log, as far as any node has declared it committed. Only `committedOnQuorum` adds to it. */
export class CommittedLog {
  readonly #terms: Term[] = [0];
  /** Term of the leader under which an entry was first declared committed. */
  readonly #committedIn: Term[] = [0];

  get last(): Index {
    return this.#terms.length - 1;
  }

  termAt(index: Index): Term | undefined {
    return this.#terms[index];
  }

  committedIn(index: Index): Term | undefined {
    return this.#committedIn[index];
  }

  append(term: Term, committedIn: Term): void {
    this.#terms.push(term);
    this.#committedIn.push(committedIn);
  }
}
