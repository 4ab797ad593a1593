import type { Index, NodeId, Status, StoreRequest, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Held {
  /** Last index that the node has asked its disk to hold. */
  last: Index;
  /** The term it led before this step and still leads; null otherwise. */
  leads: Term | null;
  ledBefore: Term | null;
}

/** A leader never overwrites or deletes entries of its log; it only appends (paper, figure 3). */
export class LeaderAppendOnly implements Invariant {
  readonly property = "leader append-only";
  readonly #held = new Map<NodeId, Held>();

  nodeStarted(node: NodeView): void {
    this.#held.set(node.id, { last: node.durable.last.index, leads: null, ledBefore: null });
  }

  stepped(node: NodeView, status: Status): void {
    const held = this.#held.get(node.id);
    if (!held) return;
    held.ledBefore = held.leads;
    held.leads = status.role === "leader" ? status.term : null;
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    const held = this.#held.get(node.id);
    const first = request.entries[0];
    const end = request.entries.at(-1);
    if (held && request.install) {
      if (held.leads !== null && held.leads === held.ledBefore) {
        throw new InvariantViolation(
          this.property,
          `${node.id}, leader of term ${held.leads}, replaces its log by a snapshot`,
        );
      }
      held.last = request.install.last.index;
    }
    if (!held || !first || !end) return;
    if (held.leads !== null && held.leads === held.ledBefore && first.index <= held.last) {
      throw new InvariantViolation(
        this.property,
        `${node.id}, leader of term ${held.leads}, replaces its log from index ${first.index} on; it ended at ${held.last}`,
      );
    }
    held.last = end.index;
  }
}
