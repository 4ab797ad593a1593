/** What a fault is, and what it acts on. */
import type { Random } from "@quorate/raft/core";
import type { Cluster, ClusterNode } from "../cluster/cluster.js";
import type { Loss, Network } from "./network.js";
import type { NodeSurroundings } from "./surroundings.js";

export interface Stage {
  readonly cluster: Cluster;
  readonly network: Network;
  readonly surroundings: NodeSurroundings;
  readonly random: Random;
}

/** Takes the fault back: whoever it stopped runs again. */
export type Heal = () => Promise<void>;

export interface Fault {
  readonly name: string;
  /** For a person. */
  readonly what: string;
  /** No majority can work while it lasts, so writes must stop. */
  readonly stopsMajority?: true;
  /** How long it lasts, where that is part of what it is; else the schedule decides. */
  readonly lastsMs?: number;
  /** In a cluster of so many nodes it is another fault than those with other names. Default: always. */
  readonly fits?: (nodes: number) => boolean;
  /** Resolves when the fault is there. */
  strike(stage: Stage): Promise<Heal>;
}

/** Whom a fault is about: the leader of this moment, and the others in an order drawn by lot. */
export async function cast({ cluster, random }: Stage): Promise<{
  leader: ClusterNode;
  followers: readonly ClusterNode[];
}> {
  const leader = await cluster.leader();
  return { leader, followers: shuffled(cluster.nodes, random).filter((node) => node !== leader) };
}

export async function leaderOf(stage: Stage): Promise<ClusterNode> {
  return (await cast(stage)).leader;
}

export async function someFollower(stage: Stage): Promise<ClusterNode> {
  const [first] = (await cast(stage)).followers;
  if (first === undefined) throw new Error("a cluster of one node has no followers");
  return first;
}

/** How many nodes may be lost. */
export function minority(nodes: number): number {
  return Math.floor((nodes - 1) / 2);
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn;
}

/** Both directions between each of `some` and each of `others`. */
export function between(some: readonly ClusterNode[], others: readonly ClusterNode[]): readonly Loss[] {
  return [
    ...oneWay(some, others).map((loss) => ({ ...loss, of: "everything" as const })),
    ...oneWay(others, some).map((loss) => ({ ...loss, of: "everything" as const })),
  ];
}

/** Only what `senders` say to `receivers`. */
export function oneWay(senders: readonly ClusterNode[], receivers: readonly ClusterNode[]): readonly Loss[] {
  return senders.flatMap((from) =>
    receivers.filter((to) => to !== from).map((to) => ({ from: from.id, to: to.id, of: "data" as const })),
  );
}
