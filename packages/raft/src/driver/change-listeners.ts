import type { Standing } from "../core/index.js";
import { safely } from "./safely.js";
import type { NodeStatus, RaftLog } from "./types.js";

/** Who wants to hear of changes of a node, and what they heard last: each of them is told only what is new. */
export class ChangeListeners {
  readonly #log: RaftLog;
  readonly #listeners = new Set<() => void>();
  #told = "";
  #standing: Standing | null = null;

  constructor(log: RaftLog) {
    this.#log = log;
  }

  /** Returns a function that removes it. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asked after every turn: nearly none changes anything of what listeners hear, so no status is taken for it. */
  isNew(standing: Standing): boolean {
    const last = this.#standing;
    const { role, term, leader, canServe } = standing;
    if (last?.role === role && last.term === term && last.leader === leader && last.canServe === canServe)
      return false;
    this.#standing = standing;
    return true;
  }

  tell(status: NodeStatus): void {
    const { leader, term, role, canServe, born, missing, connected, removed, refusals } = status;
    const told = JSON.stringify([leader, term, role, canServe, born, missing, connected, removed, refusals]);
    if (told === this.#told) return;
    this.#told = told;
    for (const listener of [...this.#listeners]) safely(this.#log, listener);
  }
}
