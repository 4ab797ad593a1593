import type { LogId, Message, NodeId, StoreRequest } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type NodeView, showId } from "./observation.js";

/**
 * A snapshot is of a committed entry that its maker has durably applied, and it only ever takes a state forward:
 * purged ≤ snapshot ≤ applied ≤ committed (paper, section 7).
 */
export class SnapshotOrder implements Invariant {
  readonly property = "snapshot order";

  constructor(readonly committed: CommittedLog) {}

  messageSent(sender: NodeView, message: Message): void {
    if (message.type !== "installSnapshot") return;
    const last = { index: message.lastIncludedIndex, term: message.lastIncludedTerm };
    if (last.index > sender.durable.applied) {
      throw new InvariantViolation(
        this.property,
        `${sender.id} offers a snapshot of ${showId(last)}; on its disk is applied ${sender.durable.applied}`,
      );
    }
    this.#isCommitted(sender.id, last);
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    if (request.install === null) return;
    const { last } = request.install;
    if (last.index <= node.durable.applied) {
      throw new InvariantViolation(
        this.property,
        `${node.id} installs a snapshot of ${showId(last)}; its state is at ${node.durable.applied} already`,
      );
    }
    this.#isCommitted(node.id, last);
  }

  #isCommitted(node: NodeId, last: LogId): void {
    const term = this.committed.termAt(last.index);
    if (term === last.term) return;
    throw new InvariantViolation(
      this.property,
      `${node} has a snapshot of ${showId(last)}; committed there is ${
        term === undefined ? "nothing" : showId({ index: last.index, term })
      }`,
    );
  }
}
