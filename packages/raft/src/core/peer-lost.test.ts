import { describe, expect, test } from "vitest";
import type { Config } from "./config.js";
import { TestingCluster } from "./testing-cluster.js";
import type { NodeId } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);
/** A lost leader is noticed in the same tick, retries come after exactly two. */
const quick = {
  random: () => 0.99,
  peerLostTicks: 0,
  peerLostRetryTicksMin: 2,
  peerLostRetryTicksMax: 2,
};

function led(size: number, learners: NodeId[] = [], config: Partial<Config> = {}): TestingCluster {
  const cluster = new TestingCluster({ voters: ids(size), learners, config: { ...quick, ...config } });
  cluster.campaign("n1");
  expect(cluster.leaders).toEqual(["n1"]);
  return cluster;
}

function lose(cluster: TestingCluster, id: NodeId, peer: NodeId): void {
  cluster.server(id).raft.step({ type: "peerLost", peer });
}

function status(cluster: TestingCluster, id: NodeId) {
  return cluster.server(id).raft.status();
}

describe("a leader whose connection closed is replaced without waiting for the timeout", () => {
  test("all who saw it grant: the first timer to expire wins, a tick after the loss", () => {
    const cluster = led(3, [], { peerLostTicks: 1 });
    cluster.isolate("n1");
    lose(cluster, "n2", "n1");
    lose(cluster, "n3", "n1");
    cluster.settle();
    expect(cluster.leaders).toEqual(["n1"]);
    cluster.tick("n2");
    expect(cluster.leaders).toEqual(["n1", "n2"]);
    expect(status(cluster, "n3")).toMatchObject({ term: 3, leader: "n2" });
  });

  test("a split vote is tried again after the retry time", () => {
    const cluster = led(3);
    cluster.isolate("n1");
    lose(cluster, "n2", "n1");
    lose(cluster, "n3", "n1");
    cluster.settle();
    for (const id of ["n2", "n3"]) expect(status(cluster, id)).toMatchObject({ role: "candidate", term: 3 });
    cluster.tick("n3", 2);
    expect(cluster.leaders).toEqual(["n1", "n3"]);
    expect(status(cluster, "n2")).toMatchObject({ term: 4, leader: "n3" });
  });

  test("voters that still hear the leader refuse, and the leader stays", () => {
    const cluster = led(3);
    cluster.cut("n1", "n3");
    lose(cluster, "n3", "n1");
    cluster.settle();
    expect(cluster.leaders).toEqual(["n1"]);
    expect(status(cluster, "n3")).toMatchObject({ role: "preCandidate", term: 2, leader: null });
    expect(status(cluster, "n2")).toMatchObject({ term: 2, leader: "n1" });
  });

  test("refused, it tries again after the retry time, as often as allowed, then after the election timeout", () => {
    const cluster = led(3);
    cluster.cut("n1", "n3");
    lose(cluster, "n3", "n1");
    cluster.settle();
    const attempts: number[] = [];
    const asked = () =>
      cluster.sent.filter(({ type, from }) => type === "preVoteRequest" && from === "n3").length;
    let before = asked();
    for (let tick = 1; tick <= 30; tick++) {
      cluster.server("n3").raft.step({ type: "tick" });
      cluster.tick("n1");
      if (asked() > before) attempts.push(tick);
      before = asked();
    }
    expect(attempts).toEqual([2, 4, 6, 25]);
  });

  test("a voter that lost it too grants on the retry", () => {
    const cluster = led(3);
    cluster.isolate("n1");
    lose(cluster, "n3", "n1");
    cluster.settle();
    expect(status(cluster, "n3").role).toBe("preCandidate");
    // The other one notices a moment later, and its own attempt wins or the retry does.
    lose(cluster, "n2", "n1");
    cluster.settle();
    cluster.tick("n3", 2);
    expect(cluster.leaders.filter((id) => id !== "n1")).toHaveLength(1);
  });

  test("peers that do not lead may go without anything happening", () => {
    const cluster = led(3);
    lose(cluster, "n2", "n3");
    cluster.settle();
    expect(status(cluster, "n2")).toMatchObject({ role: "follower", leader: "n1" });
  });

  test("a learner only forgets the leader", () => {
    const cluster = led(3, ["n4"]);
    lose(cluster, "n4", "n1");
    cluster.settle();
    expect(status(cluster, "n4")).toMatchObject({ role: "follower", leader: null, term: 2 });
    expect(cluster.sent.filter(({ from, type }) => from === "n4" && type === "preVoteRequest")).toEqual([]);
  });

  test("a leader marks the lost follower inactive, probes it, and goes on", () => {
    const cluster = led(3);
    cluster.isolate("n3");
    lose(cluster, "n1", "n3");
    cluster.settle();
    const follower = () => status(cluster, "n1").followers.find(({ id }) => id === "n3");
    expect(follower()).toMatchObject({ state: "probe", active: false });
    cluster.propose("n1", 1);
    expect(status(cluster, "n1")).toMatchObject({ role: "leader", commit: 3 });
    cluster.heal();
    cluster.tick("n1", 2);
    expect(follower()).toMatchObject({ state: "replicate", active: true, match: 3 });
  });

  test("a candidate is unaffected", () => {
    const cluster = led(3);
    cluster.isolate("n3");
    cluster.campaign("n3");
    const before = status(cluster, "n3");
    lose(cluster, "n3", "n1");
    cluster.settle();
    expect(status(cluster, "n3")).toEqual(before);
  });
});
