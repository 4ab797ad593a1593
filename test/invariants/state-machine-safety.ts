import type { Entry, Index, NodeId, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/** No two servers ever apply different entries at an index (paper, figure 3), nor skip or repeat one. */
export class StateMachineSafety implements Invariant {
  readonly property = "state-machine safety";
  readonly #applied: { readonly term: Term; readonly digest: number; readonly by: NodeId }[] = [];
  readonly #next = new Map<NodeId, Index>();

  nodeStarted(node: NodeView): void {
    this.#next.set(node.id, node.durable.applied + 1);
  }

  entryApplied(node: NodeView, entry: Entry, digest: number): void {
    const next = this.#next.get(node.id) ?? 1;
    if (entry.index !== next) {
      throw new InvariantViolation(
        this.property,
        `${node.id} applies index ${entry.index} where ${next} is next`,
      );
    }
    this.#next.set(node.id, next + 1);
    const known = this.#applied[entry.index];
    if (!known) {
      this.#applied[entry.index] = { term: entry.term, digest, by: node.id };
    } else if (known.digest !== digest) {
      throw new InvariantViolation(
        this.property,
        `at index ${entry.index} ${known.by} applied an entry of term ${known.term} and came to ${known.digest}; ` +
          `${node.id} applied one of term ${entry.term} and came to ${digest}`,
      );
    }
  }
}
