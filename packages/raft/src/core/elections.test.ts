import { describe, expect, test } from "vitest";
import type { Message } from "./messages.js";
import { createRandom } from "./prng.js";
import { Raft } from "./raft.js";
import { TestingCluster } from "./testing-cluster.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);
/** Every timer takes its longest time: nobody campaigns on its own before 19 ticks. */
const slowTimers = { random: () => 0.99 };

function statusOf(cluster: TestingCluster, id: NodeId) {
  return cluster.server(id).raft.status();
}

test.each([1, 2, 3, 5, 7])("a leader of %i servers is elected and commits", (size) => {
  const cluster = new TestingCluster({ voters: ids(size) });
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

describe("S1 one round of votes decides (paper, section 5.2)", () => {
  test.each([
    { size: 1, votes: {}, role: "leader" },
    { size: 3, votes: { n2: true, n3: true }, role: "leader" },
    { size: 3, votes: { n2: true }, role: "leader" },
    { size: 5, votes: { n2: true, n3: true, n4: true, n5: true }, role: "leader" },
    { size: 5, votes: { n2: true, n3: true, n4: true }, role: "leader" },
    { size: 5, votes: { n2: true, n3: true }, role: "leader" },
    { size: 3, votes: { n2: false, n3: false }, role: "follower" },
    { size: 5, votes: { n2: false, n3: false, n4: false, n5: false }, role: "follower" },
    { size: 5, votes: { n2: true, n3: false, n4: false, n5: false }, role: "follower" },
    { size: 3, votes: {}, role: "candidate" },
    { size: 5, votes: { n2: true }, role: "candidate" },
    { size: 5, votes: { n2: false, n3: false }, role: "candidate" },
    { size: 5, votes: {}, role: "candidate" },
  ])("$size servers, votes $votes: $role", ({ size, votes, role }) => {
    const server = candidate(size);
    for (const [from, granted] of Object.entries(votes)) {
      server.receive({ type: "requestVoteResponse", from, to: "n1", term: 1, granted });
    }
    expect(server.raft.status()).toMatchObject({ role, term: 1 });
  });
});

/** n1 of `size` servers, past its pre-vote, a candidate in term 1 (a leader, if it is alone). */
function candidate(size: number): TestingServer {
  const server = new TestingServer(testingConfig("n1"), testingMembership(ids(size)), [], {
    term: 0,
    vote: null,
    commit: 0,
  });
  while (server.raft.status().role === "follower") server.tick();
  for (const from of ids(size).slice(1, 1 + Math.floor(size / 2))) {
    const answer = { type: "preVoteResponse", from, to: "n1", term: 0, campaignTerm: 1 } as const;
    server.receive({ ...answer, granted: true });
  }
  return server;
}

describe("S5 who can be elected", () => {
  test.each([
    { size: 3, dead: [], role: "leader" },
    { size: 3, dead: ["n2"], role: "leader" },
    { size: 3, dead: ["n2", "n3"], role: "preCandidate" },
    { size: 4, dead: ["n2", "n3"], role: "preCandidate" },
    { size: 5, dead: ["n2", "n3"], role: "leader" },
  ])("$size servers, dead $dead: n1 becomes $role", ({ size, dead, role }) => {
    const cluster = new TestingCluster({ voters: ids(size) });
    for (const id of dead) cluster.isolate(id);
    cluster.campaign("n1");
    expect(statusOf(cluster, "n1").role).toBe(role);
  });

  test("all others have longer logs: it stays a follower", () => {
    const cluster = new TestingCluster({ voters: ids(3), logs: { n1: [1], n2: [1, 1], n3: [1, 1] } });
    cluster.campaign("n1");
    expect(statusOf(cluster, "n1")).toMatchObject({ role: "follower", term: 1 });
  });
});

test("S6 a leader of an older log's majority overwrites a newer minority entry", () => {
  const voted = { term: 2, vote: "n3", commit: 0 };
  const cluster = new TestingCluster({
    voters: ids(5),
    logs: { n1: [1], n2: [1], n3: [2], n4: [], n5: [] },
    hardStates: { n4: voted, n5: voted },
  });
  cluster.campaign("n1");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "follower", term: 2 });
  cluster.campaign("n1");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 3 });
  for (const id of ids(5)) expect(cluster.server(id).terms).toEqual([1, 3]);
});

test("S7 duelling pre-candidates: the leader stays, the loser follows it in the same term", () => {
  const cluster = new TestingCluster({ voters: ids(3) });
  cluster.cut("n1", "n3");
  cluster.campaign("n1");
  cluster.campaign("n3");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 2 });
  expect(statusOf(cluster, "n3").role).not.toBe("candidate");
  cluster.heal();
  cluster.campaign("n3");
  cluster.tick("n1");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 2 });
  expect(statusOf(cluster, "n3")).toMatchObject({ role: "follower", term: 2, leader: "n1" });
});

test("S8 a candidate concedes to the leader that was elected meanwhile", () => {
  const cluster = new TestingCluster({ voters: ids(3) });
  cluster.isolate("n1");
  cluster.campaign("n1");
  cluster.campaign("n3");
  cluster.heal();
  cluster.tick("n3");
  cluster.propose("n3", 1);
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "follower", term: 2, leader: "n3" });
  for (const id of ids(3)) expect(cluster.server(id).terms).toEqual([1, 2, 2]);
});

test("S9 an AppendEntries of a past term is ignored", () => {
  const cluster = new TestingCluster({ voters: ids(3) });
  cluster.campaign("n1");
  cluster.server("n1").raft.step({ type: "transfer", to: "n2" });
  cluster.settle();
  cluster.server("n2").raft.step({ type: "transfer", to: "n1" });
  cluster.settle();
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 4 });
  const entries = [{ index: 3, term: 3, type: 1 as const, data: new Uint8Array() }];
  const old = { type: "appendEntries", from: "n2", term: 3, prevIndex: 2, prevTerm: 2 } as const;
  for (const to of ["n1", "n3"]) cluster.deliver({ ...old, to, entries, commit: 3 });
  cluster.propose("n1", 1);
  for (const id of ids(3)) expect(cluster.server(id).terms).toEqual([1, 2, 3, 4, 4]);
});

describe("S10 a higher term ends every role (paper, figure 2)", () => {
  const leader = () => {
    const server = candidate(3);
    server.receive({ type: "requestVoteResponse", from: "n2", to: "n1", term: 1, granted: true });
    return server;
  };
  const follower = () =>
    new TestingServer(testingConfig("n1"), testingMembership(ids(3)), [], { term: 1, vote: null, commit: 0 });
  test.each([
    { role: "follower", start: follower },
    { role: "candidate", start: () => candidate(3) },
    { role: "leader", start: leader },
  ])("$role", ({ role, start }) => {
    const vote = { type: "requestVote", from: "n2", to: "n1", term: 3, lastIndex: 9, lastTerm: 2 } as const;
    const asked = start();
    expect(asked.raft.status().role).toBe(role);
    asked.receive({ ...vote, transfer: true });
    expect(asked.raft.status()).toMatchObject({ role: "follower", term: 3, leader: null });
    const append = {
      type: "appendEntries",
      from: "n2",
      to: "n1",
      term: 3,
      prevIndex: 0,
      prevTerm: 0,
    } as const;
    const told = start();
    told.receive({ ...append, entries: [], commit: 0 });
    expect(told.raft.status()).toMatchObject({ role: "follower", term: 3, leader: "n2" });
  });
});

describe("S12 election timeouts are random (paper, section 5.2)", () => {
  test.each([
    { elapsed: 5, probability: 0 },
    { elapsed: 10, probability: 0.1 },
    { elapsed: 13, probability: 0.4 },
    { elapsed: 15, probability: 0.6 },
    { elapsed: 18, probability: 0.9 },
    { elapsed: 20, probability: 1 },
  ])("after $elapsed ticks of 10, $probability have campaigned", ({ elapsed, probability }) => {
    let campaigned = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const config = testingConfig("n1", { random: createRandom(seed) });
      const server = new TestingServer(config, testingMembership(ids(3)), [], {
        term: 0,
        vote: null,
        commit: 0,
      });
      server.tick(elapsed);
      if (server.raft.status().role !== "follower") campaigned += 1;
    }
    expect(campaigned / 2000).toBeCloseTo(probability, 1);
  });

  test("five servers rarely time out together: under 30 % of 1000 rounds", () => {
    let conflicts = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const cluster = new TestingCluster({ voters: ids(5), config: { random: createRandom(seed) } });
      let first: NodeId[] = [];
      while (first.length === 0) {
        for (const server of cluster.servers.values()) server.raft.step({ type: "tick" });
        first = ids(5).filter((id) => statusOf(cluster, id).role !== "follower");
      }
      if (first.length > 1) conflicts += 1;
    }
    expect(conflicts / 1000).toBeLessThanOrEqual(0.3);
  });
});

test("S13 a server with a smaller term can complete an election", () => {
  const cluster = new TestingCluster({ voters: ids(3), config: slowTimers });
  cluster.isolate("n3");
  cluster.campaign("n1");
  cluster.campaign("n3");
  expect(statusOf(cluster, "n3")).toMatchObject({ role: "preCandidate", term: 1 });
  cluster.server("n1").raft.step({ type: "transfer", to: "n2" });
  cluster.settle();
  expect(statusOf(cluster, "n2")).toMatchObject({ role: "leader", term: 3 });
  cluster.heal();
  cluster.isolate("n2");
  cluster.silence(10);
  cluster.campaign("n3");
  cluster.campaign("n1");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 4 });
});

test("S14 a split vote after two pre-votes that both won ends with one leader in the next term", () => {
  const cluster = new TestingCluster({ voters: ids(3), config: slowTimers });
  cluster.campaign("n1");
  cluster.isolate("n1");
  for (const id of ["n2", "n3"]) for (let i = 0; i < 19; i++) cluster.server(id).raft.step({ type: "tick" });
  cluster.settle();
  for (const id of ["n2", "n3"]) expect(statusOf(cluster, id)).toMatchObject({ role: "candidate", term: 3 });
  cluster.campaign("n3");
  expect(statusOf(cluster, "n3")).toMatchObject({ role: "leader", term: 4 });
  expect(statusOf(cluster, "n2")).toMatchObject({ role: "follower", term: 4 });
});

test("S15 a cut-off leader learns of the newer term from the answer to its old heartbeat", () => {
  const cluster = new TestingCluster({ voters: ids(3), config: slowTimers });
  cluster.campaign("n1");
  cluster.isolate("n1");
  for (const id of ["n2", "n3"]) cluster.server(id).tick(10);
  cluster.campaign("n3");
  expect(cluster.leaders).toEqual(["n1", "n3"]);
  cluster.heal();
  cluster.tick("n1");
  expect(cluster.leaders).toEqual(["n3"]);
  for (const id of ids(3)) expect(statusOf(cluster, id).term).toBe(3);
});

test("S16 a follower that was cut off does not disrupt: all terms stay, the leader stays", () => {
  const cluster = new TestingCluster({ voters: ids(3) });
  cluster.campaign("n1");
  cluster.isolate("n3");
  cluster.tick("n3", 100);
  cluster.heal();
  cluster.tick("n3", 20);
  cluster.tick("n1");
  for (const id of ids(3)) expect(statusOf(cluster, id)).toMatchObject({ term: 2, leader: "n1" });
});

test("S18 CheckQuorum: a leader that hears no majority for electionTicks steps down, and not before", () => {
  const cluster = new TestingCluster({ voters: ids(3) });
  cluster.campaign("n1");
  cluster.isolate("n1");
  cluster.tick("n1", 9);
  expect(statusOf(cluster, "n1").role).toBe("leader");
  cluster.tick("n1", 1);
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "follower", term: 2, leader: null });
});

describe("S19 one-way isolation", () => {
  test("a follower that hears but is not heard does not campaign", () => {
    const cluster = new TestingCluster({ voters: ids(3) });
    cluster.campaign("n1");
    cluster.cutOneWay("n3", "n1");
    cluster.cutOneWay("n3", "n2");
    cluster.tickAll(40);
    for (const id of ids(3)) expect(statusOf(cluster, id)).toMatchObject({ term: 2, leader: "n1" });
  });

  test("one that is heard but does not hear campaigns in vain: the leader and the term stay", () => {
    const cluster = new TestingCluster({ voters: ids(3) });
    cluster.campaign("n1");
    cluster.cutOneWay("n1", "n3");
    cluster.cutOneWay("n2", "n3");
    cluster.tickAll(40);
    expect(statusOf(cluster, "n3")).toMatchObject({ role: "preCandidate", term: 2 });
    for (const id of ["n1", "n2"]) expect(statusOf(cluster, id)).toMatchObject({ term: 2, leader: "n1" });
  });
});

test("pitfall 9: for all 64 directed link masks of three servers, two that hear each other keep one leader", () => {
  for (let mask = 0; mask < 64; mask++) {
    const cluster = new TestingCluster({ voters: ids(3) });
    let bit = 0;
    const open = new Set<string>();
    for (const from of ids(3)) {
      for (const to of ids(3)) {
        if (from === to) continue;
        if ((mask >> bit++) & 1) open.add(`${from}${to}`);
        else cluster.cutOneWay(from, to);
      }
    }
    cluster.tickAll(200);
    const pairs = [["n1", "n2"] as const, ["n1", "n3"] as const, ["n2", "n3"] as const];
    const connected = pairs.filter(([a, b]) => open.has(a + b) && open.has(b + a));
    if (connected.length === 0) continue;
    const before = cluster.leaders.map((id) => statusOf(cluster, id));
    cluster.tickAll(100);
    const after = cluster.leaders.map((id) => statusOf(cluster, id));
    expect(before, `mask ${mask}`).toHaveLength(1);
    expect(after, `mask ${mask}`).toMatchObject([{ id: before[0]?.id, term: before[0]?.term }]);
  }
});

test("pitfall 9: five servers, 100 random link masks: where three hear one another, a stable leader exists", () => {
  const random = createRandom(9);
  for (let run = 0; run < 100; run++) {
    const cluster = new TestingCluster({ voters: ids(5) });
    const open = new Set<string>();
    const share = 0.4 + 0.5 * random();
    for (const from of ids(5)) {
      for (const to of ids(5)) {
        if (from === to) continue;
        if (random() < share) open.add(from + to);
        else cluster.cutOneWay(from, to);
      }
    }
    const both = (a: NodeId, b: NodeId) => a === b || (open.has(a + b) && open.has(b + a));
    const cliques = ids(5).flatMap((a) =>
      ids(5).flatMap((b) => ids(5).filter((c) => a < b && b < c && both(a, b) && both(b, c) && both(a, c))),
    );
    if (cliques.length === 0) continue;
    cluster.tickAll(300);
    const before = cluster.leaders.map((id) => statusOf(cluster, id).term);
    cluster.tickAll(100);
    const after = cluster.leaders.map((id) => statusOf(cluster, id).term);
    expect(before.length, `run ${run}`).toBeGreaterThan(0);
    expect(after, `run ${run}`).toEqual(before);
  }
});

test("stale messages of past terms do not hold back an election (only a valid leader or a vote resets the timer)", () => {
  const cluster = new TestingCluster({ voters: ids(3), config: slowTimers });
  cluster.campaign("n1");
  const server = cluster.server("n3");
  const old = { type: "appendEntries", from: "n2", to: "n3", term: 1, prevIndex: 0, prevTerm: 0 } as const;
  const sent: Message[] = [];
  for (let i = 0; i < 19; i++) {
    sent.push(...server.tick());
    sent.push(...server.receive({ ...old, entries: [], commit: 0 }));
  }
  expect(server.raft.status().role).toBe("preCandidate");
  expect(sent.filter(({ type }) => type === "preVoteRequest")).toHaveLength(2);
});

test("a refused pre-vote with a higher term is adopted, and the next attempt is one term above", () => {
  const server = new TestingServer(testingConfig("n1"), testingMembership(ids(3)), entriesOfTerms([1]), {
    term: 1,
    vote: null,
    commit: 0,
  });
  while (server.raft.status().role === "follower") server.tick();
  const refusal = { type: "preVoteResponse", from: "n2", to: "n1", campaignTerm: 2, granted: false } as const;
  server.receive({ ...refusal, term: 7 });
  expect(server.raft.status()).toMatchObject({ role: "follower", term: 7 });
  const messages = server.tick(20).filter(({ type }) => type === "preVoteRequest");
  expect(messages[0]).toMatchObject({ term: 8 });
});

test("the only voter has nobody to wait for: it campaigns at its first tick, and leads once its vote is durable", () => {
  const hardState = { term: 4, vote: "n2", commit: 0 };
  const server = new TestingServer(testingConfig("n1"), testingMembership(["n1"], ["n2"]), [], hardState);
  server.slowDisk = true;
  server.tick(30);
  expect(server.raft.status()).toMatchObject({ role: "candidate", term: 5 });
  server.finishStore();
  expect(server.raft.status()).toMatchObject({ role: "leader", term: 5 });
  server.slowDisk = false;
  server.run();
  expect(server.terms).toEqual([5]);
  server.restart();
  server.tick();
  expect(server.raft.status()).toMatchObject({ role: "leader", term: 6, canServe: true });
});

test("one of two voters waits for its election timeout; a learner beside a single voter never campaigns", () => {
  const hardState = { term: 4, vote: null, commit: 0 };
  const server = new TestingServer(testingConfig("n1"), testingMembership(["n1", "n2"]), [], hardState);
  server.tick(9);
  expect(server.raft.status()).toMatchObject({ role: "follower", term: 4 });
  const learner = new TestingServer(testingConfig("n1"), testingMembership(["n2"], ["n1"]), [], hardState);
  learner.tick(30);
  expect(learner.raft.status()).toMatchObject({ role: "follower", term: 4 });
});

test("S46 a learner never campaigns, and forgets a leader that is silent", () => {
  const cluster = new TestingCluster({ voters: ["n1"], learners: ["n2"] });
  cluster.campaign("n1");
  expect(statusOf(cluster, "n2").leader).toBe("n1");
  cluster.isolate("n2");
  cluster.tick("n2", 100);
  expect(statusOf(cluster, "n2")).toMatchObject({ role: "follower", term: 2, leader: null });
});

test("a newcomer, which knows nothing, does not campaign and takes no calls; it votes, its log being empty", () => {
  const config = testingConfig("n1");
  const server = new TestingServer(config, testingMembership(ids(3)), [], { term: 0, vote: null, commit: 0 });
  const none = { index: 0, term: 0 };
  const hardState = { term: 0, vote: null, commit: 0 };
  const log = { compacted: none, terms: [], tail: [], last: none, membership: null, applied: 0, logBytes: 0 };
  server.raft = new Raft(config, { hardState, ...log });
  expect(server.tick(100)).toEqual([]);
  const vote = { type: "requestVote", from: "n2", to: "n1", term: 3, lastIndex: 9, lastTerm: 2 } as const;
  expect(server.receive({ ...vote, transfer: false })).toMatchObject([{ granted: true, term: 3 }]);
  server.raft.step({ type: "propose", proposals: [{ context: 1, data: new Uint8Array() }] });
  server.raft.step({ type: "readIndex", context: 2 });
  server.run();
  expect(server.refused).toEqual([{ context: 1, reason: "notLeader" }]);
  expect(server.readsRefused).toEqual([2]);
  expect(server.hardState).toEqual({ term: 3, vote: "n2", commit: 0 });
});
