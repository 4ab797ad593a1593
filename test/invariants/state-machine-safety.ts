import type { Entry, Index, LogId, NodeId, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Known {
  readonly term: Term;
  readonly digest: number;
  readonly by: NodeId;
}

/**
 * No two servers ever apply different entries at an index (paper, figure 3), nor skip or repeat one. An entry that an
 * operator strikes out may have been executed somewhere before: states are compared with those that struck out the same,
 * and `StruckEntries` ends the others.
 */
export class StateMachineSafety implements Invariant {
  readonly property = "state-machine safety";
  /** By what was struck out on the way, as a text; mostly nothing. */
  readonly #applied = new Map<string, Known[]>();
  readonly #next = new Map<NodeId, Index>();

  nodeStarted(node: NodeView): void {
    const { applied, digest } = node.durable;
    this.#next.set(node.id, applied + 1);
    if (digest !== undefined) this.#compareState(node, "has on disk", applied, digest);
  }

  snapshotInstalled(node: NodeView, last: LogId, digest: number): void {
    this.#next.set(node.id, last.index + 1);
    this.#compareState(node, "installed", last.index, digest);
  }

  /** Whoever says that a state includes the log up to an index has the state that all others had there. */
  #compareState({ id, durable }: NodeView, what: string, index: Index, digest: number): void {
    const known = this.#knownOf(durable.struck ?? [])[index];
    if (!known || known.digest === digest) return;
    throw new InvariantViolation(
      this.property,
      `${id} ${what} the state of index ${index} with digest ${digest}; ${known.by} came to ${known.digest} there`,
    );
  }

  entryApplied(node: NodeView, entry: Entry, digest: number, struck: readonly Index[] = []): void {
    const next = this.#next.get(node.id) ?? 1;
    if (entry.index !== next) {
      throw new InvariantViolation(
        this.property,
        `${node.id} applies index ${entry.index} where ${next} is next`,
      );
    }
    this.#next.set(node.id, next + 1);
    const applied = this.#knownOf(struck);
    const known = applied[entry.index];
    if (!known) {
      applied[entry.index] = { term: entry.term, digest, by: node.id };
    } else if (known.digest !== digest) {
      throw new InvariantViolation(
        this.property,
        `at index ${entry.index} ${known.by} applied an entry of term ${known.term} and came to ${known.digest}; ` +
          `${node.id} applied one of term ${entry.term} and came to ${digest}`,
      );
    }
  }

  #knownOf(struck: readonly Index[]): Known[] {
    const name = struck.length === 0 ? "" : struck.join();
    let known = this.#applied.get(name);
    if (known === undefined) {
      known = [];
      this.#applied.set(name, known);
    }
    return known;
  }
}
