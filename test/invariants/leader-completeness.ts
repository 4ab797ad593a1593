import type { NodeId, Status, Term } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type NodeView, showId } from "./observation.js";

/**
 * A leader's log holds every entry committed in earlier terms (paper, figure 3). Judged on its disk: a server
 * leads only after its vote is durable, and what it received before was stored before that vote.
 */
export class LeaderCompleteness implements Invariant {
  readonly property = "leader completeness";
  readonly #ledTerm = new Map<NodeId, Term>();

  constructor(readonly committed: CommittedLog) {}

  nodeStarted(node: NodeView): void {
    this.#ledTerm.delete(node.id);
  }

  stepped(node: NodeView, status: Status): void {
    if (status.role !== "leader" || this.#ledTerm.get(node.id) === status.term) return;
    this.#ledTerm.set(node.id, status.term);
    // All of them: a missing one may lie below ones that are there only when log matching broke as well.
    for (let i = this.committed.last; i > node.durable.compacted.index; i--) {
      const term = this.committed.termAt(i) ?? 0;
      if ((this.committed.committedIn(i) ?? 0) >= status.term) continue;
      const held = node.durable.termAt(i);
      if (held === term) continue;
      throw new InvariantViolation(
        this.property,
        `${node.id} leads term ${status.term} without the committed ${showId({ index: i, term })}; it holds ${
          held === undefined ? "nothing there" : showId({ index: i, term: held })
        }`,
      );
    }
  }
}
