/** Proposals on their way into the log: how many of them make one round of appending, sending and syncing. */
import type { Proposal } from "../core/index.js";

/** So many proposals, or bytes, are worth a round whatever is under way. */
const roundProposals = 32;
const roundBytes = 64 * 1024;

/**
 * A round costs every member a synced write, two messages and their turns, whether it carries one entry or
 * fifty; under load that is more than the entries themselves cost. So a round begins when it carries at least as
 * much as is under way. An idle node, and one with few clients, begins one at once and waits for nothing; the
 * more there is to do, the larger the rounds get, without a timer. The disks lose nothing by it: each of them
 * writes one batch at a time anyway.
 */
export class Gathering {
  #proposals: Proposal[] = [];
  #bytes = 0;
  #lengthAsked = 0;
  #lastRound = 0;

  get size(): number {
    return this.#proposals.length;
  }

  add(proposal: Proposal): void {
    this.#proposals.push(proposal);
    this.#bytes += proposal.data.length;
  }

  /** @param underWay entries of the log that are not committed yet */
  isRound(underWay: number): boolean {
    const { length } = this.#proposals;
    return length > 0 && (length >= underWay || this.#isFull);
  }

  /**
   * Asked once a turn, that is once per look at the sockets: whether the last one brought proposals, so that the next
   * one may as well. Who proposed alone last time is not kept waiting for others.
   */
  grows(): boolean {
    const { length } = this.#proposals;
    const grew = length > this.#lengthAsked;
    this.#lengthAsked = length;
    return grew && this.#lastRound > 1 && !this.#isFull;
  }

  take(): readonly Proposal[] {
    const taken = this.#proposals;
    this.#proposals = [];
    this.#bytes = 0;
    this.#lengthAsked = 0;
    this.#lastRound = taken.length;
    return taken;
  }

  get #isFull(): boolean {
    return this.#proposals.length >= roundProposals || this.#bytes >= roundBytes;
  }
}
