import type { HardState, Index, NodeId, Status, StoreRequest, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Past {
  term: Term;
  commit: Index;
  applied: Index;
  leads: Term | null;
  /** By the follower's id and disk. */
  readonly match: Map<string, Index>;
  requested: HardState;
}

/**
 * Time never runs backwards: the term; the vote within a term (paper, section 5.2); commit and applied index
 * within a life; a follower's match within a leadership (section 5.3).
 */
export class Monotonic implements Invariant {
  readonly property = "monotonic state";
  readonly #past = new Map<NodeId, Past>();

  nodeStarted(node: NodeView): void {
    const { hardState, applied } = node.durable;
    const before = this.#past.get(node.id);
    if (before && before.requested.term === hardState.term)
      this.#compareVotes(node, before.requested, hardState);
    this.#past.set(node.id, {
      term: hardState.term,
      commit: 0,
      applied,
      leads: null,
      match: new Map(),
      requested: hardState,
    });
  }

  diskReplaced(node: NodeView): void {
    this.#past.delete(node.id);
  }

  stepped(node: NodeView, status: Status): void {
    const past = this.#past.get(node.id);
    if (!past) return;
    this.#grows(node, "term", past.term, status.term);
    this.#grows(node, "commit", past.commit, status.commit);
    this.#grows(node, "applied", past.applied, status.applied);
    const leads = status.role === "leader" ? status.term : null;
    if (leads === null || leads !== past.leads) past.match.clear();
    for (const { id, match } of status.followers) {
      const disk = `${id} ${incarnationOf(node, id)}`;
      this.#grows(node, `match of ${id}`, past.match.get(disk) ?? 0, match);
      past.match.set(disk, match);
    }
    past.term = status.term;
    past.commit = status.commit;
    past.applied = status.applied;
    past.leads = leads;
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    const past = this.#past.get(node.id);
    if (!past || !request.hardState) return;
    this.#grows(node, "stored term", past.requested.term, request.hardState.term);
    this.#grows(node, "stored commit", past.requested.commit, request.hardState.commit);
    if (request.hardState.term === past.requested.term) {
      this.#compareVotes(node, past.requested, request.hardState);
      if (past.requested.vote !== null && request.hardState.vote === null) {
        throw new InvariantViolation(
          this.property,
          `${node.id} forgets its vote in term ${past.requested.term}`,
        );
      }
    }
    past.requested = request.hardState;
  }

  #compareVotes(node: NodeView, before: HardState, after: HardState): void {
    if (before.vote === null || after.vote === null || before.vote === after.vote) return;
    throw new InvariantViolation(
      this.property,
      `${node.id} votes for ${before.vote} and for ${after.vote} in term ${after.term}`,
    );
  }

  #grows(node: NodeView, what: string, before: number, after: number): void {
    if (after >= before) return;
    throw new InvariantViolation(this.property, `${what} of ${node.id} falls from ${before} to ${after}`);
  }
}

function incarnationOf(node: NodeView, id: NodeId): string {
  return node.membership?.membership.members.find((member) => member.id === id)?.incarnation ?? "";
}
