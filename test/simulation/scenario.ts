import { calm } from "./calm.js";
import { Clients } from "./clients.js";
import { Cluster } from "./cluster.js";
import { type Knobs, knobsFromSeed } from "./knobs.js";
import type { Node } from "./node.js";
import { second, World } from "./world.js";

/** A calm cluster under load, for one situation brought about by hand. Invariants are judged as everywhere. */
export class Scenario {
  readonly world: World;
  readonly cluster: Cluster;
  readonly clients: Clients;

  constructor(options: { readonly seed: number; readonly knobs?: Partial<Knobs> }) {
    this.world = new World(options.seed);
    this.cluster = new Cluster(this.world, knobsFromSeed(options.seed, { ...calm, ...options.knobs }));
    this.clients = new Clients(this.cluster);
    this.cluster.start();
  }

  run(seconds: number): void {
    const end = this.world.now + seconds * second;
    while (this.world.runNext(end));
  }

  /** Runs until `reached`, looked at every tick; the seconds it took, or null after `seconds`. */
  runUntil(seconds: number, reached: () => boolean): number | null {
    const started = this.world.now;
    while (!reached()) {
      if (this.world.now - started >= seconds * second) return null;
      this.run(this.cluster.knobs.tick / second);
    }
    return (this.world.now - started) / second;
  }

  get committed(): number {
    return this.cluster.monitor.committed.last;
  }

  /** The serving leader of the highest term. */
  get leader(): Node | null {
    let leader: Node | null = null;
    for (const node of this.cluster.nodes) {
      const status = node.status();
      if (status?.role !== "leader" || !status.canServe) continue;
      if (!leader || status.term > (leader.status()?.term ?? 0)) leader = node;
    }
    return leader;
  }

  node(position: number): Node {
    const node = this.cluster.nodes[position];
    if (!node) throw new RangeError(`no node ${position} among ${this.cluster.nodes.length}`);
    return node;
  }
}
