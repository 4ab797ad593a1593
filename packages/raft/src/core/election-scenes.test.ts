/** Scenes of elections in which others were found to fail: scenarios 20 to 22 and 48, pitfalls 3 and 5. */
import { describe, expect, test } from "vitest";
import type { Message, MessageType } from "./messages.js";
import { createRandom } from "./prng.js";
import { TestingCluster } from "./testing-cluster.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId, Term } from "./types.js";

const three = ["n1", "n2", "n3"];
/** Every timer takes its longest time: nobody campaigns on its own before 19 ticks. */
const slowTimers = { random: () => 0.99 };

function follower(terms: readonly Term[], term: Term): TestingServer {
  const hardState = { term, vote: null, commit: 0 };
  return new TestingServer(testingConfig("n1"), testingMembership(three), entriesOfTerms(terms), hardState);
}

function statusOf(cluster: TestingCluster, id: NodeId) {
  return cluster.server(id).raft.status();
}

/** Takes the messages of one kind out of the network, to be delivered later or never. */
function holdBack(cluster: TestingCluster, type: MessageType, from: NodeId, to?: NodeId): Message[] {
  cluster.collect();
  const held = (message: Message) =>
    message.type === type && message.from === from && (to === undefined || message.to === to);
  const messages = cluster.network.filter(held);
  cluster.network = cluster.network.filter((message) => !held(message));
  return messages;
}

function deliver(cluster: TestingCluster, messages: readonly Message[]): void {
  for (const message of messages) cluster.deliver(message);
}

/** `id` hears nothing until it asks for votes; what it asks stays in the network. */
function expire(cluster: TestingCluster, id: NodeId): void {
  const { raft } = cluster.server(id);
  while (raft.status().role === "follower") raft.step({ type: "tick" });
  cluster.collect();
}

test("pitfall 3: whoever answers pre-votes campaigns as early as whoever does not", () => {
  const campaignsAt = (isAsked: boolean): number => {
    const server = follower([1], 1);
    for (let tick = 1; ; tick++) {
      server.tick();
      if (server.raft.status().role !== "follower" || tick > 100) return tick;
      const question = { type: "preVoteRequest", from: "n2", to: "n1", term: 2 } as const;
      if (!isAsked) continue;
      expect(server.receive({ ...question, lastIndex: 1, lastTerm: 1 })).toMatchObject([{ granted: true }]);
    }
  };
  expect(campaignsAt(true)).toBe(campaignsAt(false));
});

test("pitfall 5: 1000 seeds: whatever got lost, a healed cluster has a leader within six election timeouts", () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const random = createRandom(seed);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
    const cluster = new TestingCluster({ voters: three, config: { random } });
    for (let step = 0; step < 60; step++) {
      const id = pick(three);
      cluster.server(id).raft.step({ type: "tick" });
      cluster.collect();
      // Some arrive now, some later in any order, some never.
      const batch = cluster.network;
      cluster.network = [];
      for (const message of batch) {
        const fate = random();
        if (fate < 0.5) cluster.deliver(message);
        else if (fate < 0.8) cluster.network.push(message);
      }
      if (random() < 0.03) cluster.server(pick(three)).restart();
      if (random() < 0.05) cluster.server(id).raft.step({ type: "peerLost", peer: pick(three) });
    }
    let ticks = 0;
    while (cluster.leaders.length !== 1 && ticks < 200) {
      cluster.tickAll();
      ticks++;
    }
    expect(ticks, `seed ${seed}`).toBeLessThanOrEqual(60);
  }
});

test("S20 pre_vote_double_leader: two win the pre-vote, one the vote; who gave it keeps it after its own pre-vote", () => {
  const at = { term: 2, vote: null, commit: 4 };
  const cluster = new TestingCluster({
    voters: three,
    // n1 led term 2 and has one entry that nobody else got.
    logs: { n1: [1, 1, 2, 2, 2], n2: [1, 1, 2, 2], n3: [1, 1, 2, 2] },
    hardStates: { n1: { ...at, vote: "n1" }, n2: at, n3: at },
    config: slowTimers,
  });
  cluster.cut("n1", "n3");
  expire(cluster, "n1");
  expire(cluster, "n3");
  // n2 grants both pre-votes: both are candidates of term 3.
  deliver(cluster, holdBack(cluster, "preVoteRequest", "n1", "n2"));
  deliver(cluster, holdBack(cluster, "preVoteRequest", "n3", "n2"));
  deliver(cluster, holdBack(cluster, "preVoteResponse", "n2"));
  cluster.collect();
  for (const id of ["n1", "n3"]) expect(statusOf(cluster, id)).toMatchObject({ role: "candidate", term: 3 });
  const late = holdBack(cluster, "requestVote", "n3", "n2");
  expect(late).toHaveLength(1);
  deliver(cluster, holdBack(cluster, "requestVote", "n1", "n2"));
  deliver(cluster, holdBack(cluster, "requestVoteResponse", "n2"));
  const appends = holdBack(cluster, "appendEntries", "n1", "n2");
  expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", term: 3 });
  // n2 hears nothing of it and asks for pre-votes itself.
  expire(cluster, "n2");
  expect(statusOf(cluster, "n2")).toMatchObject({ role: "preCandidate", term: 3 });
  holdBack(cluster, "preVoteRequest", "n2");
  // The leader's AppendEntries does not match, yet it ends that; the vote stays where it was.
  deliver(cluster, appends);
  expect(statusOf(cluster, "n2")).toMatchObject({ role: "follower", term: 3, leader: "n1" });
  holdBack(cluster, "appendEntriesRejected", "n2");
  const refused = [{ term: 3, granted: false }];
  deliver(cluster, late);
  expect(holdBack(cluster, "requestVoteResponse", "n2", "n3")).toMatchObject(refused);
  // Not only because it knows who leads.
  cluster.server("n2").raft.step({ type: "peerLost", peer: "n1" });
  expect(statusOf(cluster, "n2").leader).toBe(null);
  deliver(cluster, late);
  expect(holdBack(cluster, "requestVoteResponse", "n2", "n3")).toMatchObject(refused);
  expect(cluster.server("n2").hardState).toMatchObject({ term: 3, vote: "n1" });
});

describe("S21 votes and offers that come too late", () => {
  test("former_candidate_double_vote: who voted for itself refuses others of that term after it lost", () => {
    const server = follower([1], 1);
    while (server.raft.status().role === "follower") server.tick();
    const granted = { from: "n2", to: "n1", term: 1, campaignTerm: 2, granted: true } as const;
    server.receive({ type: "preVoteResponse", ...granted });
    expect(server.raft.status()).toMatchObject({ role: "candidate", term: 2 });
    const heartbeat = {
      type: "heartbeat",
      from: "n3",
      to: "n1",
      term: 2,
      commit: 0,
      round: 0,
      match: 0,
    } as const;
    server.receive(heartbeat);
    expect(server.raft.status()).toMatchObject({ role: "follower", leader: "n3" });
    server.restart();
    const rival = { type: "requestVote", from: "n2", to: "n1", term: 2, lastIndex: 9, lastTerm: 1 } as const;
    expect(server.receive({ ...rival, transfer: true })).toMatchObject([{ granted: false, term: 2 }]);
    expect(server.hardState.vote).toBe("n1");
  });

  test("check_quorum_012_0: a leader that heard nobody follows the next one, and what only it held is replaced", () => {
    const cluster = new TestingCluster({ voters: three });
    cluster.campaign("n1");
    cluster.isolate("n1");
    cluster.propose("n1", 1, 2);
    cluster.tick("n1", 10);
    expect(statusOf(cluster, "n1")).toMatchObject({
      role: "follower",
      leader: null,
      lastIndex: 4,
      commit: 2,
    });
    while (cluster.leaders.length === 0) for (const id of ["n2", "n3"]) cluster.tick(id);
    const [leader = ""] = cluster.leaders;
    cluster.propose(leader, 3);
    cluster.heal();
    cluster.tickAll(30);
    expect(cluster.leaders).toEqual([leader]);
    expect(cluster.server("n1").terms).toEqual(cluster.server(leader).terms);
    expect(cluster.server("n1").terms.slice(2)).not.toContain(2);
  });

  test("late_nomination: a TimeoutNow that comes when it was long given up loses nothing that is committed", () => {
    const cluster = new TestingCluster({ voters: three, config: slowTimers });
    cluster.campaign("n1");
    cluster.server("n1").raft.step({ type: "transfer", to: "n2" });
    const late = holdBack(cluster, "timeoutNow", "n1");
    expect(late).toHaveLength(1);
    cluster.cut("n1", "n2");
    for (let i = 0; i < 10; i++) cluster.tick("n1");
    // Given up: the leader goes on, and n2 lacks what is committed meanwhile.
    cluster.propose("n1", 1, 2, 3);
    expect(statusOf(cluster, "n1")).toMatchObject({ role: "leader", commit: 5 });
    cluster.heal();
    deliver(cluster, late);
    cluster.settle();
    expect(statusOf(cluster, "n2").term).toBe(3);
    expect(cluster.leaders).not.toContain("n2");
    cluster.tickAll(60);
    expect(cluster.leaders).toHaveLength(1);
    for (const id of three) {
      expect(cluster.server(id).terms.slice(0, 5)).toEqual([1, 2, 2, 2, 2]);
      expect(statusOf(cluster, id).commit).toBeGreaterThan(5);
    }
  });
});

test("S22 await_condition_receives_pre_vote: a follower that waits for missing entries answers like any other", () => {
  const server = follower([1], 2);
  const gap = { type: "appendEntries", from: "n2", to: "n1", term: 2, prevIndex: 5, prevTerm: 2 } as const;
  expect(server.receive({ ...gap, entries: [], commit: 5 })).toMatchObject([
    { type: "appendEntriesRejected" },
  ]);
  const question = { type: "preVoteRequest", from: "n3", to: "n1", term: 3 } as const;
  const asked = () =>
    server
      .receive({ ...question, lastIndex: 6, lastTerm: 2 })
      .filter(({ type }) => type === "preVoteResponse");
  expect(asked()).toMatchObject([{ granted: false }]);
  server.raft.step({ type: "peerLost", peer: "n2" });
  expect(asked()).toMatchObject([{ granted: true, term: 2 }]);
});

describe("S48 disturbers", () => {
  test("ClusterCanRegainStability_WhenNonVoterWithHigherTermJoin: a newcomer of a higher term lifts it, once", () => {
    const cluster = new TestingCluster({ voters: three, config: { promotionTicks: 5 } });
    cluster.campaign("n1");
    const member = cluster.start("n4");
    const strange = {
      type: "heartbeat",
      from: "n9",
      to: "n4",
      term: 9,
      commit: 0,
      round: 0,
      match: 0,
    } as const;
    cluster.deliver(strange);
    cluster.settle();
    expect(statusOf(cluster, "n4").term).toBe(9);
    cluster.change("n1", 1, { kind: "add", member });
    cluster.tickAll(100);
    const [leader = ""] = cluster.leaders;
    const { term } = statusOf(cluster, leader);
    expect(term).toBeGreaterThan(9);
    cluster.propose(leader, 1);
    expect(cluster.server("n4").terms).toEqual(cluster.server(leader).terms);
    cluster.tickAll(200);
    expect(cluster.leaders).toEqual([leader]);
    expect(statusOf(cluster, leader).term).toBe(term);
  });

  test("SlowSendVote, SlowRecvVote: votes that travel longer than an election takes change nothing", () => {
    const cluster = new TestingCluster({ voters: three, config: slowTimers });
    cluster.cut("n1", "n2");
    expire(cluster, "n1");
    deliver(cluster, holdBack(cluster, "preVoteRequest", "n1", "n3"));
    deliver(cluster, holdBack(cluster, "preVoteResponse", "n3"));
    const slow = holdBack(cluster, "requestVote", "n1");
    expect(slow).toHaveLength(2);
    expire(cluster, "n2");
    cluster.settle();
    expect(cluster.leaders).toEqual(["n2"]);
    cluster.heal();
    cluster.tickAll(3);
    deliver(cluster, slow);
    cluster.settle();
    cluster.tickAll(100);
    expect(cluster.leaders).toEqual(["n2"]);
    for (const id of three) expect(statusOf(cluster, id)).toMatchObject({ leader: "n2" });
  });

  test("RemoveFollower_SplitCluster: of two halves neither decides; healed, all agree on one membership", () => {
    const four = [...three, "n4"];
    const cluster = new TestingCluster({ voters: four });
    cluster.campaign("n1");
    for (const a of ["n1", "n2"]) for (const b of ["n3", "n4"]) cluster.cut(a, b);
    cluster.change("n1", 1, { kind: "remove", id: "n4" });
    expect(cluster.server("n1").changes).toEqual([]);
    cluster.tickAll(60);
    expect(cluster.leaders).toEqual([]);
    expect(cluster.server("n1").changes).toEqual([{ context: 1, kind: "unknown" }]);
    cluster.heal();
    cluster.tickAll(60);
    const [leader = ""] = cluster.leaders;
    cluster.propose(leader, 2);
    const agreed = cluster.server(leader).raft.membership();
    expect(agreed?.votersOutgoing).toEqual([]);
    for (const id of agreed?.voters ?? []) expect(cluster.server(id).raft.membership()).toEqual(agreed);
  });
});
