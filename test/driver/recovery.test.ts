/** A survivor that was recovered, on the network of a cluster that is not dead after all. */
import type { Identity } from "@quorate/raft";
import { type Life, type Member, recoveryRecord } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { readRegister } from "./register-machine.js";
import { TestCluster } from "./test-cluster.js";

const next: Life = { clusterId: "second", incarnation: "second life" };

/** Everything but the identity file, as a crash leaves it. */
async function writeRecord(cluster: TestCluster, id: string): Promise<Identity> {
  const disk = cluster.disk(id);
  const identity = disk.storedIdentity;
  const storage = disk.open();
  const { restored } = storage;
  const self = restored.membership?.membership.members.find((member) => member.id === id);
  if (identity?.clusterId == null || self === undefined) throw new Error(`${id} was never born`);
  const { clusterId, incarnation } = identity;
  const { hardState, entry } = recoveryRecord(restored, self, { clusterId, incarnation }, next);
  const nothingElse = { compactTo: 0, effects: [], applied: null, chunk: null, install: null };
  await storage.write({ hardState, entries: [entry], ...nothingElse });
  await storage.close();
  return identity;
}

async function stoppedCluster(seed: number): Promise<TestCluster> {
  const cluster = new TestCluster({ size: 3, seed, network: "memory" });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  expect((await cluster.propose(leader, { kind: "set", key: "a", value: "1" })).kind).toBe("applied");
  for (const id of cluster.ids) await cluster.stop(id);
  return cluster;
}

/** Again while an earlier change is under way. */
async function admit(cluster: TestCluster, member: Member): Promise<void> {
  const { node } = cluster.get("n1");
  const add = (): void => {
    node.changeMembership({ kind: "add", member }).catch(() => cluster.clock.after(100, add));
  };
  add();
  await cluster.clock.until(`${member.id} votes`, () => {
    const { membership } = cluster.node(member.id).status();
    return membership?.voters.includes(member.id) === true && membership.votersOutgoing.length === 0;
  });
}

describe("a recovered node", () => {
  it("leads alone with what it held; the old cluster goes on without it, and neither moves the other's term", async () => {
    const cluster = await stoppedCluster(1);
    await writeRecord(cluster, "n1");
    await cluster.start("n1");
    await cluster.clock.until("n1 leads alone", () => cluster.node("n1").status().canServe);
    const alone = cluster.node("n1").status();
    expect(alone).toMatchObject({ clusterId: "second", connected: [], missing: [], failureTolerance: 0 });
    expect(readRegister(cluster.node("n1").view, "a")).toBe("1");

    await cluster.start("n2");
    await cluster.start("n3");
    const serves = (id: string) => cluster.node(id).status().canServe;
    await cluster.clock.until("n2 or n3 leads", () => serves("n2") || serves("n3"));
    const old = serves("n2") ? "n2" : "n3";
    const { term } = cluster.node(old).status();
    await cluster.clock.run(10_000);
    expect(cluster.node("n1").status()).toMatchObject({ role: "leader", term: alone.term, connected: [] });
    expect(cluster.node(old).status()).toMatchObject({ role: "leader", term });
    expect(cluster.node(old).status().clusterId).not.toBe("second");
    const refusals = cluster.lines.filter(({ message }) =>
      /n1 .* second|n[23] .* belongs to the cluster with id/.test(message),
    );
    expect(new Set(refusals.map(({ id }) => id))).toEqual(new Set(["n1", "n2", "n3"]));
    for (const id of ["n1", old]) {
      const set = await cluster.propose(id, { kind: "set", key: "a", value: `of ${id}` });
      expect(set.kind).toBe("applied");
      expect(readRegister(cluster.node(id).view, "a")).toBe(`of ${id}`);
    }
    expect(cluster.fatal).toEqual([]);
  });

  it("finishes at its start what a crash left of the recovery, and not for a disk that the record does not mean", async () => {
    const cluster = await stoppedCluster(2);
    const before = await writeRecord(cluster, "n1");
    const disk = cluster.disk("n1");
    disk.storedIdentity = { ...before, incarnation: "of another disk" };
    await expect(cluster.start("n1")).rejects.toThrow(/names the cluster [0-9a-f]+, the database second/);
    disk.crash({ inFlight: "lost" });
    disk.storedIdentity = before;
    await cluster.start("n1");
    expect(disk.storedIdentity).toEqual({ ...before, ...next });
    await cluster.clock.until("n1 leads alone", () => cluster.node("n1").status().canServe);
  });

  it("admits the others again once they are empty", async () => {
    const cluster = await stoppedCluster(3);
    await writeRecord(cluster, "n1");
    await cluster.start("n1");
    await cluster.clock.until("n1 leads alone", () => cluster.node("n1").status().canServe);
    for (const id of ["n2", "n3"]) {
      cluster.wipe(id);
      await cluster.start(id);
      const incarnation = cluster.disk(id).storedIdentity?.incarnation ?? "";
      const listed = cluster.members.find((member) => member.id === id);
      const member: Member = { id, peer: "", http: "", ...listed, incarnation };
      await admit(cluster, member);
    }
    expect(cluster.node("n1").status().membership).not.toHaveProperty("recoveredFrom");
    cluster.crash("n1");
    const leader = await cluster.untilLeader(["n2", "n3"]);
    await cluster.clock.until(
      "the state is there",
      () => readRegister(cluster.node(leader).view, "a") === "1",
    );
    expect(cluster.node(leader).status().clusterId).toBe("second");
  });
});
