import type { Message, NodeId } from "@quorate/raft/core";
import type { FaultCounts } from "./fault-counts.js";
import type { Knobs } from "./knobs.js";
import type { World } from "./world.js";

export interface Receiver {
  /** Grows with each restart: a stream to an earlier life is gone. */
  readonly life: number;
  /** Of the disk it runs on. */
  readonly incarnation: string;
  /** Whether the connection over which a message of that disk would come is, or stays, open. */
  accepts(from: NodeId, incarnation: string): boolean;
  receive(message: Message, incarnation: string): void;
}

/** One direction between two nodes. */
interface Link {
  readonly sender: Receiver;
  readonly receiver: Receiver;
  cut: boolean;
  /** When the last message of its stream arrives. */
  arrival: number;
}

/** Carries messages between nodes, and decides what happens to each on its way. */
export class Network {
  readonly #receivers = new Map<NodeId, Receiver>();
  readonly #links = new Map<NodeId, Map<NodeId, Link>>();
  #faults = true;
  /** For situations made by hand: true swallows the message. */
  intercept: (message: Message) => boolean = () => false;

  constructor(
    readonly world: World,
    readonly knobs: Knobs,
    readonly counts: FaultCounts,
  ) {}

  connect(id: NodeId, receiver: Receiver): void {
    this.#receivers.set(id, receiver);
  }

  /** Every link works from now on, fast and in order. What was sent before arrives as it would have. */
  heal(): void {
    this.#faults = false;
    for (const links of this.#links.values()) for (const link of links.values()) link.cut = false;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#link(from, to).cut = true;
  }

  restore(from: NodeId, to: NodeId): void {
    this.#link(from, to).cut = false;
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#link(from, to).cut;
  }

  send(message: Message): void {
    const { world, knobs, counts } = this;
    if (this.intercept(message)) return;
    const link = this.#link(message.from, message.to);
    if (link.cut) {
      counts.add("message cut off");
      return;
    }
    if (!this.#faults) {
      this.#carry(message, link, world.between(knobs.delay.min, knobs.delay.max), true);
      return;
    }
    if (world.chance(knobs.lossRate)) {
      counts.add("message lost");
      return;
    }
    this.#carry(message, link, this.#delay(), knobs.streams);
    if (world.chance(knobs.duplicateRate)) {
      counts.add("message doubled");
      this.#carry(message, link, this.#delay(), knobs.streams);
    }
  }

  /** Bytes on a socket of their own, which may break like any other; `deliver` runs when they have arrived. */
  bulk(from: NodeId, to: NodeId, deliver: () => void): void {
    const { world, knobs, counts } = this;
    if (this.isCut(from, to) || (this.#faults && world.chance(knobs.lossRate))) {
      counts.add("snapshot chunk lost");
      return;
    }
    const copies = this.#faults && world.chance(knobs.duplicateRate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delay = this.#faults ? this.#delay() : world.between(knobs.delay.min, knobs.delay.max);
      world.after(delay, deliver);
    }
  }

  #delay(): number {
    const { world, knobs, counts } = this;
    const delay = world.between(knobs.delay.min, knobs.delay.max);
    if (!world.chance(knobs.spikeRate)) return delay;
    counts.add("message held up");
    return delay + world.between(knobs.spike.min, knobs.spike.max);
  }

  #carry(message: Message, link: Link, delay: number, inOrder: boolean): void {
    const { world } = this;
    const { sender, receiver } = link;
    let arrival = world.now + delay;
    if (inOrder) {
      arrival = Math.max(arrival, link.arrival);
      link.arrival = arrival;
    }
    const life = receiver.life;
    const disk = receiver.incarnation;
    const incarnation = sender.incarnation;
    if (!receiver.accepts(message.from, incarnation)) {
      this.counts.add("stranger refused");
      return;
    }
    world.after(arrival - world.now, () => {
      if ((inOrder && receiver.life !== life) || receiver.incarnation !== disk) return;
      receiver.receive(message, incarnation);
    });
  }

  #link(from: NodeId, to: NodeId): Link {
    const known = this.#links.get(from)?.get(to);
    if (known !== undefined) return known;
    const sender = this.#receivers.get(from);
    const receiver = this.#receivers.get(to);
    if (!sender || !receiver) throw new Error(`no nodes ${from} and ${to} to carry a message between`);
    const link: Link = { sender, receiver, cut: false, arrival: 0 };
    const links = this.#links.get(from);
    if (links) links.set(to, link);
    else this.#links.set(from, new Map([[to, link]]));
    return link;
  }
}
