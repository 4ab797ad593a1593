/** The configured list of members: digest, and who to dial. */
import { createHash } from "node:crypto";
import type { Member, Membership, NodeId } from "../core/index.js";
import type { PeerAddress } from "../ports/index.js";

export type ListedMember = Omit<Member, "incarnation">;

/** The list is wrong. The text says what must be changed. */
export class InvalidMemberList extends Error {
  override readonly name = "InvalidMemberList";
}

/** @throws InvalidMemberList */
export function validateMemberList(nodeId: NodeId, members: readonly ListedMember[]): void {
  const ids = new Set<NodeId>();
  for (const { id } of members) {
    if (ids.has(id)) throw new InvalidMemberList(`the list of members has "${id}" twice; ids are unique.`);
    ids.add(id);
  }
  if (!ids.has(nodeId)) {
    throw new InvalidMemberList(
      `this node is "${nodeId}", but the list of members has ${[...ids].map((id) => `"${id}"`).join(", ") || "nobody"}.`,
    );
  }
}

/** Equal exactly for equal lists, order included: the first one of the list founds the cluster. */
export function memberListDigest(members: readonly ListedMember[]): string {
  const canonical = JSON.stringify(members.map(({ id, peer, http }) => [id, peer, http]));
  return createHash("sha256").update(canonical).digest("hex");
}

/**
 * Who to dial, and where. After birth the membership says who; a hint is the address that the peer itself `announced`,
 * or the one in the configured list.
 */
export function peersToDial(
  nodeId: NodeId,
  configured: readonly ListedMember[],
  membership: Membership | null,
  announced: ReadonlyMap<NodeId, string>,
): PeerAddress[] {
  const hints = new Map([...configured.map(({ id, peer }) => [id, peer] as const), ...announced]);
  return (membership?.members ?? configured)
    .filter(({ id }) => id !== nodeId)
    .map(({ id, peer }) => {
      const hint = hints.get(id);
      return hint === undefined || hint === peer ? { id, peer } : { id, peer, hint };
    });
}
