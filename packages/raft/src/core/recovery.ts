/**
 * How a member goes on when a majority of its cluster is gone for good. Pure.
 *
 * It becomes the only voter of a *new* cluster, by one entry behind everything that it holds: what may have been
 * acknowledged stays, and is committed with that entry. A new cluster id, and a new incarnation of the disk, keep the
 * nodes of the old cluster out for ever, should one of them come back after all; safety needs no word about who is gone.
 *
 *     before   [ … committed | perhaps committed ]                     cluster A, voters n1 n2 n3
 *     after    [ … committed   committed           membership ]        cluster B, voter n1, term + 1
 */
import { encodeMembership } from "./membership.js";
import {
  type Entry,
  EntryType,
  type HardState,
  type Life,
  type Member,
  type Membership,
  type NodeId,
  type Restored,
} from "./types.js";

/** Stored in one batch. */
export interface RecoveryRecord {
  readonly hardState: HardState;
  readonly entry: Entry;
}

/** How the membership describes this very disk; undefined when it does not mean it. */
export function survivorIn(membership: Membership, id: NodeId, incarnation: string): Member | undefined {
  return [...membership.members, ...(membership.joining ?? [])].find(
    (member) => member.id === id && member.incarnation === incarnation,
  );
}

/** The entry that makes `survivor` go on alone, as `next`. `before` is what its disk was until now. */
export function recoveryRecord(
  { hardState, last }: Pick<Restored, "hardState" | "last">,
  survivor: Member,
  before: Life,
  next: Life,
): RecoveryRecord {
  const { id } = survivor;
  const membership: Membership = {
    clusterId: next.clusterId,
    members: [{ ...survivor, incarnation: next.incarnation }],
    voters: [id],
    votersOutgoing: [],
    learners: [],
    recoveredFrom: before,
  };
  const index = last.index + 1;
  // Nobody else can have led, or voted, in that term of the new cluster.
  const term = hardState.term + 1;
  return {
    hardState: { term, vote: null, commit: index },
    entry: { index, term, type: EntryType.membership, data: encodeMembership(membership) },
  };
}

/**
 * What the disk is since its recovery, when `membership` is the record of one that began with `before`; else null. The
 * record is durable before the identity file says so: whoever finds the file behind it brings it up to date.
 */
export function recoveredAs(membership: Membership, id: NodeId, before: Life): Life | null {
  const { clusterId, recoveredFrom, members } = membership;
  if (recoveredFrom?.clusterId !== before.clusterId || recoveredFrom.incarnation !== before.incarnation)
    return null;
  const self = members.find((member) => member.id === id);
  return self === undefined ? null : { clusterId, incarnation: self.incarnation };
}
