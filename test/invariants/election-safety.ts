import type { NodeId, Status, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/** At most one leader per term (paper, figure 3); nor does a restarted server lead a term again that it led before. */
export class ElectionSafety implements Invariant {
  readonly property = "election safety";
  readonly #leaders = new Map<Term, string>();
  readonly #lives = new Map<NodeId, number>();

  nodeStarted(node: NodeView, life: number): void {
    this.#lives.set(node.id, life);
  }

  stepped(node: NodeView, status: Status): void {
    if (status.role !== "leader") return;
    const leader = `${node.id} (life ${this.#lives.get(node.id) ?? 1})`;
    const known = this.#leaders.get(status.term);
    if (known === undefined) this.#leaders.set(status.term, leader);
    else if (known !== leader) {
      throw new InvariantViolation(this.property, `${known} and ${leader} both lead term ${status.term}`);
    }
  }
}
