/**
 * Members whose disk was damaged and begins a new life: who they are, and, on the leader, giving them their place.
 *
 *     retired disk ─ handshake ─▶ waits ─ this leader replaces it ─▶ learner ─ caught up ─▶ voter
 *
 * The proof is the disk's own word, said by somebody who knows the secret: the life that the membership means is over,
 * and this is its successor. Without that word (a wiped disk) nothing happens here; an operator decides.
 */
import { type Member, type Membership, type MembershipChange, memberOf, type NodeId } from "../core/index.js";
import type { Clock, NodeIntroduction } from "../ports/index.js";
import { ChangeFailed } from "./changes.js";
import type { RaftLog } from "./types.js";

/** A disk that is damaged again and again must not keep the cluster busy with replacing it. */
const pauseMs = 3_600_000;

export interface RebuildsOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: RaftLog;
  /** This node leads, and may change who takes part. */
  readonly mayChange: () => boolean;
  readonly membership: () => Membership | null;
  readonly connected: (id: NodeId) => boolean;
  readonly change: (change: MembershipChange) => Promise<unknown>;
}

export class Rebuilds {
  readonly #options: RebuildsOptions;
  /** The new life of each member that was heard to retire an old one, until it votes. */
  readonly #heard = new Map<NodeId, string>();
  /** When this leader last replaced it by itself, in the clock's milliseconds. */
  readonly #replacedAt = new Map<NodeId, number>();
  /** Why it was not replaced yet, as it was logged last. */
  readonly #reasons = new Map<NodeId, string>();
  #replacing = false;

  constructor(options: RebuildsOptions) {
    this.#options = options;
  }

  /** Ids of members that do not vote, or do not even take part, because their disk begins anew. */
  ids(): readonly NodeId[] {
    const membership = this.#options.membership();
    if (membership === null) return [];
    return [...this.#heard.keys()].filter((id) => this.#isUnderWay(id, membership));
  }

  /** A disk asks for the place of the life that it retired. Repeated as long as it does. */
  heard(introduction: NodeIntroduction): void {
    const { nodeId: id, incarnation, peer, http } = introduction;
    const { log, membership } = this.#options;
    if (this.#heard.get(id) !== incarnation) {
      this.#heard.set(id, incarnation);
      log.warn(
        { id, retired: introduction.retires, incarnation },
        `${id} found its disk damaged: it retired the incarnation ${introduction.retires} and waits as ${incarnation} for the ` +
          "leader to give it its place again",
      );
    }
    const now = membership();
    if (now === null || !this.#options.mayChange() || this.#replacing) return;
    const why = this.#whyNot(id, now);
    if (why === null) this.#replace({ id, incarnation, peer, http });
    else this.#explain(id, why);
  }

  /** Somebody else's membership may be in force now: who votes, or has been replaced otherwise, is done. */
  membershipChanged(membership: Membership): void {
    for (const [id, incarnation] of this.#heard) {
      if (this.#isUnderWay(id, membership)) continue;
      this.#heard.delete(id);
      this.#reasons.delete(id);
      if (memberOf(membership, id)?.incarnation === incarnation)
        this.#options.log.info({ id, incarnation }, `${id} is rebuilt: it votes again`);
    }
  }

  #isUnderWay(id: NodeId, membership: Membership): boolean {
    const known = memberOf(membership, id);
    if (known === undefined) return false;
    return known.incarnation !== this.#heard.get(id) || membership.learners.includes(id);
  }

  /** Why this leader does not replace it now, beyond what the core says. */
  #whyNot(id: NodeId, { learners }: Membership): string | null {
    const { clock, connected } = this.#options;
    const before = this.#replacedAt.get(id);
    if (before !== undefined && clock.monotonicMs() - before < pauseMs)
      return `it was replaced less than an hour ago: quorate replace ${id} does it at once`;
    const other = learners.find((learner) => learner !== id && connected(learner));
    return other === undefined ? null : `${other} catches up first: one at a time`;
  }

  #replace(member: Member): void {
    const { id } = member;
    const { log, clock, change } = this.#options;
    this.#replacing = true;
    change({ kind: "replace", member }).then(
      (index) => {
        this.#replacing = false;
        this.#replacedAt.set(id, clock.monotonicMs());
        this.#reasons.delete(id);
        log.info(
          { id, index, incarnation: member.incarnation },
          `${id} has its place again, and learns what it lacks`,
        );
      },
      (error: unknown) => {
        this.#replacing = false;
        this.#explain(id, error instanceof ChangeFailed ? error.message : String(error));
      },
    );
  }

  #explain(id: NodeId, why: string): void {
    if (this.#reasons.get(id) === why) return;
    this.#reasons.set(id, why);
    this.#options.log.info({ id, why }, `${id} is not given its place again yet: ${why}`);
  }
}
