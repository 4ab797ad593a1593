import type { Index } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type ReadView } from "./observation.js";

/**
 * A read index is never older than what was committed anywhere when the read was asked (thesis, section 6.4).
 * That the reads' values are right too is checked on the clients' histories.
 */
export class ReadFreshness implements Invariant {
  readonly property = "read index is never stale";
  readonly #asked = new Map<string, Index>();

  constructor(readonly committed: CommittedLog) {}

  readAsked(read: ReadView): void {
    this.#asked.set(nameOf(read), this.committed.last);
  }

  readGranted(read: ReadView, index: Index): void {
    const least = this.#asked.get(nameOf(read));
    if (least === undefined) {
      throw new InvariantViolation(
        this.property,
        `${nameOf(read)} is granted index ${index} without being asked for`,
      );
    }
    this.#asked.delete(nameOf(read));
    if (index >= least) return;
    throw new InvariantViolation(
      this.property,
      `${nameOf(read)} is granted index ${index}; ${least} was committed when it was asked`,
    );
  }

  readEnded(read: ReadView): void {
    this.#asked.delete(nameOf(read));
  }
}

function nameOf({ node, life, context }: ReadView): string {
  return `read ${context} at ${node} (life ${life})`;
}
