import type { LogId, NodeId, SnapshotHead, SnapshotOffer } from "@quorate/raft/core";
import type { ReceivedChunk } from "./disk.js";
import type { Life } from "./life.js";
import type { StatePair } from "./machine.js";
import type { Node } from "./node.js";

/** The state as it was on the disk at one moment. */
interface Pinned {
  readonly head: SnapshotHead;
  readonly pairs: readonly StatePair[];
  asked: boolean;
}

interface ChunkRequest {
  readonly last: LogId;
  /** The last key received; null at the start. */
  readonly after: string | null;
}

interface ChunkAnswer extends ChunkRequest {
  readonly pairs: readonly StatePair[];
  /** Present on the last chunk. */
  readonly head: SnapshotHead | null;
}

interface Fetching extends SnapshotOffer {
  after: string | null;
  /** Of how many it was already asked without an answer. */
  tries: number;
  /** A chunk is on its way to the disk. */
  writing: boolean;
  /** With the last chunk. */
  head: SnapshotHead | null;
}

const triesMax = 5;

/**
 * Snapshots of one life of a node, as the driver moves them: the follower asks for one chunk after the other, over
 * a connection of its own, and writes each before it asks for the next.
 */
export class Snapshots {
  readonly #life: Life;
  readonly #pinned = new Map<NodeId, Pinned>();
  #fetching: Fetching | null = null;

  constructor(life: Life) {
    this.#life = life;
  }

  // --- the leader's side

  take(to: NodeId): void {
    const { node } = this.#life;
    const { knobs, world, counts } = node.cluster;
    counts.add("event snapshot taken");
    const head = node.durable.head();
    if (knobs.plantedBugs.has("snapshotLabelFromMemory")) {
      const index = this.#life.machine.applied;
      Object.assign(head, { last: { index, term: node.durable.termAt(index) ?? head.last.term } });
    }
    const pinned: Pinned = { head, pairs: node.durable.machine().pairs(), asked: true };
    this.#pinned.set(to, pinned);
    this.#giveUpWhenIdle(to, pinned);
    this.#life.later(world.between(knobs.write.min, knobs.write.max), () => {
      if (this.#pinned.get(to) === pinned) this.#life.step({ type: "snapshotTaken", to, last: head.last });
    });
  }

  drop(to: NodeId): void {
    this.#pinned.delete(to);
  }

  #giveUpWhenIdle(to: NodeId, pinned: Pinned): void {
    pinned.asked = false;
    this.#life.later(this.#life.node.cluster.knobs.snapshotIdle, () => {
      if (this.#pinned.get(to) !== pinned) return;
      if (pinned.asked) {
        this.#giveUpWhenIdle(to, pinned);
        return;
      }
      this.#pinned.delete(to);
      this.#life.step({ type: "snapshotEnded", to });
    });
  }

  /** Answers with the pairs after the cursor, or not at all when there is no such snapshot. */
  #asked(by: Node, request: ChunkRequest): void {
    const { node } = this.#life;
    const { knobs, network } = node.cluster;
    const pinned = this.#pinned.get(by.id);
    if (!pinned || !isSame(pinned.head.last, request.last)) return;
    pinned.asked = true;
    const from = pinned.pairs.findIndex(([key]) => request.after === null || key > request.after);
    const start = from < 0 ? pinned.pairs.length : from;
    const pairs = pinned.pairs.slice(start, start + knobs.chunkPairs);
    const done = start + pairs.length >= pinned.pairs.length;
    const answer: ChunkAnswer = { ...request, pairs, head: done ? pinned.head : null };
    network.bulk(node.id, by.id, () => by.withLife((life) => life.snapshots.#answered(node.id, answer)));
  }

  // --- the follower's side

  fetch(offer: SnapshotOffer): void {
    const current = this.#fetching;
    if (current && current.from === offer.from && isSame(current.last, offer.last)) return;
    const { incoming } = this.#life.node.durable;
    const resumes =
      incoming !== null &&
      (this.#life.node.cluster.knobs.plantedBugs.has("snapshotsMixed") ||
        (incoming.from === offer.from && isSame(incoming.last, offer.last)));
    if (resumes) this.#life.node.cluster.counts.add("snapshot resumed");
    this.#fetching = {
      ...offer,
      after: resumes ? incoming.cursor : null,
      tries: 0,
      writing: false,
      head: null,
    };
    this.#ask(this.#fetching);
  }

  #ask(fetching: Fetching): void {
    const { node } = this.#life;
    const { knobs, network, nodes } = node.cluster;
    const leader = nodes.find(({ id }) => id === fetching.from);
    if (!leader) throw new Error(`a snapshot of ${fetching.from}, who does not exist`);
    if (fetching.tries++ >= triesMax) {
      this.#fetching = null;
      return;
    }
    const { last, after } = fetching;
    network.bulk(node.id, leader.id, () =>
      leader.withLife((life) => life.snapshots.#asked(node, { last, after })),
    );
    this.#life.later(knobs.chunkPatience, () => {
      if (this.#fetching === fetching && !fetching.writing && fetching.after === after) this.#ask(fetching);
    });
  }

  #answered(from: NodeId, { last, after, pairs, head }: ChunkAnswer): void {
    const fetching = this.#fetching;
    if (!fetching || fetching.writing || fetching.from !== from) return;
    if (!isSame(fetching.last, last) || fetching.after !== after) return;
    fetching.writing = true;
    fetching.head = head;
    this.#life.writeChunk({ from, last, after, pairs });
  }

  /** A chunk is on the disk. */
  written({ from, last, after, pairs }: ReceivedChunk): void {
    const fetching = this.#fetching;
    if (!fetching?.writing || fetching.from !== from) return;
    if (!isSame(fetching.last, last) || fetching.after !== after) return;
    if (this.#life.mayCrash("crash while a snapshot is received")) return;
    fetching.writing = false;
    fetching.tries = 0;
    fetching.after = pairs.at(-1)?.[0] ?? after;
    if (fetching.head === null) this.#ask(fetching);
    else {
      this.#fetching = null;
      this.#life.step({ type: "snapshotFetched", head: fetching.head });
    }
  }
}

function isSame(a: LogId, b: LogId): boolean {
  return a.index === b.index && a.term === b.term;
}
