/** Nodes that cannot reach each other, wholly, in one direction or now and then. Clients reach them all. */
import type { ClusterNode } from "../cluster/cluster.js";
import { between, cast, type Fault, type Heal, leaderOf, minority, oneWay, type Stage } from "./fault.js";
import type { Loss } from "./network.js";

async function lose({ network }: Stage, losses: readonly Loss[]): Promise<Heal> {
  await network.lose(losses);
  return () => network.lose([]);
}

/** The leader with as few others as possible on one side. */
async function sides(stage: Stage, leaderInMinority: boolean): Promise<readonly Loss[]> {
  const { leader, followers } = await cast(stage);
  const few = minority(stage.cluster.nodes.length) - (leaderInMinority ? 1 : 0);
  const apart = [...(leaderInMinority ? [leader] : []), ...followers.slice(0, few)];
  return between(
    apart,
    stage.cluster.nodes.filter((node) => !apart.includes(node)),
  );
}

/** Each node reaches its two neighbours only; the order is drawn. */
async function ring(stage: Stage): Promise<readonly Loss[]> {
  const { leader, followers } = await cast(stage);
  const circle = [leader, ...followers];
  const apart = (a: number, b: number) => ![1, circle.length - 1].includes(Math.abs(a - b));
  return circle.flatMap((node, at) =>
    between(
      [node],
      circle.filter((_, other) => other > at && apart(at, other)),
    ),
  );
}

const loss = (percent: number): Fault => ({
  name: `loss-${percent}`,
  what: `${percent} % of the packets between nodes are lost`,
  strike: (stage) => {
    const { nodes } = stage.cluster;
    return lose(
      stage,
      oneWay(nodes, nodes).map((link) => ({ ...link, of: { percent } })),
    );
  },
});

const others = (stage: Stage, leader: ClusterNode) => stage.cluster.nodes.filter((node) => node !== leader);

export const networkFaults: readonly Fault[] = [
  {
    name: "cut-leader",
    what: "the leader reaches nobody and nobody reaches it",
    strike: async (stage) => {
      const leader = await leaderOf(stage);
      return lose(stage, between([leader], others(stage, leader)));
    },
  },
  {
    name: "cut-minority",
    what: "two sides, the leader on the larger one",
    strike: async (stage) => lose(stage, await sides(stage, false)),
  },
  {
    name: "cut-majority",
    what: "two sides, the leader on the smaller one",
    fits: (nodes) => minority(nodes) > 1,
    strike: async (stage) => lose(stage, await sides(stage, true)),
  },
  {
    name: "cut-link",
    what: "one link is cut, between the leader and a follower",
    strike: async (stage) => {
      const { leader, followers } = await cast(stage);
      return lose(stage, between([leader], followers.slice(0, 1)));
    },
  },
  {
    name: "cut-all",
    what: "every link between nodes is cut, long enough for TCP to try again ever more seldom",
    stopsMajority: true,
    lastsMs: 14_000,
    strike: async (stage) => {
      const { nodes } = stage.cluster;
      return lose(
        stage,
        nodes.flatMap((node, at) => between([node], nodes.slice(at + 1))),
      );
    },
  },
  {
    name: "ring",
    what: "each node reaches two neighbours only",
    fits: (nodes) => nodes > 3,
    strike: async (stage) => lose(stage, await ring(stage)),
  },
  {
    name: "mute-leader",
    what: "nothing that the leader says arrives; it hears the others",
    strike: async (stage) => {
      const leader = await leaderOf(stage);
      return lose(stage, oneWay([leader], others(stage, leader)));
    },
  },
  {
    name: "deaf-leader",
    what: "nothing that is said to the leader arrives; the others hear it",
    strike: async (stage) => {
      const leader = await leaderOf(stage);
      return lose(stage, oneWay(others(stage, leader), [leader]));
    },
  },
  {
    name: "deaf-follower",
    what: "nothing that is said to one follower arrives; the others hear it",
    strike: async (stage) => {
      const { followers } = await cast(stage);
      return lose(stage, oneWay(stage.cluster.nodes, followers.slice(0, 1)));
    },
  },
  {
    name: "stalled-link",
    what: "all packets from the leader to a follower are lost, which stalls TCP both ways",
    strike: async (stage) => {
      const { leader, followers } = await cast(stage);
      return lose(
        stage,
        oneWay([leader], followers.slice(0, 1)).map((link) => ({ ...link, of: "everything" })),
      );
    },
  },
  ...[1, 5, 20].map(loss),
];
