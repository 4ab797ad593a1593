import type { Config, Index, Member, Membership, NodeId, Random, TraceRecord } from "@quorate/raft/core";
import { Monitor } from "../invariants/monitor.js";
import type { ClusterView } from "../invariants/observation.js";
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
  readonly nodes: readonly Node[];
  readonly view: ClusterView;
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
    const membership = membershipOf(ids);
    this.nodes = ids.map((id) => new Node(id, this, new Disk(world, membership, knobs.plantedBugs)));
    for (const node of this.nodes) this.network.connect(node.id, node);
    const majority = Math.floor(ids.length / 2) + 1;
    this.view = { nodes: this.nodes, isQuorum: (holders) => holders.size >= majority };
  }

  /** A node's core gets its own stream of chance, so that one more draw there shifts nothing elsewhere. */
  config(id: NodeId, random: Random): Config {
    const { knobs } = this;
    return {
      id,
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
      plantedBugs: knobs.plantedBugs,
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

  /** The one leader that can serve and that every node follows; null when there is none. */
  settledLeader(): Node | null {
    let leader: Node | null = null;
    for (const node of this.nodes) {
      const status = node.status();
      if (status?.role === "leader" && status.canServe) {
        if (leader) return null;
        leader = node;
      }
    }
    const id = leader?.id;
    return leader && this.nodes.every((node) => node.status()?.leader === id) ? leader : null;
  }

  /** Every node is up and has applied the whole log, durably; the index, or null. */
  convergedAt(): Index | null {
    const ends = new Set<Index>();
    for (const node of this.nodes) {
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

function membershipOf(ids: readonly NodeId[]): Membership {
  const members: Member[] = ids.map((id) => ({
    id,
    incarnation: `${id}-1`,
    peer: `${id}:9000`,
    http: `http://${id}:8000`,
  }));
  return { clusterId: "simulated", members, voters: ids, votersOutgoing: [], learners: [] };
}
