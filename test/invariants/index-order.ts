import type { Status } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/** compacted ≤ applied ≤ commit ≤ last, in memory and on disk; the disk never claims more than it holds. */
export class IndexOrder implements Invariant {
  readonly property = "index order";

  nodeStarted(node: NodeView): void {
    this.#checkDisk(node);
  }

  stepped(node: NodeView, status: Status): void {
    const { firstIndex, applied, commit, lastIndex } = status;
    if (!(firstIndex - 1 <= applied && applied <= commit && commit <= lastIndex)) {
      throw new InvariantViolation(
        this.property,
        `${node.id}: compacted ${firstIndex - 1} ≤ applied ${applied} ≤ commit ${commit} ≤ last ${lastIndex} does not hold`,
      );
    }
    for (const { id, match, next } of status.followers) {
      if (match < next && match <= lastIndex && next <= lastIndex + 1) continue;
      throw new InvariantViolation(
        this.property,
        `leader ${node.id} has match ${match}, next ${next} for ${id}; its log ends at ${lastIndex}`,
      );
    }
    this.#checkDisk(node);
  }

  #checkDisk({ id, durable }: NodeView): void {
    const { compacted, applied, last, hardState } = durable;
    if (!(compacted.index <= applied && applied <= last.index)) {
      throw new InvariantViolation(
        this.property,
        `disk of ${id}: compacted ${compacted.index} ≤ applied ${applied} ≤ last ${last.index} does not hold`,
      );
    }
    if (hardState.commit > last.index) {
      throw new InvariantViolation(
        this.property,
        `disk of ${id}: commit ${hardState.commit} is ahead of the last entry ${last.index}`,
      );
    }
    if (hardState.term < last.term) {
      throw new InvariantViolation(
        this.property,
        `disk of ${id}: term ${hardState.term} is older than its last entry's, ${last.term}`,
      );
    }
  }
}
