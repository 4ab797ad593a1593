/** What one machine does to the node on it: disk, clock, file descriptors. */
import { connect, type Socket } from "node:net";
import { type ClusterNode, until } from "../cluster/cluster.js";
import { attempt } from "../cluster/workload.js";
import { type Fault, type Heal, leaderOf, type Stage, someFollower } from "./fault.js";

/** A node may open so many files and connections. */
export const descriptorsMax = 512;
/** More than it may have. */
const floodConnections = 700;
/** More than LevelDB keeps in memory and in one file. */
const floodWrites = 80;
const floodText = "x".repeat(256 * 1024);
const hourSeconds = 3600;

function slowDisks({ surroundings }: Stage, nodes: readonly ClusterNode[], ms: number): Heal {
  for (const node of nodes) surroundings.slowDisk(node.id, ms);
  return async () => {
    for (const node of nodes) surroundings.slowDisk(node.id, 0);
  };
}

/** The node ends by itself: what it cannot store it must not promise. */
async function fillDisk({ surroundings }: Stage, node: ClusterNode): Promise<Heal> {
  await surroundings.fillDisk(node.id);
  return async () => {
    await surroundings.freeDisk(node.id);
    if (!node.running) node.start();
  };
}

function shiftClocks({ surroundings }: Stage, nodes: readonly ClusterNode[], hours: () => number): Heal {
  for (const node of nodes) surroundings.shiftClock(node.id, hours() * hourSeconds);
  return async () => {
    for (const node of nodes) surroundings.shiftClock(node.id, 0);
  };
}

/** Connections that say nothing; those that the node closes are not opened again. Meanwhile its disk needs files. */
async function flood({ cluster }: Stage, node: ClusterNode): Promise<Heal> {
  const { hostname, port } = new URL(node.url);
  const sockets: Socket[] = [];
  let settled = 0;
  for (let count = 0; count < floodConnections; count++) {
    const socket = connect({ host: hostname, port: Number(port) });
    const settle = () => {
      settled++;
    };
    socket.once("connect", settle);
    socket.once("error", settle);
    sockets.push(socket);
  }
  await until("the flood to arrive", async () => (settled >= floodConnections ? true : undefined));
  const other = cluster.nodes.find((candidate) => candidate !== node) ?? node;
  for (let count = 0; count < floodWrites; count++) await attempt(other.url, "kv.set", ["flood", floodText]);
  return async () => {
    for (const socket of sockets) socket.on("error", () => undefined).destroy();
  };
}

const slowDisk = (ms: number): Fault => ({
  name: `slow-disk-${ms}`,
  what: `each sync of each node's disk takes ${ms} ms longer`,
  strike: async (stage) => slowDisks(stage, stage.cluster.nodes, ms),
});

export const machineFaults: readonly Fault[] = [
  ...[1, 5, 10, 50].map(slowDisk),
  {
    name: "disk-stall",
    what: "the leader's disk answers no sync for 5 s",
    lastsMs: 5_000,
    strike: async (stage) => slowDisks(stage, [await leaderOf(stage)], 60_000),
  },
  {
    name: "disk-full-leader",
    what: "no space left on the leader's disk, freed later",
    strike: async (stage) => fillDisk(stage, await leaderOf(stage)),
  },
  {
    name: "disk-full-follower",
    what: "no space left on a follower's disk, freed later",
    strike: async (stage) => fillDisk(stage, await someFollower(stage)),
  },
  {
    name: "clock-forward",
    what: "the leader's clock jumps an hour ahead, later back",
    strike: async (stage) => shiftClocks(stage, [await leaderOf(stage)], () => 1),
  },
  {
    name: "clock-back",
    what: "the leader's clock jumps an hour back, later ahead",
    strike: async (stage) => shiftClocks(stage, [await leaderOf(stage)], () => -1),
  },
  {
    name: "clocks-apart",
    what: "every node's clock jumps an hour ahead or back",
    strike: async (stage) => shiftClocks(stage, stage.cluster.nodes, () => (stage.random() < 0.5 ? 1 : -1)),
  },
  {
    name: "connection-flood",
    what: `${floodConnections} idle connections to the leader, which may have ${descriptorsMax} descriptors`,
    strike: async (stage) => flood(stage, await leaderOf(stage)),
  },
];
