import type { HardState, Index, NodeId, Status, StoreRequest, Term } from "@quorate/raft/core";
import { type HeldMembership, type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Past {
  term: Term;
  commit: Index;
  applied: Index;
  leads: Term | null;
  /** Of each follower, and of which disk. */
  readonly match: Map<NodeId, { readonly incarnation: string; match: Index }>;
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
    if (past.match.size > 0 && (leads === null || leads !== past.leads)) past.match.clear();
    if (status.followers.length > 0) this.#matchesGrow(node, past, status);
    past.term = status.term;
    past.commit = status.commit;
    past.applied = status.applied;
    past.leads = leads;
  }

  #matchesGrow(node: NodeView, past: Past, { followers }: Status): void {
    const { membership } = node;
    for (const { id, match } of followers) {
      const incarnation = incarnationOf(membership, id);
      const before = past.match.get(id);
      if (before?.incarnation === incarnation) {
        if (match < before.match) this.#grows(node, `match of ${id}`, before.match, match);
        before.match = match;
      } else past.match.set(id, { incarnation, match });
    }
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

function incarnationOf(held: HeldMembership | undefined, id: NodeId): string {
  for (const member of held?.membership.members ?? []) if (member.id === id) return member.incarnation;
  return "";
}
