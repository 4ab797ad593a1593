import type { Index, NodeId } from "@quorate/raft/core";
import type { CommittedLog } from "./committed-log.js";
import { type Invariant, InvariantViolation, type ReadView } from "./observation.js";

/**
 * A read index is never older than what was committed anywhere when the read was asked (thesis, section 6.4).
 * That the reads' values are right too is checked on the clients' histories.
 */
export class ReadFreshness implements Invariant {
  readonly property = "read index is never stale";
  /** Per node and context: contexts start anew with each life, before which every open read ended. */
  readonly #asked = new Map<NodeId, Map<number, { readonly life: number; readonly least: Index }>>();

  constructor(readonly committed: CommittedLog) {}

  readAsked(read: ReadView): void {
    let asked = this.#asked.get(read.node);
    if (asked === undefined) {
      asked = new Map();
      this.#asked.set(read.node, asked);
    }
    asked.set(read.context, { life: read.life, least: this.committed.last });
  }

  readGranted(read: ReadView, index: Index): void {
    const asked = this.#asked.get(read.node)?.get(read.context);
    if (asked === undefined || asked.life !== read.life) {
      throw new InvariantViolation(
        this.property,
        `${nameOf(read)} is granted index ${index} without being asked for`,
      );
    }
    this.readEnded(read);
    if (index >= asked.least) return;
    throw new InvariantViolation(
      this.property,
      `${nameOf(read)} is granted index ${index}; ${asked.least} was committed when it was asked`,
    );
  }

  readEnded(read: ReadView): void {
    this.#asked.get(read.node)?.delete(read.context);
  }
}

function nameOf({ node, life, context }: ReadView): string {
  return `read ${context} at ${node} (life ${life})`;
}
