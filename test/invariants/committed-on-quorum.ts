import type { Index, NodeId, Status, Term } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type ClusterView, type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/**
 * What a server declares committed is on the disks of a quorum, the same entry on each (paper, section 5.3);
 * and no server ever declares another entry committed at that index.
 */
export class CommittedOnQuorum implements Invariant {
  readonly property = "committed is on a durable quorum";
  readonly #seen = new Map<NodeId, Index>();

  constructor(readonly committed: CommittedLog) {}

  nodeStarted(node: NodeView): void {
    this.#seen.set(node.id, 0);
  }

  stepped(node: NodeView, status: Status, cluster: ClusterView): void {
    const seen = this.#seen.get(node.id) ?? 0;
    if (status.commit <= seen) return;
    for (let i = Math.max(seen, node.durable.compacted.index) + 1; i <= status.commit; i++) {
      if (i > this.committed.last) this.#declare(node, i, status, cluster);
      // What it has not stored yet is compared when it is stored or applied.
      const held = node.durable.termAt(i);
      const term = this.committed.termAt(i);
      if (held !== undefined && held !== term) {
        // Truncation may still be on its way to the disk: then the entry is surely not applied from there.
        this.#unsettled(node, i, held, term, status);
      }
    }
    this.#seen.set(node.id, status.commit);
  }

  #declare(node: NodeView, index: Index, status: Status, cluster: ClusterView): void {
    const holders = new Map<Term, Set<string>>();
    const compacted = new Set<string>();
    for (const { id, incarnation = id, durable } of cluster.nodes) {
      if (index <= durable.compacted.index) compacted.add(incarnation);
      const term = durable.termAt(index);
      if (term === undefined) continue;
      const same = holders.get(term);
      if (same) same.add(incarnation);
      else holders.set(term, new Set([incarnation]));
    }
    for (const [term, ids] of holders) {
      if (!cluster.isQuorum(new Set([...ids, ...compacted]), node)) continue;
      this.committed.append(term, status.term);
      return;
    }
    const found = [...holders].map(([term, ids]) => `term ${term} on ${[...ids].join(", ")}`).join("; ");
    throw new InvariantViolation(
      this.property,
      `${node.id} (${status.role}, term ${status.term}) declares index ${index} committed, but on disk is: ${found || "nothing"}`,
    );
  }

  #unsettled(node: NodeView, index: Index, held: Term, term: Term | undefined, status: Status): void {
    if (status.role !== "leader") return;
    throw new InvariantViolation(
      this.property,
      `leader ${node.id} declares ${held}@${index} committed; committed there is ${term}@${index}`,
    );
  }
}
