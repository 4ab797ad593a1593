import { describe, expect, test } from "vitest";
import { TestingCluster } from "./testing-cluster.js";

describe("elections", () => {
  test.each([1, 2, 3, 5, 7])("a leader of %i servers is elected and commits", (size) => {
    const voters = Array.from({ length: size }, (_, position) => `n${position + 1}`);
    const cluster = new TestingCluster({ voters });
    cluster.campaign("n1");
    expect(cluster.leaders).toEqual(["n1"]);
    cluster.propose("n1", 1, 2, 3);
    cluster.propose("n1", 4);
    for (const { raft, terms, applied } of cluster.servers.values()) {
      expect(raft.status()).toMatchObject({ term: 2, leader: "n1", commit: 6 });
      expect(terms).toEqual([1, 2, 2, 2, 2, 2]);
      expect(applied).toHaveLength(6);
    }
  });
});
