import {
  decodeVoid,
  type Entry,
  EntryType,
  type Index,
  type LogId,
  type StoreRequest,
} from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/**
 * An entry is struck out only when the entry that says so is committed, and on every node that goes on: no state includes
 * both the entry that strikes another one out and what that one did. Together with state-machine safety: no two nodes
 * that have passed it differ in what they executed.
 */
export class StruckEntries implements Invariant {
  readonly property = "struck out on all nodes or on none";
  /** What is struck out → the entries that say so, in whichever log they were seen. */
  readonly #voids = new Map<Index, LogId[]>();

  constructor(readonly committed: CommittedLog) {}

  storeRequested(_: NodeView, request: StoreRequest): void {
    for (const { index, term, type, data } of request.entries) {
      const target = type === EntryType.void ? decodeVoid(data) : null;
      if (target === null) continue;
      const known = this.#voids.get(target);
      if (known === undefined) this.#voids.set(target, [{ index, term }]);
      else if (!known.some((other) => other.index === index && other.term === term))
        known.push({ index, term });
    }
  }

  entryApplied(node: NodeView, { index, type, data }: Entry, _: number, struck: readonly Index[]): void {
    if (struck.at(-1) === index && !this.#isStruckOut(index)) {
      throw new InvariantViolation(
        this.property,
        `${node.id} strikes out entry ${index}, and nothing that is committed says so`,
      );
    }
    const target = type === EntryType.void ? decodeVoid(data) : null;
    if (target === null || struck.includes(target)) return;
    throw new InvariantViolation(
      this.property,
      `${node.id} goes on behind entry ${index}, which strikes out entry ${target}, and has executed that one`,
    );
  }

  #isStruckOut(target: Index): boolean {
    for (const { index, term } of this.#voids.get(target) ?? []) {
      if (this.committed.termAt(index) === term) return true;
    }
    return false;
  }
}
