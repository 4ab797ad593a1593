/** Who may be a peer: pure rules, applied by both ends of every connection once both have proved the secret. */
import type { Membership, NodeId } from "../core/index.js";
import type { NodeIntroduction } from "../ports/index.js";

export interface JudgeContext {
  readonly own: NodeIntroduction;
  /** Null until birth. */
  readonly membership: Membership | null;
  /** Ids of the configured members, the own one included; counts while both sides are unborn. */
  readonly configured: readonly NodeId[];
  /** Incarnation under which the other's id is connected right now, if it is. */
  readonly connectedIncarnation: string | null;
}

/** What a dialer wants and what it got: an address list that is wrong shows here. */
export interface Call {
  /** Whom the dialer thinks it is calling. */
  readonly intended: NodeId;
  /** Who answered. */
  readonly reached: NodeId;
}

/** Null: welcome. Else a sentence for the operators of both sides, without a full stop. */
export function judge(other: NodeIntroduction, call: Call, context: JudgeContext): string | null {
  const { own, membership, configured, connectedIncarnation } = context;
  const id = other.nodeId;
  if (other.clusterName !== own.clusterName) {
    return `${id} belongs to the cluster named "${other.clusterName}", ${own.nodeId} to "${own.clusterName}": one of them has the other's address or a wrong cluster.name`;
  }
  if (call.intended !== call.reached) {
    return `the address listed for ${call.intended} is that of ${call.reached}: correct the members' peer addresses`;
  }
  if (id === own.nodeId) {
    return `two nodes call themselves ${id}: every node needs an id of its own, and no address but its own may lead to itself`;
  }
  return (
    judgeBirth(other, own, membership, configured) ??
    (connectedIncarnation !== null && connectedIncarnation !== other.incarnation
      ? `another node is connected as ${id} (incarnation ${connectedIncarnation}, the newcomer's is ${other.incarnation}): stop one of the two`
      : null)
  );
}

/**
 * Whether it is the disk of a member, in a new life: the membership means the life that it retired. It stays a
 * stranger until the leader has given it that place.
 */
export function asksForItsPlace(
  { nodeId, incarnation, clusterId, retires }: NodeIntroduction,
  membership: Membership | null,
  connectedIncarnation: string | null,
): boolean {
  if (clusterId !== null || retires === null) return false;
  if (connectedIncarnation !== null && connectedIncarnation !== incarnation) return false;
  return (
    membership?.members.some((member) => member.id === nodeId && member.incarnation === retires) === true
  );
}

function judgeBirth(
  other: NodeIntroduction,
  own: NodeIntroduction,
  membership: Membership | null,
  configured: readonly NodeId[],
): string | null {
  const clusterId = membership?.clusterId ?? own.clusterId;
  const id = other.nodeId;
  if (clusterId === null) {
    // The born side knows who belongs to it and judges; this side waits for the birth record it will send.
    return other.clusterId === null ? judgeUnborn(other, own, configured) : null;
  }
  if (other.clusterId !== null && other.clusterId !== clusterId) {
    return `${id} belongs to the cluster with id ${other.clusterId}, ${own.nodeId} to ${clusterId}: two clusters were born under the name "${own.clusterName}", or one was recovered from the other; to let a node of one into the other, empty its data folder first`;
  }
  // Born, but no membership is known yet: the cluster id is all that can be compared.
  return membership === null ? null : judgeListed(other, own, membership);
}

function judgeUnborn(
  other: NodeIntroduction,
  own: NodeIntroduction,
  configured: readonly NodeId[],
): string | null {
  if (!configured.includes(other.nodeId)) {
    return `${other.nodeId} is not among the configured members (${configured.join(", ")}): list it under cluster.members on every node`;
  }
  if (other.memberListDigest !== own.memberListDigest) {
    return `${other.nodeId} and ${own.nodeId} have different member lists: before its birth cluster.members must be identical on every node`;
  }
  return null;
}

function judgeListed(other: NodeIntroduction, own: NodeIntroduction, membership: Membership): string | null {
  const { nodeId: id, incarnation, clusterId, membershipIndex, peer, http } = other;
  const listed = membership.members.find((member) => member.id === id);
  if (listed?.incarnation === incarnation) return null;
  // It belongs to this cluster and knows a later membership: this node may have missed that it joined.
  if (clusterId !== null && membershipIndex > own.membershipIndex) return null;
  if (listed !== undefined && clusterId === null && other.retires === listed.incarnation) {
    return `${id} found its disk damaged and retired it (incarnation ${listed.incarnation}): it waits, empty, until the leader has given its place to ${incarnation}`;
  }
  if (listed !== undefined) {
    return `${id} came back with another incarnation (its disk was wiped or replaced): the cluster knows ${listed.incarnation}, not ${incarnation}; bring the old disk back, or give the place to the new one: quorate replace ${id}`;
  }
  const ids = membership.members.map((member) => member.id).join(", ");
  if (clusterId !== null) {
    return `${id} is a stranger: it was removed from the cluster, whose members are ${ids}; to come back it needs an empty data directory`;
  }
  return `${id} is a stranger: the cluster's members are ${ids}; to let it in: quorate add ${id} ${peer} ${http}`;
}
