import type { Membership, NodeId } from "../core/index.js";

/**
 * How many more voters may fail before no majority is left, whichever they are. 0 also when there is none
 * already; inside a joint configuration the worse of both majorities counts (paper, section 6).
 *
 *     voters a b c d e, e unreachable: 4 alive, 3 needed, 1 more may fail
 */
export function failureTolerance(membership: Membership, isAlive: (id: NodeId) => boolean): number {
  const spare = (voters: readonly NodeId[]) =>
    voters.filter(isAlive).length - (Math.floor(voters.length / 2) + 1);
  const incoming = spare(membership.voters);
  const both =
    membership.votersOutgoing.length === 0 ? incoming : Math.min(incoming, spare(membership.votersOutgoing));
  return Math.max(0, both);
}
