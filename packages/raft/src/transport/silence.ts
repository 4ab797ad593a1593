import type { NodeId } from "../core/index.js";
import type { Connection } from "./connection.js";

/** So many looks at a peer in a row find nothing new before it is given up. */
const looksMax = 3;

/**
 * Finds out that the way to a peer is dead although its connections are open. TCP tries again ever more seldom,
 * up to minutes apart, so connections that outlived a long outage would stay useless long after it.
 *
 * Looks are counted instead of time, because a node that was itself stalled must not blame its peers; and a sign
 * of life counts on whichever connection it comes, because an answer may wait behind much data on one of them.
 */
export class SilenceWatch {
  readonly #silentLooks = new Map<NodeId, number>();
  readonly #timer: NodeJS.Timeout;

  /** `look` is called for all peers so often that one which falls silent is given up after about `silenceMs`. */
  constructor(silenceMs: number, look: () => void) {
    this.#timer = setInterval(look, silenceMs / looksMax);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * One look at one peer. A silent one is asked for a sign of life.
   * @param asked the connection on which it is asked; null when there is none, then it cannot be silent
   * @param all every connection with it, that one included
   * @returns true when it is to be given up
   */
  isDead(peer: NodeId, asked: Connection | null, all: readonly Connection[]): boolean {
    const heard = all.map((connection) => connection.takeHeard()).some(Boolean);
    if (heard || asked === null) {
      this.#silentLooks.delete(peer);
      return false;
    }
    const looks = (this.#silentLooks.get(peer) ?? 0) + 1;
    this.#silentLooks.set(peer, looks);
    if (looks < looksMax) {
      asked.ask();
      return false;
    }
    this.#silentLooks.delete(peer);
    return true;
  }
}
