import { WrongIdentity } from "@quorate/raft";
import { birthRecord, decodeMembership } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { TestCluster } from "./test-cluster.js";

const clusterOf = (seed: number) => new TestCluster({ size: 3, seed });
const bornIds = (cluster: TestCluster) =>
  [...cluster.running].filter(([, { node }]) => node.status().born).map(([id]) => id);

async function untilBorn(cluster: TestCluster, ids = cluster.ids): Promise<void> {
  await cluster.clock.until(`${ids} are born`, () => ids.every((id) => cluster.node(id).status().born));
}

describe("birth", () => {
  it("waits for every listed member and says who is missing", async () => {
    const cluster = clusterOf(1);
    await cluster.start("n1");
    await cluster.start("n2");
    await cluster.clock.run(5_000);
    expect(cluster.node("n1").status()).toMatchObject({
      born: false,
      missing: ["n3"],
      clusterId: null,
      membership: null,
      role: "follower",
      term: 0,
      failureTolerance: 0,
    });
    const waiting = cluster.lines.filter(
      ({ id, message }) => id === "n1" && message.includes("not born yet"),
    );
    expect(waiting.map(({ message }) => message)).toEqual([
      "the cluster is not born yet; waiting for n2 (not connected), n3 (not connected)",
      "the cluster is not born yet; waiting for n3 (not connected)",
    ]);
    expect(await cluster.propose("n1", { kind: "set", key: "a", value: "1" })).toEqual({
      kind: "refused",
      reason: "notLeader",
    });
    expect(await cluster.barrier("n1")).toEqual({ kind: "refused" });
    await expect(cluster.node("n1").transfer("n2")).rejects.toThrow("not born yet");

    await cluster.start("n3");
    await untilBorn(cluster);
    const clusterIds = cluster.ids.map((id) => cluster.node(id).status().clusterId);
    expect(new Set(clusterIds).size).toBe(1);
    expect(cluster.node("n3").status()).toMatchObject({ missing: [] });
    await cluster.untilLeader();
  });

  it("needs only a majority afterwards", async () => {
    const cluster = clusterOf(2);
    await cluster.startAll();
    await untilBorn(cluster);
    for (const id of cluster.ids) cluster.crash(id);
    await cluster.start("n2");
    await cluster.start("n3");
    const leader = await cluster.untilLeader();
    expect((await cluster.propose(leader, { kind: "set", key: "a", value: "1" })).kind).toBe("applied");
    expect(cluster.node(leader).status().failureTolerance).toBe(0);
  });

  it("does not happen while a member has another list", async () => {
    const cluster = clusterOf(3);
    await cluster.start("n1");
    await cluster.start("n2");
    await cluster.start("n3", cluster.members.toReversed());
    await cluster.clock.run(5_000);
    expect(bornIds(cluster)).toEqual([]);
    expect(cluster.lines.some(({ message }) => message.includes("no connection with n3: another list"))).toBe(
      true,
    );
  });

  it.each(["lost", "reached"] as const)(
    "is repeated or finished when the founder crashes while it writes the record (%s)",
    async (inFlight) => {
      const cluster = clusterOf(4);
      let writes = 0;
      cluster.onWrite(() => writes++);
      await cluster.startAll();
      await cluster.clock.until("the record is being written", () => writes === 1);
      cluster.crash("n1", inFlight);
      cluster.onWrite(undefined);
      expect(cluster.disk("n1").identity().read()?.born).toBe(false);
      await cluster.clock.run(1_000);
      expect(bornIds(cluster)).toEqual([]);
      await cluster.start("n1");
      // With the record on its disk the founder is born at once, whoever is there.
      expect(cluster.node("n1").status().born).toBe(inFlight === "reached");
      await untilBorn(cluster);
      await cluster.untilLeader();
    },
  );

  it("is finished when the founder crashes before it tells anybody", async () => {
    const cluster = clusterOf(5);
    await cluster.startAll();
    await cluster.clock.until("the founder is born", () => cluster.node("n1").status().born);
    for (const id of ["n2", "n3"]) expect(cluster.node(id).status().born).toBe(false);
    cluster.crash("n1");
    await cluster.clock.run(1_000);
    expect(bornIds(cluster)).toEqual([]);
    await cluster.start("n1");
    await untilBorn(cluster);
  });

  it("reaches a member through any other, when the founder is gone", async () => {
    const cluster = clusterOf(6);
    await cluster.startAll();
    // The founder is born and tells n2, but its message to n3 is lost, and then it is gone for ever.
    await cluster.clock.until(
      "the founder heard all",
      () => cluster.node("n1").status().missing.length === 0,
    );
    cluster.cut("n1", "n3");
    await cluster.clock.until("n2 is born", () => cluster.node("n2").status().born);
    cluster.crash("n1");
    await cluster.clock.run(50);
    await untilBorn(cluster, ["n2", "n3"]);
    await cluster.untilLeader(["n2", "n3"]);
  });

  it.each(["lost", "reached"] as const)(
    "survives the crash of an adopter while it writes (%s)",
    async (inFlight) => {
      const cluster = clusterOf(7);
      let pending = 0;
      cluster.onWrite((id, write) => {
        if (id === "n3") pending++;
        else cluster.clock.after(1, () => write.complete());
      });
      await cluster.startAll();
      await cluster.clock.until("n3 adopts", () => pending === 1);
      cluster.crash("n3", inFlight);
      cluster.onWrite(undefined);
      await cluster.untilLeader(["n1", "n2"]);
      await cluster.start("n3");
      expect(cluster.node("n3").status().born).toBe(inFlight === "reached");
      await untilBorn(cluster);
      const leader = await cluster.untilLeader();
      await cluster.propose(leader, { kind: "set", key: "a", value: "1" });
      await cluster.clock.until("n3 has the log", () => cluster.node("n3").status().applied > 2);
    },
  );

  it("never happens again for a wiped node: it is refused by name, and the others go on", async () => {
    const cluster = clusterOf(8);
    await cluster.startAll();
    await cluster.untilLeader();
    const { clusterId } = cluster.node("n1").status();
    cluster.crash("n1");
    cluster.wipe("n1");
    await cluster.start("n1");
    await cluster.clock.run(5_000);
    const wiped = cluster.node("n1").status();
    expect(wiped).toMatchObject({ born: false, clusterId: null, connected: [] });
    expect(cluster.network.refusals.some(({ reason }) => reason === "another incarnation")).toBe(true);
    const leader = await cluster.untilLeader(["n2", "n3"]);
    expect((await cluster.propose(leader, { kind: "set", key: "a", value: "1" })).kind).toBe("applied");
    expect(cluster.node(leader).status().clusterId).toBe(clusterId);
  });

  it("refuses a record that does not list this disk, loudly and once", async () => {
    const cluster = clusterOf(9);
    await cluster.start("n1");
    const foreign = {
      clusterId: "other",
      members: cluster.members.map((member) => ({ ...member, incarnation: "x" })),
      voters: ["n1", "n2", "n3"],
      votersOutgoing: [],
      learners: [],
    };
    const { handlers } = cluster.loopback("n1");
    for (let times = 0; times < 2; times++) {
      handlers?.onMessage({ type: "birth", from: "n2", to: "n1", index: 1, membership: foreign }, "n2");
    }
    await cluster.clock.run(1_000);
    expect(cluster.node("n1").status().born).toBe(false);
    const errors = cluster.lines.filter(({ level }) => level === "error");
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(
      /n2 belongs to the cluster other, which knows n1 under the incarnation x/,
    );
  });

  it("stores the record as entry 1 of term 1 before anything else", async () => {
    const cluster = clusterOf(10);
    await cluster.startAll();
    await untilBorn(cluster);
    for (const id of cluster.ids) {
      const { membership } = cluster.node(id).status();
      if (membership === null) throw new Error("unreachable");
      cluster.crash(id);
      const [entry] = await cluster.disk(id).open().readEntries(1, 1, 1);
      expect(entry).toEqual(birthRecord(membership).entry);
      expect(decodeMembership(entry?.data ?? new Uint8Array())).toEqual(membership);
    }
  });
});

describe("identity", () => {
  it("refuses the directory of another node or cluster, naming both", async () => {
    const cluster = clusterOf(11);
    await cluster.disk("n1").identity().write({
      format: 2,
      clusterName: "elsewhere",
      nodeId: "n7",
      incarnation: "i",
      clusterId: null,
      born: false,
      retired: null,
    });
    await expect(cluster.start("n1")).rejects.toThrow(
      /belongs to node "n7" of cluster "elsewhere", but it was started as node "n1" of cluster "test"/,
    );
  });

  it("refuses a born identity without a database", async () => {
    const cluster = clusterOf(12);
    await cluster.disk("n1").identity().write({
      format: 2,
      clusterName: "test",
      nodeId: "n1",
      incarnation: "i",
      clusterId: "c",
      born: true,
      retired: null,
    });
    await expect(cluster.start("n1")).rejects.toThrow(WrongIdentity);
  });

  it("refuses a database without an identity", async () => {
    const cluster = clusterOf(13);
    await cluster.startAll();
    await untilBorn(cluster);
    const running = cluster.get("n1");
    await cluster.stop("n1");
    expect(running.node.status().born).toBe(true);
    const disk = cluster.disk("n1");
    disk.storedIdentity = null;
    await expect(cluster.start("n1")).rejects.toThrow(/no identity file, but the database holds a log/);
  });

  it("refuses a list of members without this node, or with one twice", async () => {
    const cluster = clusterOf(14);
    const [n1, n2] = cluster.members;
    if (n1 === undefined || n2 === undefined) throw new Error("unreachable");
    await expect(cluster.start("n2", [n2, n2])).rejects.toThrow(/has "n2" twice/);
    await expect(cluster.start("n1", [n2])).rejects.toThrow(
      /this node is "n1", but the list of members has "n2"/,
    );
  });
});
