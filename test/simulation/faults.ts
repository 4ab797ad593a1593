import type { Cluster } from "./cluster.js";
import type { Span } from "./knobs.js";
import type { Node } from "./node.js";

/** Starts every kind of fault at random moments, as often as the knobs say. */
export class Faults {
  constructor(readonly cluster: Cluster) {
    const { knobs } = cluster;
    this.#every(knobs.crashEvery, () => this.#crash());
    this.#every(knobs.pauseEvery, () => this.#pause());
    this.#every(knobs.slowDiskEvery, () => this.#slowDisk());
    this.#every(knobs.partitionEvery, () => this.#partition());
    this.#every(knobs.resetEvery, () => this.#reset());
    this.#every(knobs.falsePeerLostEvery, () => this.#falsePeerLost());
    this.#every(knobs.transferEvery, () => this.#transfer());
  }

  /** All faults end: cut links and crashed and stopped nodes come back, and nothing new breaks. */
  heal(): void {
    const { cluster } = this;
    cluster.faultsOn = false;
    cluster.network.heal();
    for (const node of [...cluster.nodes]) {
      node.slowWrites(0);
      node.resume();
      cluster.restart(node);
    }
    for (const [i, node] of cluster.nodes.entries()) {
      for (const peer of cluster.nodes.slice(i + 1)) cluster.reconnect(node, peer);
    }
  }

  #every(mean: number, fault: () => void): void {
    if (mean === 0) return;
    const { world } = this.cluster;
    const next = () =>
      world.after(world.exponential(mean), () => {
        if (!this.cluster.faultsOn) return;
        fault();
        next();
      });
    next();
  }

  #length(span: Span): number {
    return this.cluster.world.between(span.min, span.max);
  }

  /** Leaders are where faults hurt most: half of them hit one. */
  #victim(): Node {
    const { world, nodes } = this.cluster;
    const leaders = nodes.filter((node) => node.standing()?.role === "leader");
    return leaders.length > 0 && world.chance(0.5) ? world.pick(leaders) : world.pick(nodes);
  }

  #crash(): void {
    const { cluster } = this;
    if (cluster.world.chance(0.1)) {
      for (const node of cluster.nodes) cluster.crashed(node, "crash of all nodes");
    } else cluster.crashed(this.#victim(), "crash");
  }

  #pause(): void {
    const { cluster } = this;
    const node = this.#victim();
    if (!node.up || node.paused) return;
    cluster.counts.add("pause");
    node.pause();
    const life = node.life;
    cluster.world.after(this.#length(cluster.knobs.pause), () => {
      if (node.life === life) node.resume();
    });
  }

  #slowDisk(): void {
    const { cluster } = this;
    cluster.counts.add("slow disk");
    this.#victim().slowWrites(cluster.world.now + this.#length(cluster.knobs.slowDisk));
  }

  #partition(): void {
    const { cluster } = this;
    const { world, knobs, network, counts } = cluster;
    const links = world.chance(knobs.oneWayShare) ? this.#oneWayLinks() : this.#splitLinks();
    const fresh = links.filter(([from, to]) => !network.isCut(from.id, to.id));
    if (fresh.length === 0) return;
    for (const [from, to] of fresh) network.cut(from.id, to.id);
    world.after(this.#length(knobs.partition), () => {
      if (!cluster.faultsOn) return;
      for (const [from, to] of fresh) network.restore(from.id, to.id);
      for (const [from, to] of fresh) cluster.reconnect(from, to);
      counts.add("healed partition");
    });
  }

  #splitLinks(): readonly (readonly [Node, Node])[] {
    const { world, nodes, counts } = this.cluster;
    counts.add("partition");
    const victim = this.#victim();
    const alone = world.chance(0.5);
    const side = new Set(alone ? [victim] : nodes.filter(() => world.chance(0.5)));
    return this.#links(([from, to]) => side.has(from) !== side.has(to));
  }

  #oneWayLinks(): readonly (readonly [Node, Node])[] {
    const { world, counts } = this.cluster;
    const victim = this.#victim();
    const shape = world.integer(0, 2);
    counts.add(
      ["partition outbound only", "partition inbound only", "partition of random links"][shape] ?? "",
    );
    if (shape === 0) return this.#links(([from]) => from === victim);
    if (shape === 1) return this.#links(([, to]) => to === victim);
    return this.#links(() => world.chance(0.4));
  }

  #links(wanted: (link: readonly [Node, Node]) => boolean): readonly (readonly [Node, Node])[] {
    const { nodes } = this.cluster;
    return nodes
      .flatMap((from) => nodes.map((to) => [from, to] as const))
      .filter(([from, to]) => from !== to)
      .filter(wanted);
  }

  #pair(): readonly [Node, Node] | null {
    const { world, nodes } = this.cluster;
    if (nodes.length < 2) return null;
    const one = world.pick(nodes);
    return [one, world.pick(nodes.filter((node) => node !== one))];
  }

  #reset(): void {
    const pair = this.#pair();
    if (!pair) return;
    this.cluster.counts.add("connection reset");
    this.cluster.reconnect(...pair);
  }

  #falsePeerLost(): void {
    const pair = this.#pair();
    if (!pair) return;
    this.cluster.counts.add("false report of a lost peer");
    pair[0].input({ type: "peerLost", peer: pair[1].id });
  }

  #transfer(): void {
    const { world, nodes, counts } = this.cluster;
    const leader = nodes.find((node) => node.standing()?.role === "leader");
    if (!leader) return;
    counts.add("leadership transfer asked");
    leader.input({ type: "transfer", to: world.pick(nodes).id });
  }
}
