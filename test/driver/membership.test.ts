/** Who takes part, as whole nodes see it: newcomers far behind, removed nodes, addresses that change. */
import type { Membership } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { readRegister } from "./register-machine.js";
import { TestCluster, type TestClusterOptions } from "./test-cluster.js";

const set = (key: string, value = "1") => ({ kind: "set", key, value }) as const;

async function started(options: Partial<TestClusterOptions> & { seed: number }) {
  const cluster = new TestCluster({ size: 3, promotionMs: 500, ...options });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  await cluster.clock.run(500);
  return { cluster, leader, followers: cluster.ids.filter((id) => id !== leader) };
}

function membershipAt(cluster: TestCluster, id: string): Membership {
  const { membership } = cluster.node(id).status();
  if (membership === null) throw new Error(`${id} knows no membership`);
  return membership;
}

async function introduced(cluster: TestCluster, leader: string, id: string) {
  const { peer, http, incarnation } = await cluster.node(leader).introduce(id, `${id}:9000`);
  return { id, incarnation, peer, http };
}

describe("a newcomer far behind", () => {
  it("gets a snapshot and the rest of the log under load, votes, and is one of the majority", async () => {
    const { cluster, leader, followers } = await started({
      seed: 1,
      network: "memory",
      trailingEntries: 2,
      snapshotPartBytes: 50,
    });
    for (let i = 0; i < 60; i++) await cluster.propose(leader, set(`k${i}`, `${i}`));
    await cluster.clock.run(1_000);
    expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(50);
    await cluster.newcomer("n4");
    await cluster.clock.run(200);
    await cluster.change(leader, { kind: "add", member: await introduced(cluster, leader, "n4") });
    let count = 0;
    const write = async () => {
      expect((await cluster.propose(leader, set(`meanwhile${count % 5}`, `${count}`))).kind).toBe("applied");
      count++;
    };
    await cluster.clock.until("it fetches", () => cluster.node("n4").status().snapshotFrom === leader);
    expect(membershipAt(cluster, leader).learners).toEqual(["n4"]);
    const votes = () => {
      const { voters, votersOutgoing } = membershipAt(cluster, leader);
      return voters.includes("n4") && votersOutgoing.length === 0;
    };
    for (let i = 0; i < 600 && !votes(); i++) await write();
    expect(votes()).toBe(true);
    expect(
      cluster.lines.some(({ id, message }) => id === "n4" && /took the place of log/.test(message)),
    ).toBe(true);
    for (let i = 0; i < 60; i++) expect(readRegister(cluster.node("n4").view, `k${i}`)).toBe(`${i}`);
    // Three of four are needed now, and it is one of them.
    cluster.crash(followers[0] ?? "");
    await write();
    await cluster.clock.run(500);
    expect(readRegister(cluster.node("n4").view, `meanwhile${(count - 1) % 5}`)).toBe(`${count - 1}`);
    expect(cluster.fatal).toEqual([]);
  });

  it("goes on after a crash at any time of it", async () => {
    for (let moment = 1; moment <= 12; moment++) {
      const { cluster, leader } = await started({
        seed: 100 + moment,
        network: "memory",
        trailingEntries: 2,
        snapshotPartBytes: 200,
      });
      for (let i = 0; i < 30; i++) await cluster.propose(leader, set(`k${i}`, `${i}`));
      await cluster.clock.run(1_000);
      await cluster.newcomer("n4");
      await cluster.clock.run(200);
      const member = await introduced(cluster, leader, "n4");
      cluster.clock.after(moment * 6, () => cluster.crash("n4"));
      await cluster.change(leader, { kind: "add", member });
      await cluster.clock.until("its crash", () => !cluster.running.has("n4"));
      await cluster.start("n4");
      await cluster.clock.until(`n4 votes, crashed after ${moment * 6} ms`, () =>
        membershipAt(cluster, leader).voters.includes("n4"),
      );
      expect(readRegister(cluster.node("n4").view, "k29")).toBe("29");
      expect(cluster.fatal).toEqual([]);
    }
  });
});

describe("a removed node", () => {
  it("knows it, is let in for 20 s, also when it comes back, and by name no more afterwards", async () => {
    const { cluster, leader, followers } = await started({ seed: 2, network: "memory" });
    const [leaving = "", other = ""] = followers;
    await cluster.change(leader, { kind: "remove", id: leaving });
    await cluster.clock.until("it knows", () => cluster.node(leaving).status().removed);
    for (const id of [leader, other]) expect(cluster.node(id).status().removed).toBe(false);
    await cluster.clock.run(10_000);
    const reached = async () => {
      let answer: Uint8Array | null = null;
      cluster
        .node(leaving)
        .request(other, Buffer.from("who leads?"), 500)
        .then(
          (bytes) => {
            answer = bytes;
          },
          () => undefined,
        );
      await cluster.clock.run(600);
      return answer !== null;
    };
    expect(await reached()).toBe(true);
    cluster.crash(leaving);
    await cluster.start(leaving);
    await cluster.clock.run(1_000);
    expect(await reached()).toBe(true);
    expect(cluster.node(leaving).status()).toMatchObject({ removed: true, refusals: [] });
    // Another disk under its id is a newcomer like any other.
    cluster.crash(leaving);
    const former = cluster.disk(leaving);
    cluster.wipe(leaving);
    await cluster.start(leaving);
    await cluster.clock.run(1_000);
    const asStranger = cluster.node(leaving).status().refusals;
    expect(asStranger).toHaveLength(2);
    for (const refusal of asStranger) expect(refusal).toContain(`to let it in: quorate add ${leaving}`);
    cluster.crash(leaving);
    cluster.disks.set(leaving, former);
    await cluster.start(leaving);
    await cluster.clock.run(20_000);
    cluster.crash(leaving);
    await cluster.start(leaving);
    await cluster.clock.run(1_000);
    expect(await reached()).toBe(false);
    const { refusals, connected, removed } = cluster.node(leaving).status();
    expect([connected, removed]).toEqual([[], true]);
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) expect(refusal).toContain(`${leaving} is a stranger: it was removed`);
    expect(cluster.leader()).toBe(leader);
  });

  it("never leads or disturbs, whether it was there or away when it was removed", async () => {
    for (const away of [false, true]) {
      const { cluster, leader, followers } = await started({ seed: 3, network: "memory" });
      const [leaving = ""] = followers;
      const { term } = cluster.node(leader).status();
      if (away) {
        cluster.crash(leaving);
        await cluster.clock.run(1_000);
      }
      await cluster.change(leader, { kind: "remove", id: leaving });
      if (away) await cluster.start(leaving);
      await cluster.clock.run(30_000);
      expect((await cluster.propose(leader, set("a"))).kind).toBe("applied");
      expect(cluster.node(leader).status()).toMatchObject({ role: "leader", term });
      expect(cluster.node(leaving).status()).toMatchObject({ term, leader: null });
      expect(cluster.fatal).toEqual([]);
    }
  });
});

describe("another address of a member", () => {
  it.each(["follower", "leader"])(
    "of a %s, unreachable at the old one, is announced and replicated",
    async (which) => {
      const { cluster, leader, followers } = await started({ seed: 4, network: "memory" });
      const moving = which === "leader" ? leader : (followers[0] ?? "");
      await cluster.stop(moving);
      const moved = { id: moving, peer: `${moving}:9100`, http: `http://${moving}:8100` };
      await cluster.start(
        moving,
        cluster.members.map((member) => (member.id === moving ? moved : member)),
      );
      const known = (id: string) => membershipAt(cluster, id).members.find((member) => member.id === moving);
      await cluster.clock.until("all know", () => cluster.ids.every((id) => known(id)?.peer === moved.peer));
      for (const id of cluster.ids) expect(known(id)).toMatchObject(moved);
      // One entry, not one per connection or term.
      const entries = () =>
        cluster.lines.filter(
          ({ id, message }) =>
            id === followers.find((other) => other !== moving) && /says who takes part/.test(message),
        ).length;
      expect(entries()).toBe(1);
      cluster.crash(moving);
      await cluster.start(
        moving,
        cluster.members.map((member) => (member.id === moving ? moved : member)),
      );
      await cluster.clock.run(3_000);
      expect(entries()).toBe(1);
      expect(cluster.fatal).toEqual([]);
    },
  );

  it("is dialled as soon as its owner has said it: its vote is needed, so nothing can be replicated before", async () => {
    const { cluster, leader, followers } = await started({ seed: 5, network: "memory" });
    const [moving = "", dead = ""] = followers;
    await cluster.stop(moving);
    cluster.crash(dead);
    await cluster.clock.run(3_000);
    expect(cluster.leader()).toBe(undefined);
    const moved = { id: moving, peer: `${moving}:9100`, http: `http://${moving}:8100` };
    await cluster.start(
      moving,
      cluster.members.map((member) => (member.id === moving ? moved : member)),
    );
    const next = await cluster.untilLeader([leader, moving]);
    expect((await cluster.propose(next, set("a"))).kind).toBe("applied");
    const row = () => membershipAt(cluster, leader).members.find((member) => member.id === moving);
    await cluster.clock.until("it is replicated", () => row()?.peer === moved.peer);
  });
});
