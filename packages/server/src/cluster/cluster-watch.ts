/** Who leads, as this node knows it now: taken from Raft when it changes, read by every call. */
import type { NodeStatus } from "@quorate/raft";
import type { Farewell } from "./farewell.js";
import type { Raft } from "./ports.js";
import { tagOf } from "./read-token.js";

export interface Leader {
  readonly id: string;
  /** Base URL where clients reach it, without a trailing slash; null when this node does not know it. */
  readonly url: string | null;
  readonly isThisNode: boolean;
}

export interface ClusterView {
  readonly leader: Leader | null;
  readonly term: number;
  /** This node leads, and everything of earlier terms is applied. */
  readonly serves: boolean;
  /** Names the cluster in read tokens; empty before birth. */
  readonly tag: string;
  /** Why there is no leader, as far as this node knows. */
  readonly whyNoLeader: string;
}

/** A configured or known member's addresses. */
export interface MemberAddresses {
  readonly id: string;
  readonly peer: string;
  readonly http: string;
}

export class ClusterWatch {
  readonly #raft: Pick<Raft, "status" | "onChange">;
  readonly #configured: readonly MemberAddresses[];
  readonly #farewell: Pick<Farewell, "leader" | "removed" | "onChange">;
  readonly #listeners = new Set<() => void>();
  readonly #unsubscribe: readonly (() => void)[];
  #view: ClusterView;
  #leaderChanges = 0;
  #lastReign: string | null;

  /**
   * `configured` serves until the cluster is born and its membership is known; `farewell` when this node belongs
   * to it no more.
   */
  constructor(
    raft: Pick<Raft, "status" | "onChange">,
    configured: readonly MemberAddresses[],
    farewell: Pick<Farewell, "leader" | "removed" | "onChange">,
  ) {
    this.#raft = raft;
    this.#configured = configured;
    this.#farewell = farewell;
    this.#view = this.#take();
    this.#lastReign = reign(this.#view);
    const changed = () => this.#changed();
    this.#unsubscribe = [raft.onChange(changed), farewell.onChange(changed)];
  }

  get view(): ClusterView {
    return this.#view;
  }

  /** How often this node learned of another leader since it started. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#listeners.clear();
  }

  #changed(): void {
    this.#view = this.#take();
    const now = reign(this.#view);
    // Losing sight of a leader and hearing it again in the same term is no change.
    if (now !== null && now !== this.#lastReign) {
      this.#lastReign = now;
      this.#leaderChanges += 1;
    }
    // A listener may unsubscribe itself, or add another one that must wait for the next change.
    for (const listener of [...this.#listeners]) listener();
  }

  #take(): ClusterView {
    const status = this.#raft.status();
    const leader = status.leader ?? this.#farewell.leader;
    return {
      leader: leader === null ? null : this.#leaderOf(status, leader),
      term: status.term,
      serves: status.role === "leader" && status.canServe,
      tag: tagOf(status.clusterId),
      whyNoLeader: whyNoLeader(status, this.#farewell.removed),
    };
  }

  #leaderOf(status: NodeStatus, id: string): Leader {
    const members: readonly MemberAddresses[] = status.membership?.members ?? this.#configured;
    const url = members.find((member) => member.id === id)?.http ?? null;
    return { id, url: url?.replace(/\/+$/, "") ?? null, isThisNode: id === status.id };
  }
}

function reign({ leader, term }: ClusterView): string | null {
  return leader === null ? null : `${leader.id}@${term}`;
}

function whyNoLeader(status: NodeStatus, removed: boolean): string {
  const [refusal] = status.connected.length === 0 ? status.refusals : [];
  if (removed) {
    const others = status.membership?.members.filter(({ id }) => id !== status.id) ?? [];
    const urls = others.map(({ id, http }) => `${id} (${http})`).join(", ");
    return `this node was removed from the cluster: call one of ${urls}`;
  }
  if (refusal !== undefined) return `this node is alone: ${refusal}`;
  if (status.born) return "no node has a majority right now, or an election is running; try again";
  if (status.rebuilding.includes(status.id))
    return "the disk of this node was damaged and begins anew: it waits for the leader to give it its place again";
  if (status.missing.length === 0) return "the cluster is being founded; try again";
  return `the cluster is not founded yet: this node has not heard from ${status.missing.join(", ")}`;
}
