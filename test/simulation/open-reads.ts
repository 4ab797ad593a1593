import type { Index } from "@quorate/raft/core";
import type { Machine } from "./machine.js";

export type ReadEnd =
  | { readonly kind: "ready"; readonly value: string | null }
  | { readonly kind: "refused" };
export type ReadSettled = (end: ReadEnd) => void;

interface Open {
  readonly key: string;
  readonly settle: ReadSettled;
  /** Null until the core has granted an index. */
  index: Index | null;
}

/** Reads of one life of one node that have not ended. */
export class OpenReads {
  #contexts = 0;
  readonly #open = new Map<number, Open>();

  get contexts(): readonly number[] {
    return [...this.#open.keys()];
  }

  add(key: string, settle: ReadSettled): number {
    const context = ++this.#contexts;
    this.#open.set(context, { key, settle, index: null });
    return context;
  }

  granted(context: number, index: Index): void {
    this.#find(context).index = index;
  }

  refused(context: number): void {
    const { settle } = this.#find(context);
    this.#open.delete(context);
    settle({ kind: "refused" });
  }

  refuseAll(): void {
    for (const context of this.contexts) this.refused(context);
  }

  /** Answers every read whose index the machine has reached. */
  serve(machine: Machine): void {
    for (const [context, { key, settle, index }] of this.#open) {
      if (index === null || index > machine.applied) continue;
      this.#open.delete(context);
      settle({ kind: "ready", value: machine.get(key) });
    }
  }

  describe(): string[] {
    return [...this.#open.values()].map(
      ({ key, index }) => `read ${key} (${index === null ? "no index yet" : `waits for index ${index}`})`,
    );
  }

  #find(context: number): Open {
    const open = this.#open.get(context);
    if (!open) throw new Error(`the core speaks of read ${context}, which is not open`);
    return open;
  }
}
