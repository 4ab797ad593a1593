import { describe, expect, it } from "vitest";
import { executedIn, readRegister } from "./register-machine.js";
import { TestCluster } from "./test-cluster.js";

describe.each([1, 3, 5])("a cluster of %i", (size) => {
  it("is born, elects, writes and reads", async () => {
    const cluster = new TestCluster({ size, seed: size });
    await cluster.startAll();
    const leader = await cluster.untilLeader();
    expect(await cluster.propose(leader, { kind: "set", key: "a", value: "1" })).toMatchObject({
      kind: "applied",
      result: true,
    });
    expect(await cluster.barrier(leader)).toMatchObject({ kind: "ready" });
    expect(readRegister(cluster.node(leader).view, "a")).toBe("1");
    expect(cluster.node(leader).status()).toMatchObject({
      born: true,
      missing: [],
      failureTolerance: (size - 1) / 2,
    });
    expect(cluster.fatal).toEqual([]);
  });

  it("keeps every acknowledged write when all nodes crash and start again", async () => {
    const cluster = new TestCluster({ size, seed: 10 + size });
    await cluster.startAll();
    let leader = await cluster.untilLeader();
    for (let at = 0; at < 20; at++) {
      const outcome = await cluster.propose(leader, { kind: "set", key: `k${at}`, value: `${at}` });
      expect(outcome.kind).toBe("applied");
    }
    for (const id of cluster.ids) cluster.crash(id);
    await cluster.startAll();
    leader = await cluster.untilLeader();
    expect((await cluster.barrier(leader)).kind).toBe("ready");
    for (let at = 0; at < 20; at++) expect(readRegister(cluster.node(leader).view, `k${at}`)).toBe(`${at}`);
    expect(executedIn(cluster.node(leader).view)).toBe(20);
    expect(cluster.fatal).toEqual([]);
  });
});
