/**
 * How a cluster comes into being, exactly once. Pure: it is told who introduced itself, and decides.
 *
 * The danger is a *second* birth beside a cluster that already acknowledged writes, say by nodes that lost
 * their disks. Therefore only one node may create the record (the first of the list), only when *all*
 * listed nodes say at the same time that they were never born under the same list, and the record names
 * every node's incarnation: a disk that was wiped afterwards is not the one that the record means. A disk that
 * retired a damaged life never takes part in a birth: it knows that there was one.
 */
import type { Member, Membership, NodeId } from "../core/index.js";
import type { BirthMessage, NodeIntroduction } from "../ports/index.js";

export interface BirthOptions {
  readonly nodeId: NodeId;
  readonly incarnation: string;
  /** The configured members, in the order of the list: the first one creates the record. */
  readonly members: readonly Omit<Member, "incarnation">[];
  readonly memberListDigest: string;
}

export type Adoption =
  | { readonly kind: "adopt"; readonly membership: Membership }
  /** This disk is not one that the record means; the text says why and what an operator does. */
  | { readonly kind: "refuse"; readonly reason: string };

export class Birth {
  readonly #options: BirthOptions;
  /** Peers with an open connection, as they introduced themselves. */
  readonly #heard = new Map<NodeId, NodeIntroduction>();

  constructor(options: BirthOptions) {
    this.#options = options;
  }

  connected(peer: NodeId, introduction: NodeIntroduction): void {
    this.#heard.set(peer, introduction);
  }

  /** Only who is connected now counts: whoever left may come back with another disk. */
  lost(peer: NodeId): void {
    this.#heard.delete(peer);
  }

  /** Ids of listed members that birth waits for, in the order of the list. */
  missing(): NodeId[] {
    return this.#waitingFor().map(({ id }) => id);
  }

  /** For an operator: who is waited for, and why; null when nobody is. */
  describeMissing(): string | null {
    const waiting = this.#waitingFor();
    if (waiting.length === 0) return null;
    return waiting.map(({ id, why }) => `${id} (${why})`).join(", ");
  }

  /** All listed members with their incarnations, if this node may found the cluster now, else null. */
  founders(): readonly Member[] | null {
    const { members, nodeId, incarnation, memberListDigest } = this.#options;
    if (members[0]?.id !== nodeId) return null;
    const founders: Member[] = [];
    for (const member of members) {
      if (member.id === nodeId) {
        founders.push({ ...member, incarnation });
        continue;
      }
      const introduction = this.#heard.get(member.id);
      if (introduction === undefined || introduction.clusterId !== null || introduction.retires !== null)
        return null;
      if (introduction.memberListDigest !== memberListDigest) return null;
      founders.push({ ...member, incarnation: introduction.incarnation });
    }
    return founders;
  }

  /** What to do with the record that a born node sent. */
  judge({ from, membership }: BirthMessage): Adoption {
    return judgeRecord(this.#options.nodeId, this.#options.incarnation, membership, `${from} belongs to`);
  }

  #waitingFor(): { readonly id: NodeId; readonly why: string }[] {
    const waiting: { id: NodeId; why: string }[] = [];
    for (const { id } of this.#options.members) {
      if (id === this.#options.nodeId) continue;
      const introduction = this.#heard.get(id);
      if (introduction === undefined) waiting.push({ id, why: "not connected" });
      else if (introduction.retires !== null)
        waiting.push({ id, why: "its disk belonged to a cluster before" });
      else if (
        introduction.clusterId === null &&
        introduction.memberListDigest !== this.#options.memberListDigest
      )
        waiting.push({ id, why: "configured with another list of members" });
    }
    return waiting;
  }
}

/** The record of a new cluster: everybody of the list votes. */
export function foundingMembership(clusterId: string, founders: readonly Member[]): Membership {
  return {
    clusterId,
    members: founders.map(({ id, incarnation, peer, http }) => ({ id, incarnation, peer, http })),
    voters: founders.map(({ id }) => id),
    votersOutgoing: [],
    learners: [],
  };
}

/** Whether `membership` means this disk. `subject` begins the sentence of a refusal. */
export function judgeRecord(
  nodeId: NodeId,
  incarnation: string,
  membership: Membership,
  subject: string,
): Adoption {
  const own = membership.members.find(({ id }) => id === nodeId);
  const cluster = `${subject} the cluster ${membership.clusterId}`;
  if (own === undefined) {
    const ids = membership.members.map(({ id }) => id).join(", ");
    return {
      kind: "refuse",
      reason: `${cluster}, whose members are ${ids}; ${nodeId} is none of them. Check this node's id and its list of members.`,
    };
  }
  if (own.incarnation !== incarnation) {
    return {
      kind: "refuse",
      reason:
        `${cluster}, which knows ${nodeId} under the incarnation ${own.incarnation}; this data directory has ` +
        `${incarnation}, so it is empty, new or not the one that ${nodeId} had. Restore the former directory, or have ` +
        "this node replaced: it cannot take part with what it does not remember.",
    };
  }
  return { kind: "adopt", membership };
}
