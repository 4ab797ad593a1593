/**
 * What a majority agrees on: one function, used for commit, votes, read rounds and CheckQuorum alike.
 *
 *     voters   a  b  c  d  e
 *     value    9  7  7  3  0      a majority (3 of 5) has at least 7
 *              ▲  ▲  ▲
 */
import type { Membership, NodeId } from "./types.js";

/**
 * The largest value that a majority of the voters has reached; inside a joint configuration the smaller of
 * both majorities' values (paper, section 6). Values are never negative; with no voters it is 0.
 *
 * `oneShort` is a planted bug: it counts one vote too few.
 */
export function quorumValue(
  membership: Membership,
  valueFor: (id: NodeId) => number,
  oneShort = false,
): number {
  const incoming = majorityValue(membership.voters, valueFor, oneShort);
  if (membership.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityValue(membership.votersOutgoing, valueFor, oneShort));
}

function majorityValue(
  voters: readonly NodeId[],
  valueFor: (id: NodeId) => number,
  oneShort: boolean,
): number {
  const needed = Math.floor(voters.length / 2) + 1 - (oneShort && voters.length > 1 ? 1 : 0);
  let best = 0;
  for (const candidate of voters) {
    const value = valueFor(candidate);
    if (value <= best) continue;
    let reached = 0;
    for (const id of voters) if (valueFor(id) >= value) reached += 1;
    if (reached >= needed) best = value;
  }
  return best;
}

export type VoteResult = "won" | "lost" | "pending";

/** Where an election stands. `votes` holds the answers so far: true = granted. */
export function voteResult(
  membership: Membership,
  votes: ReadonlyMap<NodeId, boolean>,
  oneShort = false,
): VoteResult {
  if (quorumValue(membership, (id) => (votes.get(id) === true ? 1 : 0), oneShort) === 1) return "won";
  const stillPossible = quorumValue(membership, (id) => (votes.get(id) === false ? 0 : 1)) === 1;
  return stillPossible ? "pending" : "lost";
}
