/** Membership changes (paper, section 6; thesis, chapter 4): pitfalls 13 and 26 to 30, scenarios 44 to 50. */
import { describe, expect, test } from "vitest";
import type { Config } from "./config.js";
import { TestingCluster } from "./testing-cluster.js";
import { testingMember } from "./testing-server.js";
import { EntryType, type Membership, type NodeId } from "./types.js";

const voters = ["n1", "n2", "n3"];
/** Learners become voters after five quiet ticks. */
const quick = { promotionTicks: 5, promotionLagMax: 0 };

function led(
  ids: readonly NodeId[] = voters,
  learners: readonly NodeId[] = [],
  config: Partial<Config> = quick,
): TestingCluster {
  const cluster = new TestingCluster({ voters: ids, learners, config });
  cluster.campaign("n1");
  expect(cluster.leaders).toEqual(["n1"]);
  return cluster;
}

const membershipOf = (cluster: TestingCluster, id: NodeId): Membership => {
  const membership = cluster.server(id).raft.membership();
  if (membership === null) throw new Error(`${id} knows no membership`);
  return membership;
};

/** The memberships in a server's log, as `voters` or `voters|outgoing`, learners in brackets. */
function history(cluster: TestingCluster, id: NodeId): string[] {
  return cluster
    .server(id)
    .disk.filter((entry) => entry.type === EntryType.membership)
    .map(({ data }) => JSON.parse(new TextDecoder().decode(data)) as Membership)
    .map(({ voters: incoming, votersOutgoing, learners }) => {
      const outgoing = votersOutgoing.length > 0 ? `|${votersOutgoing.join(" ")}` : "";
      const followers = learners.length > 0 ? ` [${learners.join(" ")}]` : "";
      return `${incoming.join(" ")}${outgoing}${followers}`;
    });
}

const refusal = (cluster: TestingCluster, id: NodeId) => {
  const outcome = cluster.server(id).changes.at(-1);
  return outcome?.kind === "refused" ? outcome.reason : outcome?.kind;
};

describe("adding", () => {
  test("a newcomer joins as a learner, takes the whole log, and becomes a voter when it has kept up", () => {
    const cluster = led();
    cluster.propose("n1", 1, 2, 3);
    const member = cluster.start("n4");
    cluster.change("n1", 7, { kind: "add", member });
    expect(cluster.server("n1").changes).toMatchObject([{ context: 7, kind: "done" }]);
    expect(membershipOf(cluster, "n4")).toMatchObject({ voters, learners: ["n4"] });
    expect(cluster.server("n4").terms).toEqual(cluster.server("n1").terms);
    cluster.tickAll(4);
    expect(membershipOf(cluster, "n1").learners).toEqual(["n4"]);
    cluster.tickAll(3);
    for (const id of [...voters, "n4"]) {
      expect(membershipOf(cluster, id)).toMatchObject({
        voters: [...voters, "n4"],
        votersOutgoing: [],
        learners: [],
      });
    }
    expect(history(cluster, "n4")).toEqual([
      "n1 n2 n3",
      "n1 n2 n3 [n4]",
      "n1 n2 n3 n4|n1 n2 n3",
      "n1 n2 n3 n4",
    ]);
  });

  test("pitfall 30: one that cannot be reached changes nothing for the only voter, and can be taken back", () => {
    const cluster = led(["n1"]);
    cluster.change("n1", 1, { kind: "add", member: testingMember("n2") });
    cluster.tickAll(100);
    cluster.propose("n1", 1);
    const { commit, lastIndex, role } = cluster.server("n1").raft.status();
    expect([role, commit]).toEqual(["leader", lastIndex]);
    expect(membershipOf(cluster, "n1")).toMatchObject({ voters: ["n1"], learners: ["n2"] });
    cluster.change("n1", 2, { kind: "remove", id: "n2" });
    expect(membershipOf(cluster, "n1").members.map(({ id }) => id)).toEqual(["n1"]);
  });

  test("one that falls behind again, or falls silent, has to keep up anew", () => {
    const cluster = led();
    cluster.change("n1", 1, { kind: "add", member: cluster.start("n4") });
    cluster.tickAll(3);
    cluster.isolate("n4");
    cluster.propose("n1", 1);
    cluster.tickAll(30);
    expect(membershipOf(cluster, "n1").learners).toEqual(["n4"]);
    cluster.heal();
    cluster.tickAll(4);
    expect(membershipOf(cluster, "n1").learners).toEqual(["n4"]);
    cluster.tickAll(12);
    expect(membershipOf(cluster, "n1").voters).toContain("n4");
  });
});

describe("S46 learners", () => {
  test("never campaign, however long they hear nobody, and TimeoutNow does not make them", () => {
    const cluster = led(voters, ["n4"]);
    cluster.isolate("n4");
    cluster.tickAll(4);
    const { term } = cluster.server("n4").raft.status();
    const sent = cluster.server("n4").tick(500);
    expect(sent).toEqual([]);
    cluster.server("n4").receive({ type: "timeoutNow", from: "n1", to: "n4", term });
    expect(cluster.server("n4").raft.status()).toMatchObject({ role: "follower", term });
  });

  test("are not counted: two of three voters are gone, and a learner makes no majority", () => {
    const cluster = led(voters, ["n4"]);
    const before = cluster.server("n1").raft.status().commit;
    cluster.isolate("n2");
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    expect(cluster.server("n4").raft.status().lastIndex).toBe(before + 1);
    expect(cluster.server("n1").raft.status().commit).toBe(before);
    cluster.tickAll(12);
    expect(cluster.leaders).toEqual([]);
  });

  test("campaign_learner_must_vote: one that became a voter votes before it knows", () => {
    // n1 and n2 know that n3 votes; n3 does not, and n1 dies.
    const cluster = led(["n1", "n2"], ["n3"]);
    cluster.cut("n1", "n3");
    cluster.tickAll(1);
    const joint: Membership = { ...membershipOf(cluster, "n1"), voters: ["n1", "n2", "n3"], learners: [] };
    for (const id of ["n1", "n2"]) {
      const server = cluster.server(id);
      const entry = { index: server.disk.length + 1, term: 2, type: EntryType.membership };
      server.disk.push({ ...entry, data: new TextEncoder().encode(JSON.stringify(joint)) });
      server.restart();
    }
    cluster.isolate("n1");
    cluster.silence(20);
    cluster.network = [];
    cluster.campaign("n2");
    expect(cluster.leaders).toEqual(["n2"]);
    expect(membershipOf(cluster, "n3").voters).toEqual(["n1", "n2", "n3"]);
  });
});

describe("S44 removing", () => {
  test("a follower: joint, then without it; it learns of it and never campaigns again", () => {
    const cluster = led();
    cluster.change("n1", 1, { kind: "remove", id: "n3" });
    expect(history(cluster, "n1").slice(1)).toEqual(["n1 n2|n1 n2 n3", "n1 n2"]);
    expect(history(cluster, "n3")).toEqual(history(cluster, "n1"));
    expect(cluster.server("n1").changes).toMatchObject([{ context: 1, kind: "done" }]);
    cluster.tickAll(200);
    expect(cluster.leaders).toEqual(["n1"]);
    expect(cluster.server("n3").raft.status()).toMatchObject({ role: "follower", term: 2 });
    expect(
      cluster
        .server("n1")
        .raft.status()
        .followers.map(({ id }) => id),
    ).toEqual(["n2"]);
  });

  test("the leader: it counts in no quorum, sees the change through, hands over and leaves", () => {
    const cluster = led();
    cluster.propose("n1", 1);
    cluster.cut("n1", "n3");
    cluster.change("n1", 1, { kind: "remove", id: "n1" });
    // The new voters are n2 and n3; n1 and n2 are no majority of them.
    expect(history(cluster, "n1").at(-1)).toBe("n2 n3|n1 n2 n3");
    expect(cluster.server("n1").changes).toEqual([]);
    cluster.heal();
    cluster.tickAll(8);
    expect(cluster.server("n1").changes).toMatchObject([{ context: 1, kind: "done" }]);
    expect(cluster.leaders).toHaveLength(1);
    expect(cluster.leaders).not.toContain("n1");
    const [leader = ""] = cluster.leaders;
    const term = cluster.server(leader).raft.status().term;
    cluster.tickAll(200);
    expect(cluster.leaders).toEqual([leader]);
    expect(cluster.server(leader).raft.status().term).toBe(term);
    cluster.propose(leader, 2);
    const { commit, lastIndex } = cluster.server(leader).raft.status();
    expect(commit).toBe(lastIndex);
  });

  test("a removed leader that nobody relieves in time goes all the same", () => {
    const cluster = led();
    cluster.ignore("timeoutNow");
    cluster.change("n1", 1, { kind: "remove", id: "n1" });
    expect(cluster.leaders).toEqual(["n1"]);
    cluster.tick("n1", 12);
    expect(cluster.leaders).toEqual([]);
    expect(cluster.server("n1").raft.status().role).toBe("follower");
    cluster.heal();
    cluster.tickAll(40);
    expect(cluster.leaders).toHaveLength(1);
  });

  test("t51_remove_unreachable_follower, RemovePartitionedNode: one that is dead or cut off", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.change("n1", 1, { kind: "remove", id: "n3" });
    expect(membershipOf(cluster, "n1").voters).toEqual(["n1", "n2"]);
    cluster.silence(1);
    cluster.heal();
    // It knows nothing of its removal and wants to lead: nobody helps it, no term rises.
    cluster.campaign("n3");
    cluster.tickAll(60);
    expect(cluster.leaders).toEqual(["n1"]);
    expect(cluster.server("n1").raft.status().term).toBe(2);
    expect(cluster.server("n3").raft.status().term).toBe(2);
  });
});

describe("replacing", () => {
  test("the dead disk goes out and the new one comes in as a learner in one joint change; then it votes", () => {
    const cluster = led();
    cluster.propose("n1", 1, 2);
    const member = cluster.start("n3", 2);
    cluster.silence(11);
    cluster.network = [];
    cluster.campaign("n1");
    const [leader = ""] = cluster.leaders;
    cluster.tickAll(11);
    cluster.change(leader, 1, { kind: "replace", member });
    expect(cluster.server(leader).changes).toMatchObject([{ context: 1, kind: "done" }]);
    expect(membershipOf(cluster, leader)).toMatchObject({ voters: ["n1", "n2"], learners: ["n3"] });
    expect(history(cluster, leader).slice(1)).toEqual(["n1 n2|n1 n2 n3", "n1 n2 [n3]"]);
    cluster.tickAll(12);
    expect(membershipOf(cluster, leader).voters).toEqual(["n1", "n2", "n3"]);
    expect(membershipOf(cluster, "n3").members.find(({ id }) => id === "n3")).toEqual(member);
    expect(cluster.server("n3").terms).toEqual(cluster.server(leader).terms);
  });

  test("what the old disk had confirmed does not count for the new one", () => {
    const cluster = led();
    cluster.propose("n1", 1);
    const { term, lastIndex } = cluster.server("n1").raft.status();
    cluster.isolate("n3");
    cluster.tickAll(11);
    cluster.change("n1", 1, { kind: "replace", member: testingMember("n3", 2) });
    const late = { type: "appendEntriesAccepted", from: "n3", to: "n1", term, match: lastIndex } as const;
    const match = () =>
      cluster
        .server("n1")
        .raft.status()
        .followers.find(({ id }) => id === "n3")?.match;
    expect(match()).toBe(0);
    cluster.server("n1").raft.step({ type: "receive", message: late, incarnation: "n3-1" });
    expect(match()).toBe(0);
  });

  test("is refused while the disk that the cluster knows answers", () => {
    const cluster = led();
    cluster.change("n1", 1, { kind: "replace", member: testingMember("n3", 2) });
    expect(refusal(cluster, "n1")).toBe("stillConnected");
  });

  test("of a learner is one entry", () => {
    const cluster = led(voters, ["n4"], { promotionTicks: 100 });
    cluster.isolate("n4");
    cluster.tickAll(11);
    cluster.change("n1", 1, { kind: "replace", member: testingMember("n4", 2) });
    expect(history(cluster, "n1")).toEqual(["n1 n2 n3 [n4]", "n1 n2 n3 [n4]"]);
    expect(membershipOf(cluster, "n1").members.at(-1)?.incarnation).toBe("n4-2");
  });
});

test("changed addresses are one entry, and nobody's progress starts anew", () => {
  const cluster = led();
  cluster.propose("n1", 1);
  const member = { ...testingMember("n2"), peer: "elsewhere:1" };
  cluster.change("n1", 1, { kind: "update", member });
  expect(membershipOf(cluster, "n3").members).toContainEqual(member);
  for (const { match } of cluster.server("n1").raft.status().followers) {
    expect(match).toBe(cluster.server("n1").raft.status().lastIndex);
  }
});

describe("what cannot be is refused by name", () => {
  const member = testingMember("n2");
  test.each([
    { change: { kind: "add", member }, reason: "alreadyMember", why: "n2 is a member already" },
    { change: { kind: "remove", id: "n9" }, reason: "notMember", why: "the members are n1, n2, n3" },
    { change: { kind: "update", member }, reason: "alreadyMember", why: "has these addresses" },
    { change: { kind: "update", member: testingMember("n2", 2) }, reason: "notMember", why: "n2 is not" },
    { change: { kind: "replace", member: testingMember("n9") }, reason: "notMember", why: "n9 is not" },
  ] as const)("$change.kind: $why", ({ change, reason, why }) => {
    const cluster = led();
    cluster.change("n1", 3, change);
    expect(cluster.server("n1").changes).toEqual([
      { context: 3, kind: "refused", reason, why: expect.stringContaining(why) },
    ]);
    expect(history(cluster, "n1")).toHaveLength(1);
  });

  test("asked of a follower", () => {
    const cluster = led();
    cluster.change("n2", 3, { kind: "remove", id: "n3" });
    expect(refusal(cluster, "n2")).toBe("notLeader");
  });

  test("the last voter", () => {
    const cluster = led(["n1"]);
    cluster.change("n1", 3, { kind: "remove", id: "n1" });
    expect(refusal(cluster, "n1")).toBe("lastVoter");
  });

  test("pitfall 30: what would lose the quorum at once names who is missing", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.tickAll(11);
    cluster.change("n1", 3, { kind: "remove", id: "n2" });
    expect(cluster.server("n1").changes).toMatchObject([
      {
        reason: "quorumWouldBeLost",
        why: "without n2 the voters are n1, n3, of which 2 are needed, but only n1 can be reached",
      },
    ]);
    cluster.change("n1", 4, { kind: "remove", id: "n3" });
    expect(refusal(cluster, "n1")).toBe("done");
  });

  test("while leadership is being handed over", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    cluster.server("n1").raft.step({ type: "transfer", to: "n3" });
    cluster.change("n1", 3, { kind: "remove", id: "n3" });
    expect(refusal(cluster, "n1")).toBe("transferring");
  });
});

describe("pitfall 26: one change at a time, and only when the leader knows what is committed", () => {
  test("S45 StepIgnoreConfig: a second one is refused until the first is committed", () => {
    const cluster = led();
    cluster.isolate("n1");
    cluster.change("n1", 1, { kind: "add", member: testingMember("n4") });
    cluster.change("n1", 2, { kind: "add", member: testingMember("n5") });
    expect(refusal(cluster, "n1")).toBe("changeInProgress");
    cluster.heal();
    cluster.tickAll(4);
    expect(refusal(cluster, "n1")).toBe("done");
    cluster.change("n1", 3, { kind: "add", member: testingMember("n5") });
    expect(membershipOf(cluster, "n3").learners).toEqual(["n4", "n5"]);
  });

  test("NewLeaderPendingConfig: before its own no-op is committed a leader changes nothing", () => {
    const cluster = new TestingCluster({ voters, config: quick });
    cluster.ignore("appendEntriesAccepted");
    cluster.campaign("n1");
    cluster.change("n1", 1, { kind: "remove", id: "n3" });
    expect(refusal(cluster, "n1")).toBe("notReady");
    cluster.heal();
    cluster.tickAll(4);
    cluster.change("n1", 2, { kind: "remove", id: "n3" });
    expect(refusal(cluster, "n1")).toBe("done");
  });

  test("inside a joint membership nothing else begins", () => {
    const cluster = led(["n1", "n2", "n3", "n4"]);
    cluster.isolate("n2");
    cluster.ignore("appendEntriesAccepted");
    cluster.change("n1", 1, { kind: "remove", id: "n4" });
    cluster.change("n1", 2, { kind: "add", member: testingMember("n5") });
    expect(refusal(cluster, "n1")).toBe("changeInProgress");
    expect(membershipOf(cluster, "n1").votersOutgoing).toHaveLength(4);
  });
});

describe("S50 the single-server bug (Ongaro, raft-dev, 2015-07-10)", () => {
  test("a change that only its leader holds is cut off; the next one comes after the next leader's no-op", () => {
    const cluster = new TestingCluster({ voters: ["a", "b", "c", "d"] });
    cluster.campaign("a");
    cluster.isolate("a");
    cluster.change("a", 1, { kind: "add", member: testingMember("u") });
    for (let i = 0; i < 30 && cluster.leaders.length < 2; i++) {
      for (const id of ["b", "c", "d"]) cluster.tick(id);
    }
    cluster.heal();
    cluster.tickAll(30);
    const [leader = ""] = cluster.leaders;
    expect(leader).not.toBe("a");
    cluster.change(leader, 2, { kind: "add", member: testingMember("v") });
    for (const id of ["a", "b", "c", "d"]) {
      expect(membershipOf(cluster, id).learners, id).toEqual(["v"]);
    }
    expect(cluster.server("a").changes).toMatchObject([{ context: 1, kind: "unknown" }]);
  });
});

describe("S49 a leader that is elected inside a joint membership finishes it", () => {
  test("with the joint entry committed or not", () => {
    const cluster = led(["n1", "n2", "n3", "n4"]);
    cluster.ignore("appendEntriesAccepted");
    cluster.change("n1", 1, { kind: "remove", id: "n1" });
    expect(history(cluster, "n2").at(-1)).toBe("n2 n3 n4|n1 n2 n3 n4");
    cluster.heal();
    cluster.isolate("n1");
    for (let i = 0; i < 60 && !cluster.leaders.some((id) => id !== "n1"); i++) {
      for (const id of ["n2", "n3", "n4"]) cluster.tick(id);
    }
    const leader = cluster.leaders.find((id) => id !== "n1") ?? "";
    expect(membershipOf(cluster, leader)).toMatchObject({ voters: ["n2", "n3", "n4"], votersOutgoing: [] });
    cluster.tick("n1", 12);
    expect(cluster.server("n1").changes).toEqual([{ context: 1, kind: "unknown" }]);
  });

  test("t60, t62: the entry was cut off instead: the membership before is in force again, after a restart too", () => {
    const cluster = led();
    cluster.isolate("n1");
    cluster.change("n1", 1, { kind: "remove", id: "n3" });
    expect(membershipOf(cluster, "n1").voters).toEqual(["n1", "n2"]);
    cluster.server("n1").restart();
    expect(membershipOf(cluster, "n1").voters).toEqual(["n1", "n2"]);
    cluster.campaign("n2");
    cluster.tickAll(30);
    const leader = cluster.leaders.find((id) => id !== "n1") ?? "";
    cluster.propose(leader, 1);
    cluster.heal();
    cluster.tickAll(4);
    for (const id of voters) expect(membershipOf(cluster, id).voters, id).toEqual(voters);
  });
});

test("pitfall 13: a membership is in force from its entry on, so nobody campaigns under an older one", () => {
  const cluster = led();
  cluster.change("n1", 1, { kind: "remove", id: "n1" });
  // Whether it has executed the entry plays no part: the campaign asks the new voters only.
  const server = cluster.server("n2");
  expect(membershipOf(cluster, "n2").voters).toEqual(["n2", "n3"]);
  cluster.isolate("n2");
  const sent = server.tick(40).filter(({ type }) => type === "preVoteRequest");
  expect(new Set(sent.map(({ to }) => to))).toEqual(new Set(["n3"]));
});

test("S45 CommitAfterRemoveNode: the removed one is not needed for what comes after", () => {
  const cluster = led(["n1", "n2"]);
  cluster.change("n1", 1, { kind: "remove", id: "n2" });
  cluster.isolate("n2");
  cluster.propose("n1", 1);
  const { commit, lastIndex } = cluster.server("n1").raft.status();
  expect(commit).toBe(lastIndex);
});

test("one whose removal nobody else has on disk yet campaigns once more: nobody else could win", () => {
  const cluster = led(["n1", "n2"]);
  const joint = { ...membershipOf(cluster, "n1"), voters: ["n2"], votersOutgoing: ["n1", "n2"] };
  const final = { ...joint, members: [testingMember("n2")], votersOutgoing: [] };
  const write = (id: NodeId, membership: Membership) => {
    const { disk } = cluster.server(id);
    const data = new TextEncoder().encode(JSON.stringify(membership));
    disk.push({ index: disk.length + 1, term: 2, type: EntryType.membership, data });
  };
  write("n1", joint);
  write("n1", final);
  write("n2", joint);
  for (const id of ["n1", "n2"]) cluster.server(id).restart();
  cluster.tickAll(60);
  expect(cluster.leaders).toEqual(["n2"]);
  expect(membershipOf(cluster, "n2")).toMatchObject({ voters: ["n2"], votersOutgoing: [] });
});

test("a read that waits for a removed voter's answer is answered once the others suffice", () => {
  const cluster = led(["n1", "n2"]);
  cluster.ignore("heartbeatResponse");
  cluster.server("n1").raft.step({ type: "readIndex", context: 1 });
  cluster.settle();
  expect(cluster.server("n1").reads).toEqual([]);
  cluster.change("n1", 1, { kind: "remove", id: "n2" });
  expect(cluster.server("n1").reads).toMatchObject([{ context: 1 }]);
});

test("a new disk that catches up through memberships of the former one under its id does not lead by them", () => {
  const cluster = led(["n1", "n2"]);
  cluster.change("n1", 1, { kind: "remove", id: "n1" });
  expect(cluster.leaders).toEqual(["n2"]);
  const member = cluster.start("n1", 2, { incarnation: "n1-2" });
  cluster.ignore("appendEntriesAccepted");
  cluster.change("n2", 2, { kind: "add", member });
  // It holds the founding membership, in which n1 voted, and whatever came with it; now it hears nobody.
  cluster.isolate("n1");
  const sent = cluster.server("n1").tick(200);
  expect(sent).toEqual([]);
  expect(cluster.server("n1").raft.status().role).toBe("follower");
});
