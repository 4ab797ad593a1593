import type { MembershipChange } from "@quorate/raft/core";
import type { Cluster } from "./cluster.js";
import type { Node } from "./node.js";

/** More ids than this never take part at once. */
const idsMax = 8;

/** Changes the membership at random moments, and repairs it: a disk that is lost is replaced, also after the faults. */
export class Operators {
  constructor(readonly cluster: Cluster) {
    const { knobs } = cluster;
    if (knobs.membershipEvery === 0 && knobs.forgetEvery === 0 && knobs.fatalEvery === 0) return;
    this.#every(knobs.membershipEvery, () => this.#act());
    this.#every(knobs.forgetEvery, () => this.#forget());
    this.#repairLater();
  }

  #every(mean: number, act: () => void): void {
    if (mean === 0) return;
    const { world } = this.cluster;
    const next = () =>
      world.after(world.exponential(mean), () => {
        if (!this.cluster.faultsOn) return;
        act();
        next();
      });
    next();
  }

  #act(): void {
    const { world } = this.cluster;
    switch (world.integer(0, 3)) {
      case 0:
        this.#add();
        return;
      case 1:
        this.#remove();
        return;
      case 2:
        this.#loseDisk();
        return;
      default:
        this.#moveAddress();
    }
  }

  #add(): void {
    const { cluster } = this;
    const leader = this.#leader();
    const known = new Set(cluster.newestMembership().membership.members.map(({ id }) => id));
    const spare = Array.from({ length: idsMax }, (_, i) => `n${i + 1}`).filter((id) => !known.has(id));
    if (leader === null || spare.length === 0 || !this.#quiet()) return;
    const id = cluster.world.pick(spare);
    const node = cluster.emptyNode(id);
    node.start();
    this.#ask(leader, { kind: "add", member: memberOf(node) });
  }

  #remove(): void {
    const leader = this.#leader();
    if (leader === null || this.#diskInDoubt()) return;
    const { members } = this.cluster.newestMembership().membership;
    this.#ask(leader, { kind: "remove", id: this.cluster.world.pick(members).id });
  }

  #moveAddress(): void {
    const leader = this.#leader();
    if (leader === null) return;
    const { world } = this.cluster;
    const member = world.pick(this.cluster.newestMembership().membership.members);
    this.#ask(leader, {
      kind: "update",
      member: { ...member, peer: `${member.id}:${world.integer(1, 9999)}` },
    });
  }

  /**
   * One disk is lost at a time, and only while no change is under way anywhere: two failures at once may take a
   * majority of the disks, which no protocol survives.
   */
  #loseDisk(): void {
    const { cluster } = this;
    const { voters, learners } = cluster.newestMembership().membership;
    if (learners.length > 0 || voters.length < 3 || this.#diskInDoubt() || !this.#quiet()) return;
    const victim = cluster.node(cluster.world.pick(voters));
    if (!victim) return;
    cluster.crashed(victim, "disk lost");
    victim.replaceDisk();
  }

  /**
   * A disk forgets the newest entries that it acknowledged, and is started with what is left. Only such entries as are
   * committed on a majority of the other disks: the vote that it may give before anybody can tell it must not decide.
   */
  #forget(): void {
    const { cluster } = this;
    const { world, monitor } = cluster;
    const { index, membership } = cluster.newestMembership();
    if (membership.voters.length < 3 || this.#diskInDoubt() || !this.#quiet()) return;
    const victim = cluster.node(world.pick(membership.voters));
    if (!victim) return;
    cluster.crashed(victim, "log's end forgotten");
    const { durable } = victim;
    const { last } = durable;
    const first = Math.max(durable.applied, durable.compacted.index, index, last.index - 5);
    if (first >= last.index || last.index > monitor.committed.last) return;
    for (let lost = first + 1; lost <= last.index; lost++) {
      const term = monitor.committed.termAt(lost);
      const holders = cluster.nodes.filter(
        (node) =>
          node !== victim && (node.durable.termAt(lost) === term || node.durable.compacted.index >= lost),
      );
      if (!cluster.view.isQuorum(new Set(holders.map(({ incarnation }) => incarnation)), victim)) return;
    }
    cluster.counts.add("event entries forgotten");
    victim.forgetAfter(world.integer(first, last.index - 1));
  }

  /** What a node executed is struck out, so that it stops at each start: its place is given to an empty disk. */
  renew(node: Node): void {
    const { cluster } = this;
    const { voters, learners } = cluster.newestMembership().membership;
    if (learners.length > 0 || voters.length < 3 || this.#lostDisks().length > 0 || !this.#quiet()) return;
    cluster.crashed(node, "disk given up");
    node.replaceDisk();
  }

  /** Another failure now could take what a majority must keep. */
  #diskInDoubt(): boolean {
    return (
      this.#lostDisks().length > 0 ||
      this.cluster.nodes.some(({ forgotten, condemned }) => forgotten > 0 || condemned)
    );
  }

  /** Everybody who takes part agrees on who does, and that is final. */
  #quiet(): boolean {
    const { cluster } = this;
    const newest = cluster.newestMembership();
    if (newest.membership.votersOutgoing.length > 0 || newest.index > cluster.monitor.committed.last)
      return false;
    return newest.membership.members.every(({ id }) => cluster.node(id)?.membership?.index === newest.index);
  }

  #lostDisks(): readonly Node[] {
    const { cluster } = this;
    const newest = cluster.newestMembership();
    return newest.membership.members.flatMap(({ id, incarnation }) => {
      const node = cluster.node(id);
      return node && node.incarnation !== incarnation ? [node] : [];
    });
  }

  #repairLater(): void {
    const { cluster } = this;
    const { world, knobs } = cluster;
    world.after(world.between(10, 40) * knobs.tick, () => {
      const leader = this.#leader();
      for (const node of leader ? this.#lostDisks() : []) {
        this.#ask(leader as Node, { kind: "replace", member: memberOf(node) });
      }
      this.#repairLater();
    });
  }

  /** Somebody who believes to lead, and whose process runs. */
  #leader(): Node | null {
    const leaders = this.cluster.nodes.filter((node) => node.standing()?.role === "leader" && !node.paused);
    return leaders.length > 0 ? this.cluster.world.pick(leaders) : null;
  }

  #ask(leader: Node, change: MembershipChange): void {
    this.cluster.counts.add(`event change asked: ${change.kind}`);
    leader.change(change);
  }
}

function memberOf({ id, incarnation }: Node) {
  return { id, incarnation, peer: `${id}:9000`, http: `http://${id}:8000` };
}
