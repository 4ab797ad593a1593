import { describe, expect, test } from "vitest";
import type { PreVoteRequest, RequestVote } from "./messages.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId, Term } from "./types.js";

const three = testingMembership(["n1", "n2", "n3"]);

function follower(terms: readonly Term[], term: Term, vote: NodeId | null = null): TestingServer {
  return new TestingServer(testingConfig("n1"), three, entriesOfTerms(terms), { term, vote, commit: 0 });
}

function requestVote(from: NodeId, term: Term, lastTerm: Term, lastIndex: number): RequestVote {
  return { type: "requestVote", from, to: "n1", term, lastIndex, lastTerm, transfer: false };
}

function preVote(from: NodeId, term: Term, lastTerm: Term, lastIndex: number): PreVoteRequest {
  return { type: "preVoteRequest", from, to: "n1", term, lastIndex, lastTerm };
}

/** A heartbeat of `leader`, so that `server` hears one. */
function hear(server: TestingServer, leader: NodeId, term: Term): void {
  server.receive({ type: "heartbeat", from: leader, to: "n1", term, commit: 0, round: 0, match: 0 });
}

describe("S2 a follower votes once per term, first come first served (paper, section 5.2)", () => {
  test.each([
    { voted: null, asker: "n2", granted: true },
    { voted: null, asker: "n3", granted: true },
    { voted: "n2", asker: "n2", granted: true },
    { voted: "n3", asker: "n3", granted: true },
    { voted: "n2", asker: "n3", granted: false },
    { voted: "n3", asker: "n2", granted: false },
  ])("voted for $voted, asked by $asker: granted $granted", ({ voted, asker, granted }) => {
    const server = follower([], 1, voted);
    expect(server.receive(requestVote(asker, 1, 0, 0))).toEqual([
      { type: "requestVoteResponse", from: "n1", to: asker, term: 1, granted },
    ]);
    expect(server.hardState.vote).toBe(granted ? asker : voted);
  });
});

describe("S3 a voter refuses a log that is behind its own (paper, section 5.4.1)", () => {
  test.each([
    { log: [1], last: [1, 1], granted: true },
    { log: [1], last: [1, 2], granted: true },
    { log: [1, 1], last: [1, 1], granted: false },
    { log: [1], last: [2, 1], granted: true },
    { log: [1], last: [2, 2], granted: true },
    { log: [1, 1], last: [2, 1], granted: true },
    { log: [2], last: [1, 1], granted: false },
    { log: [2], last: [1, 2], granted: false },
    { log: [2, 2], last: [1, 1], granted: false },
  ])("own log $log, candidate's last (term, index) $last: granted $granted", ({ log, last, granted }) => {
    const [lastTerm = 0, lastIndex = 0] = last;
    expect(follower(log, 2).receive(requestVote("n2", 3, lastTerm, lastIndex))).toMatchObject([{ granted }]);
    expect(follower(log, 2).receive(preVote("n2", 3, lastTerm, lastIndex))).toMatchObject([{ granted }]);
  });
});

describe("S4 own log [2,2] at term 3", () => {
  const cases = [];
  for (const [lastTerm, atLeast] of [
    [0, Infinity],
    [1, Infinity],
    [2, 2],
    [3, 0],
  ] as const) {
    for (let lastIndex = 0; lastIndex <= 3; lastIndex++) {
      cases.push({ lastTerm, lastIndex, granted: lastIndex >= atLeast });
    }
  }
  test.each(cases)("last ($lastTerm, $lastIndex): granted $granted", ({ lastTerm, lastIndex, granted }) => {
    expect(follower([2, 2], 3).receive(requestVote("n2", 3, lastTerm, lastIndex))).toMatchObject([
      { granted },
    ]);
    expect(follower([2, 2], 3).receive(preVote("n2", 3, lastTerm, lastIndex))).toMatchObject([{ granted }]);
  });

  test.each([
    { vote: "n2", granted: true },
    { vote: "n3", granted: false },
  ])("with its vote at $vote, n2's (2,3) is granted: $granted", ({ vote, granted }) => {
    expect(follower([2, 2], 3, vote).receive(requestVote("n2", 3, 2, 3))).toMatchObject([{ granted }]);
    expect(follower([2, 2], 3, vote).receive(preVote("n2", 3, 2, 3))).toMatchObject([{ granted }]);
  });

  test("a candidate refuses its rivals of the same term", () => {
    const server = candidate();
    const { term } = server.raft.status();
    expect(server.receive(requestVote("n2", term, 9, 9))).toMatchObject([{ granted: false }]);
    expect(server.receive(preVote("n2", term, 9, 9))).toMatchObject([{ granted: false }]);
    expect(server.raft.status().role).toBe("candidate");
  });
});

function candidate(): TestingServer {
  const server = follower([2, 2], 3);
  while (server.raft.status().role === "follower") server.tick();
  server.receive({
    type: "preVoteResponse",
    from: "n2",
    to: "n1",
    term: 3,
    campaignTerm: 4,
    granted: true,
  });
  expect(server.raft.status()).toMatchObject({ role: "candidate", term: 4 });
  return server;
}

describe("a pre-vote changes nothing (thesis, section 9.6)", () => {
  test.each([
    { why: "granted", last: 2, hears: false },
    { why: "refused for its log", last: 0, hears: false },
    { why: "refused for the leader's sake", last: 2, hears: true },
  ])("S22 $why: same term, vote, leader, and nothing to store", ({ last, hears }) => {
    const server = follower([1, 1], 1);
    if (hears) hear(server, "n3", 1);
    const before = server.raft.status();
    const { hardState } = server;
    const readies = server.readies.length;
    server.receive(preVote("n2", 9, 1, last));
    expect(server.raft.status()).toEqual(before);
    expect(server.hardState).toEqual(hardState);
    expect(server.readies.slice(readies).map(({ store }) => store)).toEqual([null]);
  });

  test("both askers of one term are told yes", () => {
    const server = follower([1], 1);
    expect(server.receive(preVote("n2", 2, 1, 1))).toMatchObject([{ granted: true, campaignTerm: 2 }]);
    expect(server.receive(preVote("n3", 2, 1, 1))).toMatchObject([{ granted: true, campaignTerm: 2 }]);
  });

  test("a question from a past term is refused with the newer term, so that the asker catches up", () => {
    expect(follower([1], 5).receive(preVote("n2", 4, 1, 1))).toEqual([
      {
        type: "preVoteResponse",
        from: "n1",
        to: "n2",
        term: 5,
        campaignTerm: 4,
        granted: false,
      },
    ]);
  });
});

describe("stickiness: a server that hears its leader does not help to replace it", () => {
  test("it refuses pre-votes and ignores votes, without taking their term", () => {
    const server = follower([1], 1);
    hear(server, "n3", 1);
    expect(server.receive(preVote("n2", 2, 9, 9))).toMatchObject([{ granted: false, term: 1 }]);
    expect(server.receive(requestVote("n2", 7, 9, 9))).toEqual([]);
    expect(server.raft.status()).toMatchObject({ term: 1, leader: "n3" });
  });

  test("S17 it ends when the leader was silent for electionTicks", () => {
    const server = new TestingServer(
      testingConfig("n1", { random: () => 0.99 }),
      three,
      entriesOfTerms([1]),
      {
        term: 1,
        vote: null,
        commit: 0,
      },
    );
    hear(server, "n3", 1);
    server.tick(9);
    expect(server.receive(requestVote("n2", 2, 1, 1))).toEqual([]);
    server.tick(1);
    expect(server.receive(requestVote("n2", 2, 1, 1))).toMatchObject([{ granted: true }]);
  });

  test("the leader's own pre-vote is not refused: when it asks, it does not lead any more", () => {
    const server = follower([1], 1);
    hear(server, "n3", 1);
    expect(server.receive(preVote("n3", 2, 1, 1))).toMatchObject([{ granted: true }]);
  });

  test("a transfer goes through", () => {
    const server = follower([1], 1);
    hear(server, "n3", 1);
    const messages = server.receive({ ...requestVote("n2", 2, 1, 1), transfer: true });
    expect(messages).toMatchObject([{ granted: true, term: 2 }]);
  });

  test("a leader refuses, whatever it has heard", () => {
    const server = candidate();
    server.receive({ type: "requestVoteResponse", from: "n2", to: "n1", term: 4, granted: true });
    expect(server.raft.status().role).toBe("leader");
    expect(server.receive(preVote("n3", 9, 9, 9))).toMatchObject([{ granted: false, term: 4 }]);
    expect(server.receive(requestVote("n3", 9, 9, 9))).toEqual([]);
    expect(server.raft.status()).toMatchObject({ role: "leader", term: 4 });
  });
});

test("S20 the vote outlives a step-down within its term", () => {
  const server = follower([1], 3, "n2");
  while (server.raft.status().role === "follower") server.tick();
  expect(server.raft.status()).toMatchObject({ role: "preCandidate", term: 3 });
  // The AppendEntries does not match, yet its sender leads term 3.
  const answers = server.receive({
    type: "appendEntries",
    from: "n2",
    to: "n1",
    term: 3,
    prevIndex: 5,
    prevTerm: 2,
    entries: [],
    commit: 0,
  });
  expect(answers).toMatchObject([{ type: "appendEntriesRejected", hintIndex: 1, hintTerm: 1 }]);
  expect(server.raft.status()).toMatchObject({ role: "follower", leader: "n2" });
  expect(server.receive(requestVote("n3", 3, 9, 9))).toMatchObject([{ granted: false }]);
  expect(server.hardState.vote).toBe("n2");
});

describe("S48 who is no member does not disrupt", () => {
  test("while a leader is heard, its requests for votes change nothing, whatever their term", () => {
    const server = follower([1], 1);
    server.receive(heartbeatOf("n2", 1));
    const before = server.raft.status();
    expect(server.receive(preVote("n9", 9, 9, 9))).toMatchObject([{ granted: false, term: 1 }]);
    expect(server.receive(requestVote("n9", 9, 9, 9))).toEqual([]);
    expect(server.raft.status()).toEqual(before);
  });

  test.each([
    { type: "preVoteResponse", campaignTerm: 9, granted: false },
    { type: "requestVoteResponse", granted: true },
    { type: "appendEntriesAccepted", match: 9 },
    { type: "appendEntriesRejected", prevIndex: 9, hintIndex: 9, hintTerm: 9 },
    { type: "heartbeatResponse", round: 9, appliedDurable: 9 },
  ] as const)("its $type counts for nothing and its term is not adopted", (fields) => {
    const server = follower([1], 1);
    const before = server.raft.status();
    expect(server.receive({ from: "n9", to: "n1", term: 9, ...fields })).toEqual([]);
    expect(server.raft.status()).toEqual(before);
  });

  test("yet one that joined while this server was away is followed, and voted for: liveness needs it", () => {
    const server = follower([1], 1);
    expect(server.receive(requestVote("n9", 2, 9, 2))).toMatchObject([{ granted: true, term: 2 }]);
    expect(server.receive(heartbeatOf("n9", 2))).toMatchObject([{ type: "heartbeatResponse" }]);
    expect(server.raft.status()).toMatchObject({ term: 2, leader: "n9" });
  });

  test("an answer of another disk than the one that the membership means counts for nothing", () => {
    const server = follower([1], 1);
    while (server.raft.status().role === "follower") server.tick();
    const granted = { type: "preVoteResponse", from: "n2", to: "n1", term: 1, campaignTerm: 2 } as const;
    server.raft.step({ type: "receive", message: { ...granted, granted: true }, incarnation: "n2-2" });
    expect(server.raft.status()).toMatchObject({ role: "preCandidate", term: 1 });
    server.raft.step({ type: "receive", message: { ...granted, granted: true }, incarnation: "n2-1" });
    expect(server.raft.status()).toMatchObject({ role: "candidate", term: 2 });
  });
});

function heartbeatOf(from: string, term: number) {
  return { type: "heartbeat", from, to: "n1", term, commit: 0, round: 1, match: 0 } as const;
}

test("a vote of a past term is refused with the current one", () => {
  expect(follower([1], 5).receive(requestVote("n2", 4, 9, 9))).toEqual([
    { type: "requestVoteResponse", from: "n1", to: "n2", term: 5, granted: false },
  ]);
});
