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

/** Carries messages between nodes, and decides what happens to each on its way. */
export class Network {
  readonly #receivers = new Map<NodeId, Receiver>();
  readonly #cut = new Set<string>();
  /** Per directed link: when the last message of its stream arrives. */
  readonly #streams = new Map<string, number>();
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
    this.#cut.clear();
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(linkName(from, to));
  }

  restore(from: NodeId, to: NodeId): void {
    this.#cut.delete(linkName(from, to));
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(linkName(from, to));
  }

  send(message: Message): void {
    const { world, knobs, counts } = this;
    const link = linkName(message.from, message.to);
    if (this.intercept(message)) return;
    if (this.#cut.has(link)) {
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
    if (this.#cut.has(linkName(from, to)) || (this.#faults && world.chance(knobs.lossRate))) {
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

  #carry(message: Message, link: string, delay: number, inOrder: boolean): void {
    const receiver = this.#receivers.get(message.to);
    if (!receiver) throw new Error(`no node ${message.to} to carry a ${message.type} to`);
    const { world } = this;
    let arrival = world.now + delay;
    if (inOrder) {
      arrival = Math.max(arrival, this.#streams.get(link) ?? 0);
      this.#streams.set(link, arrival);
    }
    const life = receiver.life;
    const disk = receiver.incarnation;
    const incarnation = this.#receivers.get(message.from)?.incarnation ?? "";
    if (!receiver.accepts(message.from, incarnation)) {
      this.counts.add("stranger refused");
      return;
    }
    world.after(arrival - world.now, () => {
      if ((inOrder && receiver.life !== life) || receiver.incarnation !== disk) return;
      receiver.receive(message, incarnation);
    });
  }
}

function linkName(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
