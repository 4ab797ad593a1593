/**
 * What a change makes of a membership. Pure: whether the change may begin now is for `reconfiguration.ts`.
 *
 *     add, addresses, a learner removed or replaced    one entry: nobody's vote is touched
 *     a voter removed, replaced or made                two entries: joint, then the new voters alone (paper, section 6)
 */
import type { ChangeRefusal } from "./ready.js";
import type { Member, Membership, NodeId } from "./types.js";

export type MembershipChange =
  /** A newcomer, always as a learner; it becomes a voter by itself when it has caught up. */
  | { readonly kind: "add"; readonly member: Member }
  | { readonly kind: "remove"; readonly id: NodeId }
  /** Another disk under the id of a member that is gone: the old incarnation out, the new one in as a learner. */
  | { readonly kind: "replace"; readonly member: Member }
  /** Other addresses of the same incarnation. */
  | { readonly kind: "update"; readonly member: Member };

/** Throws nothing: what cannot be is returned as a refusal. */
export function changed(current: Membership, change: MembershipChange): Membership | ChangeRefusal {
  const { recoveredFrom: _, ...members } = current;
  switch (change.kind) {
    case "add":
      return added(members, change.member);
    case "remove":
      return removed(members, change.id);
    case "replace":
      return replaced(members, change.member);
    case "update":
      return updated(members, change.member);
  }
}

function added(members: Membership, member: Member): Membership | ChangeRefusal {
  const { id } = member;
  if (memberOf(members, id) !== undefined) {
    return { reason: "alreadyMember", why: `${id} is a member already` };
  }
  return { ...members, members: [...members.members, member], learners: [...members.learners, id] };
}

function removed(members: Membership, id: NodeId): Membership | ChangeRefusal {
  if (memberOf(members, id) === undefined) return notMember(members, id);
  if (!members.voters.includes(id)) {
    return { ...members, members: without(members.members, id), learners: excluding(members.learners, id) };
  }
  if (members.voters.length === 1) {
    return { reason: "lastVoter", why: `${id} is the only voter: without it there is no cluster` };
  }
  return joint(members, excluding(members.voters, id));
}

function replaced(members: Membership, member: Member): Membership | ChangeRefusal {
  const { id } = member;
  const known = memberOf(members, id);
  if (known === undefined) return notMember(members, id);
  if (known.incarnation === member.incarnation) {
    return { reason: "alreadyMember", why: `${id} is a member with this very incarnation already` };
  }
  if (!members.voters.includes(id)) return { ...members, members: exchanged(members.members, member) };
  if (members.voters.length === 1) {
    return { reason: "lastVoter", why: `${id} is the only voter: nobody else has what it held` };
  }
  return { ...joint(members, excluding(members.voters, id)), joining: [member] };
}

function updated(members: Membership, member: Member): Membership | ChangeRefusal {
  const known = memberOf(members, member.id);
  if (known === undefined || known.incarnation !== member.incarnation) return notMember(members, member.id);
  if (known.peer === member.peer && known.http === member.http) {
    return { reason: "alreadyMember", why: `${member.id} has these addresses already` };
  }
  return { ...members, members: exchanged(members.members, member) };
}

/** Learners that have caught up vote from now on. */
export function promoted(members: Membership, ids: readonly NodeId[]): Membership {
  const learners = members.learners.filter((id) => !ids.includes(id));
  return { ...joint(members, [...members.voters, ...ids]), learners };
}

/** The second half of a joint change: the new voters alone, and who was replaced joins as a learner. */
export function jointLeft({ joining = [], ...members }: Membership): Membership {
  const { voters } = members;
  const learners = [...members.learners, ...joining.map(({ id }) => id)];
  const staying = members.members.filter(({ id }) => voters.includes(id) || members.learners.includes(id));
  return { ...members, members: [...staying, ...joining], votersOutgoing: [], learners };
}

function joint(members: Membership, voters: readonly NodeId[]): Membership {
  return { ...members, voters, votersOutgoing: members.voters };
}

export function memberOf({ members }: Membership, id: NodeId): Member | undefined {
  return members.find((member) => member.id === id);
}

function notMember({ members }: Membership, id: NodeId): ChangeRefusal {
  const ids = members.map((member) => member.id).join(", ");
  return { reason: "notMember", why: `${id} is not a member; the members are ${ids}` };
}

function without(members: readonly Member[], id: NodeId): Member[] {
  return members.filter((member) => member.id !== id);
}

function exchanged(members: readonly Member[], member: Member): Member[] {
  return members.map((known) => (known.id === member.id ? member : known));
}

function excluding(ids: readonly NodeId[], id: NodeId): NodeId[] {
  return ids.filter((other) => other !== id);
}
