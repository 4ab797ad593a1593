import { type Entry, EntryType, voteResult } from "@quorate/raft/core";
import { StrikeRefused } from "@quorate/raft/testing";
import type { Cluster } from "./cluster.js";
import { decodeCommand } from "./machine.js";
import type { Node } from "./node.js";
import type { Operators } from "./operators.js";

function isOfConcern(entry: Entry): boolean {
  if (entry.type === EntryType.void) return true;
  return entry.type === EntryType.application && decodeCommand(entry).kind === "fatal";
}

/** Apart from what clients number. */
const firstId = 1_000_000_000;

/**
 * Commands that end whoever executes them, and the operator who strikes them out as `quorate void` does: a majority must
 * hold before the entry, and nobody who answers may have executed it.
 */
export class FatalEntries {
  #ids = firstId;

  constructor(
    readonly cluster: Cluster,
    readonly operators: Operators,
  ) {
    if (cluster.knobs.fatalEvery === 0) return;
    this.#proposeLater();
    this.#tendLater();
  }

  /** Nobody holds before an entry, nobody stops because of one, and every member is past the last of them. */
  get settled(): boolean {
    const { nodes } = this.cluster;
    if (nodes.some((node) => node.held > 0 || node.condemned)) return false;
    const last = Math.max(...nodes.map(({ durable }) => durable.lastIndexOf(isOfConcern)));
    return this.cluster
      .membersOf(this.cluster.newestMembership())
      .every((node) => (node.machine?.applied ?? 0) >= last);
  }

  #proposeLater(): void {
    const { world, knobs } = this.cluster;
    world.after(world.exponential(knobs.fatalEvery), () => {
      if (!this.cluster.faultsOn) return;
      const leader = this.#leader();
      // Nobody would try another one.
      if (leader !== null && this.settled) {
        leader.propose({ id: this.#ids++, kind: "fatal", key: "fatal" }, () => undefined);
      }
      this.#proposeLater();
    });
  }

  #tendLater(): void {
    const { world, knobs } = this.cluster;
    world.after(world.between(10, 40) * knobs.tick, () => {
      this.#tend();
      this.#tendLater();
    });
  }

  #tend(): void {
    const condemned = this.cluster.nodes.find((node) => node.condemned);
    if (condemned !== undefined) {
      this.operators.renew(condemned);
      return;
    }
    const holder = this.cluster.nodes.find((node) => node.held > 0 && !node.paused);
    const leader = this.#leader();
    if (holder === undefined || leader === null) return;
    const index = holder.held;
    const survivor = this.#answering(leader).find((node) => (node.machine?.applied ?? 0) >= index);
    if (survivor !== undefined) this.#letHoldersExecute(index);
    else if (leader.held === index) this.#strikeOut(leader, index);
  }

  /** It is no entry that ends every node: those that it ended are started with more memory. */
  #letHoldersExecute(index: number): void {
    for (const node of this.cluster.nodes) {
      if (node.held !== index) continue;
      node.giveMemory(index);
      this.cluster.crashed(node, "started with more memory");
    }
  }

  #strikeOut(leader: Node, index: number): void {
    const { world, knobs } = this.cluster;
    const membership = leader.membership?.membership;
    const asked = leader.standing();
    if (membership === undefined || asked === null) return;
    const answering = this.#answering(leader);
    // Whoever has not come as far could execute it before it hears that it is struck out.
    if (answering.some((node) => node.held !== index)) return;
    const answers = new Map(answering.map((node) => [node.id, true] as const));
    const holds = new Map(membership.members.map(({ id }) => [id, answers.get(id) === true] as const));
    if (voteResult(membership, holds) !== "won") return;
    // Their answers take their time; another leader in between could have brought them further.
    world.after(world.between(0, knobs.electionTicks * knobs.tick), () => {
      const now = leader.standing();
      if (now?.role !== "leader" || now.term !== asked.term) return;
      leader.withLife((life) => {
        try {
          life.strikeOut(index);
          this.cluster.counts.add("entry struck out");
        } catch (error) {
          if (!(error instanceof StrikeRefused)) throw error;
        }
      });
    });
  }

  /** Members that the leader can ask. */
  #answering(leader: Node): readonly Node[] {
    const { network } = this.cluster;
    return this.cluster.membersOf(this.cluster.newestMembership()).filter((node) => {
      if (node === leader) return true;
      return (
        node.up && !node.paused && !network.isCut(leader.id, node.id) && !network.isCut(node.id, leader.id)
      );
    });
  }

  #leader(): Node | null {
    const leaders = this.cluster.nodes.filter((node) => node.standing()?.role === "leader" && !node.paused);
    return leaders.length > 0 ? this.cluster.world.pick(leaders) : null;
  }
}
