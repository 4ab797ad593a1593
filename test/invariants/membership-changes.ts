import { decodeMembership, EntryType, type NodeId, type Status, type StoreRequest } from "@quorate/raft/core";
import { type HeldMembership, type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Seen {
  /** The memberships of its log, as far as it asked its disk to hold it; ascending. */
  held: HeldMembership[];
  /** Last index that it asked its disk to hold. */
  last: number;
  status: Status | null;
}

/**
 * Membership changes are safe (paper, section 6; Ongaro, raft-dev, 2015-07-10): the membership in force is the
 * log's last; a leader begins one change at a time, after an entry of its own term is committed; voters change
 * through a joint membership, and a disk is never exchanged under a vote.
 */
export class MembershipChanges implements Invariant {
  readonly property = "membership changes";
  readonly #seen = new Map<NodeId, Seen>();

  nodeStarted(node: NodeView): void {
    const held = [...(node.durable.memberships ?? [])];
    this.#seen.set(node.id, { held, last: node.durable.last.index, status: null });
  }

  stepped(node: NodeView, status: Status): void {
    const seen = this.#seen.get(node.id);
    if (seen) seen.status = status;
    if (node.membership === undefined || node.membership.index <= status.lastIndex) return;
    this.#fail(node, `follows the membership of entry ${node.membership.index}, behind its log`);
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    const seen = this.#seen.get(node.id);
    const [first] = request.entries;
    if (seen && request.install) {
      // A snapshot takes the place of the log.
      seen.held = [request.install.membership];
      seen.last = request.install.last.index;
    }
    if (!seen || !first) return;
    seen.held = seen.held.filter(({ index }) => index < first.index);
    for (const entry of request.entries) {
      seen.last = entry.index;
      if (entry.type !== EntryType.membership) continue;
      const next = { index: entry.index, membership: decodeMembership(entry.data) };
      const before = seen.held.at(-1);
      if (before && seen.status?.role === "leader" && entry.term === seen.status.term) {
        this.#judgeTiming(node, seen.status, before, next);
      }
      if (before) this.#judgeStep(node, before, next);
      seen.held.push(next);
    }
    this.#compareInForce(node, seen);
  }

  #judgeTiming(node: NodeView, status: Status, before: HeldMembership, { index }: HeldMembership): void {
    if (before.index > status.commit) {
      this.#fail(node, `changes the membership at ${index} while that of ${before.index} is not committed`);
    }
    // Writes come later than appends, but never so late that the entry itself is needed for this.
    const known = Math.min(status.commit, index - 1);
    if (node.durable.termAt(known) !== undefined && node.durable.termAt(known) !== status.term) {
      this.#fail(node, `changes the membership at ${index} with nothing of term ${status.term} committed`);
    }
  }

  #judgeStep(
    node: NodeView,
    { membership: now }: HeldMembership,
    { index, membership }: HeldMembership,
  ): void {
    const wrong = (why: string) => this.#fail(node, `stores a membership at ${index} that ${why}`);
    if (now.votersOutgoing.length > 0) {
      if (!sameIds(now.voters, membership.voters)) wrong("leaves a joint one for other voters");
    } else if (membership.votersOutgoing.length > 0) {
      if (!sameIds(now.voters, membership.votersOutgoing)) wrong("enters a joint one from elsewhere");
    } else if (!sameIds(now.voters, membership.voters)) wrong("changes the voters at once");
    const disks = new Map(now.members.map(({ id, incarnation }) => [id, incarnation]));
    for (const { id, incarnation } of membership.members) {
      const exchanged = disks.has(id) && disks.get(id) !== incarnation;
      if (exchanged && membership.voters.includes(id)) wrong(`exchanges the disk of the voter ${id}`);
    }
  }

  /** What the node counts by is the last membership of its log. */
  #compareInForce(node: NodeView, { held, last }: Seen): void {
    const inForce = node.membership;
    if (inForce === undefined || held.length === 0) return;
    const newest = held.at(-1)?.index ?? 0;
    if (newest > inForce.index)
      this.#fail(node, `follows the membership of ${inForce.index}, its log has ${newest}`);
    if (inForce.index <= last && !held.some(({ index }) => index === inForce.index)) {
      this.#fail(node, `follows a membership of entry ${inForce.index}, which its log does not have`);
    }
  }

  #fail(node: NodeView, text: string): never {
    throw new InvariantViolation(this.property, `${node.id} ${text}`);
  }
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
