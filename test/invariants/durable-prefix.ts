import type { Index, Message, NodeId, StoreRequest, Term } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/**
 * What a server acknowledged and the cluster committed never leaves its disk again: not by a crash, and not
 * by being cut off or overwritten (paper, section 5.3: only conflicting entries are deleted).
 */
export class DurablePrefix implements Invariant {
  readonly property = "acknowledged entries stay on disk";
  /**
   * The highest index that each node acknowledged, and to the leader of which term: its log equals that
   * leader's so far, so it holds what was committed up to that term. Later commits it need not know.
   */
  readonly #acknowledged = new Map<NodeId, { readonly term: Term; readonly match: Index }>();
  /** The highest term each node has spoken in. */
  readonly #highestTerm = new Map<NodeId, Term>();

  constructor(readonly committed: CommittedLog) {}

  nodeStarted(node: NodeView): void {
    const { durable } = node;
    const highestTerm = this.#highestTerm.get(node.id) ?? 0;
    if (durable.hardState.term < highestTerm) {
      throw new InvariantViolation(
        this.property,
        `${node.id} restarts in term ${durable.hardState.term}; it has spoken in term ${highestTerm}`,
      );
    }
    for (let i = durable.compacted.index + 1; i <= this.committed.last; i++) {
      const term = this.committed.termAt(i);
      if (durable.termAt(i) === term || !this.#owes(node, i)) continue;
      throw new InvariantViolation(
        this.property,
        `${node.id} restarts without the committed ${term}@${i}, which it had acknowledged`,
      );
    }
  }

  diskReplaced(node: NodeView): void {
    this.#acknowledged.delete(node.id);
    this.#highestTerm.delete(node.id);
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    if (request.install) this.#replaced(node, request.install.last.index);
    const first = request.entries[0];
    const end = request.entries.at(-1);
    if (!first || !end) return;
    for (let i = first.index; i <= Math.min(node.durable.last.index, this.committed.last); i++) {
      const term = this.committed.termAt(i);
      if (node.durable.termAt(i) !== term || !this.#owes(node, i)) continue;
      const stays = i <= end.index && request.entries[i - first.index]?.term === term;
      if (stays) continue;
      throw new InvariantViolation(
        this.property,
        `${node.id} deletes the committed ${term}@${i} by storing ${first.index}…${end.index}`,
      );
    }
  }

  /** A snapshot takes the place of the log: entries behind it go. */
  #replaced(node: NodeView, last: Index): void {
    for (let i = last + 1; i <= Math.min(node.durable.last.index, this.committed.last); i++) {
      if (node.durable.termAt(i) !== this.committed.termAt(i) || !this.#owes(node, i)) continue;
      throw new InvariantViolation(
        this.property,
        `${node.id} deletes the committed ${this.committed.termAt(i)}@${i} by installing a snapshot up to ${last}`,
      );
    }
  }

  /**
   * Whether the entry's commitment may rest on this server. A server that sleeps through elections may wake
   * up to an earlier leader's message and rightly replace an entry that was committed without it meanwhile.
   */
  #owes(node: NodeView, index: Index): boolean {
    const acknowledged = this.#acknowledged.get(node.id);
    if (!acknowledged || index > acknowledged.match) return false;
    return (this.committed.committedIn(index) ?? 0) <= acknowledged.term;
  }

  messageSent(sender: NodeView, message: Message): void {
    if (
      message.type === "preVoteRequest" ||
      message.type === "preVoteResponse" ||
      message.type === "requestVote"
    )
      return;
    if (message.term > (this.#highestTerm.get(sender.id) ?? 0))
      this.#highestTerm.set(sender.id, message.term);
    if (message.type !== "appendEntriesAccepted") return;
    const before = this.#acknowledged.get(sender.id);
    const match = before?.term === message.term ? Math.max(before.match, message.match) : message.match;
    this.#acknowledged.set(sender.id, { term: message.term, match });
  }
}
