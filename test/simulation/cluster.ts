import type { Config, Index, Member, Membership, NodeId, Random, TraceRecord } from "@quorate/raft/core";
import { Monitor } from "../invariants/monitor.js";
import type { ClusterView, HeldMembership, NodeView } from "../invariants/observation.js";
import { Disk } from "./disk.js";
import { FaultCounts } from "./fault-counts.js";
import type { Knobs } from "./knobs.js";
import { Network } from "./network.js";
import { Node } from "./node.js";
import type { World } from "./world.js";

/** All nodes of one run, with what they share: clock, network, observer. */
export class Cluster {
  readonly counts = new FaultCounts();
  readonly monitor = new Monitor();
  readonly network: Network;
  /** Everybody who ever took part. */
  readonly nodes: Node[];
  /** As they were when they were lost. */
  readonly lostDisks: NodeView[] = [];
  readonly view: ClusterView;
  readonly #byId = new Map<NodeId, Node>();
  /** False in the liveness phase. */
  faultsOn = true;

  constructor(
    readonly world: World,
    readonly knobs: Knobs,
    /** Hears every transition of every core. */
    readonly onTransition?: (record: TraceRecord) => void,
  ) {
    this.network = new Network(world, knobs, this.counts);
    const ids = Array.from({ length: knobs.nodes }, (_, i) => `n${i + 1}`);
    const birth = membershipOf(ids);
    this.nodes = ids.map((id) => new Node(id, this, new Disk(world, birth, knobs.plantedBugs)));
    for (const node of this.nodes) this.#join(node);
    const { nodes, lostDisks } = this;
    this.view = {
      get nodes() {
        return lostDisks.length === 0 ? nodes : [...nodes, ...lostDisks];
      },
      isQuorum: (holders, { membership }) => {
        const { members, voters, votersOutgoing } = membership?.membership ?? birth;
        const counted = new Set<NodeId>();
        for (const { id, incarnation } of members) {
          if (holders.has(incarnation)) counted.add(id);
        }
        return (
          hasMajority(voters, counted) &&
          (votersOutgoing.length === 0 || hasMajority(votersOutgoing, counted))
        );
      },
    };
  }

  node(id: NodeId): Node | undefined {
    return this.#byId.get(id);
  }

  /** A node of that id with an empty disk: a new one, or one whose former disk is gone. */
  emptyNode(id: NodeId): Node {
    const known = this.node(id);
    if (known) {
      known.crash();
      known.replaceDisk();
      return known;
    }
    const node = new Node(id, this, new Disk(this.world, null, this.knobs.plantedBugs));
    this.nodes.push(node);
    this.#join(node);
    return node;
  }

  #join(node: Node): void {
    this.#byId.set(node.id, node);
    this.network.connect(node.id, node);
  }

  /** The newest membership that any disk or core knows. */
  newestMembership(): HeldMembership {
    let newest: HeldMembership | undefined;
    for (const { membership } of this.nodes) {
      if (membership && membership.index > (newest?.index ?? 0)) newest = membership;
    }
    if (!newest) throw new Error("nobody knows a membership");
    return newest;
  }

  /** Nodes whose disk the membership means. */
  membersOf({ membership }: HeldMembership): readonly Node[] {
    return membership.members.flatMap(({ id, incarnation }) => {
      const node = this.node(id);
      return node?.incarnation === incarnation ? [node] : [];
    });
  }

  /** What the handshake of two real nodes decides: strangers, lost disks and who was removed are refused. */
  mayTalk(from: NodeId, incarnation: string, to: Node): boolean {
    const sender = this.node(from);
    // A connection of a disk that is gone by now: what it carried may still come.
    if (sender === undefined || sender.incarnation !== incarnation) return to.admitted;
    if (!to.admitted) {
      const meant = sender.membership?.membership.members.some(
        (member) => member.incarnation === to.incarnation,
      );
      if (meant) to.admit();
      return meant === true;
    }
    return sender.admitted && welcomes(to, sender) && welcomes(sender, to);
  }

  /** A node's core gets its own stream of chance, so that one more draw there shifts nothing elsewhere. */
  config(id: NodeId, random: Random): Config {
    const { knobs } = this;
    return {
      id,
      incarnation: this.node(id)?.incarnation ?? id,
      heartbeatTicks: knobs.heartbeatTicks,
      electionTicks: knobs.electionTicks,
      peerLostTicks: knobs.peerLostTicks,
      peerLostRetryTicksMin: 5,
      peerLostRetryTicksMax: 15,
      peerLostRetries: 3,
      maxAppendBytes: knobs.maxAppendBytes,
      maxInflightAppends: knobs.maxInflightAppends,
      maxInflightBytes: knobs.maxInflightBytes,
      maxUncommittedBytes: knobs.maxUncommittedBytes,
      maxApplyBytes: knobs.maxApplyBytes,
      maxCachedBytes: knobs.maxCachedBytes,
      compactEntriesMin: knobs.compactEntriesMin,
      promotionLagMax: knobs.promotionLagMax,
      promotionTicks: knobs.promotionTicks,
      trailingEntries: knobs.trailingEntries,
      trailingBytes: knobs.trailingBytes,
      maxHeldBytes: knobs.maxHeldBytes,
      random,
      // An empty set is counted by as well, with a copy of the membership each time.
      ...(knobs.plantedBugs.size > 0 && { plantedBugs: knobs.plantedBugs }),
      ...(this.onTransition && { trace: this.onTransition }),
    };
  }

  start(): void {
    for (const node of this.nodes) {
      this.world.after(this.world.between(0, 5 * this.knobs.tick), () => node.start());
    }
  }

  /** Crashes a node; it comes back by itself while faults are on, its peers may notice. */
  crashed(node: Node, kind: string): void {
    if (!node.up) return;
    const { world, knobs } = this;
    this.counts.add(kind);
    node.crash();
    for (const peer of this.nodes) {
      if (peer === node || !world.chance(knobs.peerLostShare)) continue;
      world.after(world.between(0, 5 * knobs.tick), () => {
        if (this.network.isCut(node.id, peer.id)) return;
        this.counts.add("peer lost");
        peer.input({ type: "peerLost", peer: node.id });
      });
    }
    world.after(world.between(knobs.downTime.min, knobs.downTime.max), () => this.restart(node));
  }

  restart(node: Node): void {
    if (node.up) return;
    node.start();
    for (const peer of this.nodes) if (peer !== node) this.reconnect(node, peer);
  }

  /** A new connection between two nodes: what was under way on the old one may be lost. */
  reconnect(a: Node, b: Node): void {
    const { world, knobs } = this;
    if (world.chance(knobs.peerResetShare)) a.input({ type: "peerReset", peer: b.id });
    if (world.chance(knobs.peerResetShare)) b.input({ type: "peerReset", peer: a.id });
  }

  /** The one leader that can serve and that every voter follows, no change being under way; null when there is none. */
  settledLeader(): Node | null {
    let leader: Node | null = null;
    for (const node of this.nodes) {
      const standing = node.standing();
      if (standing?.role === "leader" && standing.canServe) {
        if (leader) return null;
        leader = node;
      }
    }
    const held = leader?.membership;
    if (!leader || !held || held.membership.votersOutgoing.length > 0) return null;
    const { id } = leader;
    const { voters } = held.membership;
    return voters.includes(id) && voters.every((voter) => this.node(voter)?.standing()?.leader === id)
      ? leader
      : null;
  }

  /** Every member is up and has applied the whole log, durably; the index, or null. */
  convergedAt(): Index | null {
    const ends = new Set<Index>();
    const newest = this.newestMembership();
    const members = this.membersOf(newest);
    if (members.length < newest.membership.members.length) return null;
    for (const node of members) {
      const status = node.status();
      if (!status || status.commit !== status.lastIndex || status.applied !== status.commit) return null;
      if (node.durable.applied !== status.applied) return null;
      ends.add(status.lastIndex);
    }
    const [end] = ends;
    return ends.size === 1 && end !== undefined ? end : null;
  }

  describe(): string {
    return this.nodes
      .map((node) => {
        const status = node.status();
        const disk = `disk t${node.durable.hardState.term} last ${node.durable.last.index} applied ${node.durable.applied}`;
        if (!status) return `  ${node.id}: down, ${disk}`;
        const followers = status.followers.map(
          ({ id, match, next, state }) => `${id} ${match}/${next} ${state}`,
        );
        return (
          `  ${node.id}: ${status.role} t${status.term} leader ${status.leader} commit ${status.commit} ` +
          `applied ${status.applied} last ${status.lastIndex}${node.paused ? " paused" : ""}; ${disk}` +
          (followers.length > 0 ? `; ${followers.join(", ")}` : "")
        );
      })
      .join("\n");
  }
}

/** The other one is the member that the membership means, or knows a newer one that this node has not heard of. */
function welcomes({ membership: own }: Node, other: Node): boolean {
  if (own === undefined) return true;
  for (const { id, incarnation } of own.membership.members) {
    if (id === other.id && incarnation === other.incarnation) return true;
  }
  return (other.membership?.index ?? 0) > own.index;
}

function hasMajority(voters: readonly NodeId[], ids: ReadonlySet<NodeId>): boolean {
  return 2 * voters.filter((id) => ids.has(id)).length > voters.length;
}

function membershipOf(ids: readonly NodeId[]): Membership {
  const members: Member[] = ids.map((id) => ({
    id,
    incarnation: `${id}-1`,
    peer: `${id}:9000`,
    http: `http://${id}:8000`,
  }));
  return { clusterId: "simulated", members, voters: ids, votersOutgoing: [], learners: [] };
}
