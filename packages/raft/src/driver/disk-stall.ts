/** A leader whose disk hangs should not keep the lead. */
import type { Membership, NodeId, Status } from "../core/index.js";
import { isVoter } from "../core/index.js";

/** In election timeouts: how long one write may take before its leader looks for a successor. */
const stallElectionTimeouts = 3;

/**
 * A leader with a stalled disk still sends heartbeats, so nobody campaigns; meanwhile its own copy is worth
 * nothing, and its unwritten effects fill the overlay until execution stops. Followers only need to be asked
 * to take over. Once per write: if all disks are slow, moving about helps nobody.
 *
 * The stalled node does not come back by itself: it can neither vote nor lead before its disk answers.
 */
export class DiskStall {
  readonly #limitMs: number;
  #handledSince: number | null = null;

  constructor(electionTimeoutMs: number) {
    this.#limitMs = stallElectionTimeouts * electionTimeoutMs;
  }

  /**
   * Who should take over now, if anybody.
   * @param writingSince when the write in flight began, null when there is none; same clock as `now`
   */
  successor(
    now: number,
    writingSince: number | null,
    status: () => Status,
    membership: Membership | null,
  ): NodeId | null {
    if (writingSince === null || now - writingSince < this.#limitMs) return null;
    if (this.#handledSince === writingSince || membership === null) return null;
    const { role, followers } = status();
    if (role !== "leader") return null;
    this.#handledSince = writingSince;
    const [best] = followers
      .filter(({ id, active }) => active && isVoter(membership, id))
      .sort((a, b) => b.match - a.match);
    return best?.id ?? null;
  }
}
