/**
 * Whom this node keeps connections to: the members, and for a while those that were removed, so that they hear of it
 * and can lead their clients elsewhere. What each says of itself is compared with the membership: a moved member is
 * announced.
 */
import type { Member, Membership, NodeId } from "../core/index.js";
import type { Clock, NodeIntroduction, PeerAddress, Transport } from "../ports/index.js";
import { type ListedMember, peersToDial } from "./member-list.js";

/** Longer than load balancers and their probes need to notice that a node is not ready, in milliseconds. */
export const farewellMs = 20_000;

export interface PeersOptions {
  readonly nodeId: NodeId;
  readonly configured: readonly ListedMember[];
  readonly transport: Pick<Transport, "setPeers">;
  readonly clock: Pick<Clock, "after">;
  /** How long a removed member is still talked to, in milliseconds. */
  readonly farewellMs: number;
}

export class Peers {
  readonly #options: PeersOptions;
  /** How each peer introduced itself on its newest connection. */
  readonly #introductions = new Map<NodeId, NodeIntroduction>();
  /** Where each peer says that it is reached: known before it is in the membership, and needed to get there. */
  readonly #announced = new Map<NodeId, string>();
  #leaving: readonly PeerAddress[] = [];
  #dialled: readonly PeerAddress[] = [];
  #membership: Membership | null = null;
  /** Members that were removed a while ago, with the disks that they had. */
  #guests: readonly Member[] = [];
  #stopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get introductions(): ReadonlyMap<NodeId, NodeIntroduction> {
    return this.#introductions;
  }

  get ids(): readonly NodeId[] {
    return this.#dialled.map(({ id }) => id);
  }

  stop(): void {
    this.#stopped = true;
  }

  dial(membership: Membership | null): void {
    const { nodeId, configured, transport, clock, farewellMs } = this.#options;
    const wanted = peersToDial(nodeId, configured, membership, this.#announced);
    const has = (id: NodeId) => wanted.some((peer) => peer.id === id);
    for (const id of this.#announced.keys()) if (!has(id)) this.#announced.delete(id);
    const gone = this.#dialled.filter(({ id }) => !has(id) && !this.#leaving.some((peer) => peer.id === id));
    this.#leaving = [...this.#leaving.filter(({ id }) => !has(id)), ...gone];
    this.#dialled = wanted;
    const isMember = (id: NodeId) => membership?.members.some((member) => member.id === id) === true;
    const left = (this.#membership?.members ?? []).filter(({ id }) => !isMember(id));
    this.#guests = [...this.#guests.filter(({ id }) => !isMember(id)), ...left];
    this.#membership = membership;
    transport.setPeers([...wanted, ...this.#leaving]);
    if (gone.length === 0 && left.length === 0) return;
    clock.after(farewellMs, () => {
      if (this.#stopped) return;
      this.#guests = this.#guests.filter((member) => !left.includes(member));
      this.#leaving = this.#leaving.filter((peer) => !gone.includes(peer));
      transport.setPeers([...this.#dialled, ...this.#leaving]);
    });
  }

  /** By which `visitor` is judged: for a while, who was removed is let in like a member. Null until birth. */
  membershipFor({ nodeId, incarnation }: NodeIntroduction): Membership | null {
    const guest = this.#guests.find((member) => member.id === nodeId && member.incarnation === incarnation);
    if (this.#membership === null || guest === undefined) return this.#membership;
    return { ...this.#membership, members: [...this.#membership.members, guest] };
  }

  connected(peer: NodeId, introduction: NodeIntroduction): void {
    this.#introductions.set(peer, introduction);
  }

  /** It has reached this node, which may not know where to reach it. */
  introduced(peer: NodeId, introduction: NodeIntroduction): void {
    const listed = this.#membership?.members.find(({ id }) => id === peer);
    if (listed !== undefined && listed.incarnation !== introduction.incarnation) return;
    this.#introductions.set(peer, introduction);
    const { peer: address } = introduction;
    if (address === "" || this.#announced.get(peer) === address || !this.ids.includes(peer)) return;
    this.#announced.set(peer, address);
    this.dial(this.#membership);
  }

  lost(peer: NodeId): void {
    this.#introductions.delete(peer);
  }

  /** Members that say that they are reached elsewhere than the membership has it, this node's own word included. */
  moved(membership: Membership, own: NodeIntroduction): Member[] {
    return membership.members.flatMap((member) => {
      const said = member.id === own.nodeId ? own : this.#introductions.get(member.id);
      if (said === undefined || said.incarnation !== member.incarnation) return [];
      const { peer, http } = said;
      return peer === member.peer && http === member.http ? [] : [{ ...member, peer, http }];
    });
  }
}
