/** Nodes that are killed, paused, restarted, asked to give leadership away. */
import type { ClusterNode } from "../cluster/cluster.js";
import { attempt } from "../cluster/workload.js";
import { cast, type Fault, type Heal, leaderOf, minority, type Stage, someFollower } from "./fault.js";

async function kill(nodes: readonly ClusterNode[], signal: "SIGKILL" | "SIGTERM"): Promise<Heal> {
  await Promise.all(nodes.map((node) => node.kill(signal)));
  return async () => {
    for (const node of nodes) node.start();
  };
}

function pause(node: ClusterNode): Heal {
  node.pause();
  return async () => node.resume();
}

async function leaderAndMore({ cluster, ...stage }: Stage): Promise<readonly ClusterNode[]> {
  const { leader, followers } = await cast({ cluster, ...stage });
  return [leader, ...followers].slice(0, minority(cluster.nodes.length));
}

export const processFaults: readonly Fault[] = [
  {
    name: "kill-leader",
    what: "kill -9 of the leader",
    strike: async (stage) => kill([await leaderOf(stage)], "SIGKILL"),
  },
  {
    name: "kill-follower",
    what: "kill -9 of a follower",
    strike: async (stage) => kill([await someFollower(stage)], "SIGKILL"),
  },
  {
    name: "kill-minority",
    what: "kill -9 of as many nodes as may be lost, the leader among them",
    fits: (nodes) => minority(nodes) > 1,
    strike: async (stage) => kill(await leaderAndMore(stage), "SIGKILL"),
  },
  {
    name: "kill-all",
    what: "kill -9 of all nodes at once",
    stopsMajority: true,
    strike: ({ cluster }) => kill(cluster.nodes, "SIGKILL"),
  },
  {
    name: "pause-leader",
    what: "SIGSTOP of the leader, later SIGCONT",
    strike: async (stage) => pause(await leaderOf(stage)),
  },
  {
    name: "pause-follower",
    what: "SIGSTOP of a follower, later SIGCONT",
    strike: async (stage) => pause(await someFollower(stage)),
  },
  {
    name: "restart-leader",
    what: "SIGTERM of the leader, started again later",
    strike: async (stage) => kill([await leaderOf(stage)], "SIGTERM"),
  },
  {
    name: "restart-follower",
    what: "SIGTERM of a follower, started again later",
    strike: async (stage) => kill([await someFollower(stage)], "SIGTERM"),
  },
  {
    name: "transfer",
    what: "leadership handed to another node",
    strike: async (stage) => {
      const { leader, followers } = await cast(stage);
      // A slow follower may fail to take over; then the leader still leads, and nothing is wrong.
      await attempt(leader.url, "cluster.transfer", [followers[0]?.id ?? ""]);
      return async () => undefined;
    },
  },
];
