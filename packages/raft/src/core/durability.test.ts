import { describe, expect, test } from "vitest";
import type { Message, RequestVote } from "./messages.js";
import type { PlantedBug } from "./planted-bugs.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId, Term } from "./types.js";

const three = testingMembership(["n1", "n2", "n3"]);

/** n1 with a disk whose writes end only when the test says so. */
function server(terms: readonly Term[], term: Term, bugs: PlantedBug[] = []): TestingServer {
  const config = testingConfig("n1", { plantedBugs: new Set(bugs) });
  const started = new TestingServer(config, three, entriesOfTerms(terms), { term, vote: null, commit: 0 });
  started.slowDisk = true;
  return started;
}

function requestVote(from: NodeId, term: Term): RequestVote {
  return { type: "requestVote", from, to: "n1", term, lastIndex: 9, lastTerm: term - 1, transfer: false };
}

function append(
  from: NodeId,
  term: Term,
  prevIndex: number,
  prevTerm: Term,
  terms: readonly Term[],
): Message {
  const entries = terms.map((entryTerm, i) => {
    return { index: prevIndex + 1 + i, term: entryTerm, type: 1 as const, data: new Uint8Array() };
  });
  return { type: "appendEntries", from, to: "n1", term, prevIndex, prevTerm, entries, commit: 0 };
}

describe("pitfall 1: a crash at each step of granting a vote", () => {
  test("before the write starts: nobody was promised anything, a rival may have the vote", () => {
    const voter = server([1], 1);
    voter.raft.step({ type: "receive", message: requestVote("n2", 2) });
    voter.restart();
    voter.slowDisk = false;
    expect(voter.receive(requestVote("n3", 2))).toMatchObject([{ to: "n3", granted: true }]);
  });

  test("during the write: the answer has not left", () => {
    const voter = server([1], 1);
    expect(voter.receive(requestVote("n2", 2))).toEqual([]);
    expect(voter.storing).toMatchObject({ hardState: { term: 2, vote: "n2" } });
    voter.restart();
    voter.slowDisk = false;
    expect(voter.receive(requestVote("n3", 2))).toMatchObject([{ to: "n3", granted: true }]);
  });

  test("after the write, before the answer: the rival of that term is refused", () => {
    const voter = server([1], 1);
    voter.receive(requestVote("n2", 2));
    voter.finishStore();
    voter.restart();
    expect(voter.receive(requestVote("n3", 2))).toMatchObject([{ to: "n3", granted: false }]);
    expect(voter.receive(requestVote("n2", 2))).toMatchObject([{ to: "n2", granted: true }]);
  });

  test("planted voteBeforeStored promises what a crash undoes", () => {
    const voter = server([1], 1, ["voteBeforeStored"]);
    expect(voter.receive(requestVote("n2", 2))).toMatchObject([{ granted: true }]);
    expect(voter.hardState.vote).toBe(null);
  });

  test("planted doubleVote votes twice", () => {
    const voter = server([1], 1, ["doubleVote"]);
    voter.slowDisk = false;
    expect(voter.receive(requestVote("n2", 2))).toMatchObject([{ granted: true }]);
    expect(voter.receive(requestVote("n3", 2))).toMatchObject([{ granted: true }]);
  });
});

describe("one write at a time", () => {
  test("what arrives meanwhile makes the next write; a vote waits for its own", () => {
    const voter = server([1], 1);
    voter.receive(append("n2", 2, 1, 1, [2]));
    expect(voter.storing).toEqual({
      ticket: 1,
      hardState: { term: 2, vote: null, commit: 0 },
      entries: [expect.objectContaining({ index: 2, term: 2 })],
      compactTo: 0,
      install: null,
    });
    voter.receive({ ...requestVote("n3", 3), transfer: true });
    expect(voter.raft.hasReady()).toBe(false);
    voter.finishStore();
    // The acknowledgement of term 2 is of no use in term 3 and is dropped; the vote still waits.
    expect(voter.run()).toEqual([]);
    expect(voter.storing).toEqual({
      ticket: 2,
      hardState: { term: 3, vote: "n3", commit: 0 },
      entries: [],
      compactTo: 0,
      install: null,
    });
    voter.finishStore();
    expect(voter.run()).toMatchObject([{ type: "requestVoteResponse", to: "n3", term: 3, granted: true }]);
  });

  test("a commit index that moves alone is not written; it rides along", () => {
    const follower = server([1, 1], 1);
    follower.receive({
      type: "heartbeat",
      from: "n2",
      to: "n1",
      term: 1,
      commit: 2,
      round: 0,
      match: 0,
    });
    expect(follower.raft.status().commit).toBe(2);
    expect(follower.storing).toBe(null);
    follower.receive(append("n2", 1, 2, 1, [1]));
    expect(follower.storing?.hardState).toEqual({ term: 1, vote: null, commit: 2 });
  });

  test("acknowledgements that wait for one write leave as the newest", () => {
    const follower = server([], 1);
    follower.receive(append("n2", 1, 0, 0, [1]));
    for (let prev = 1; prev <= 5; prev++) follower.receive(append("n2", 1, prev, 1, [1]));
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ match: 1 }]);
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ match: 6 }]);
  });

  test("a rejection keeps its place beside a waiting acknowledgement", () => {
    const follower = server([], 1);
    follower.receive(append("n2", 2, 0, 0, [1]));
    follower.receive(append("n2", 2, 7, 2, [2]));
    follower.finishStore();
    expect(follower.run()).toMatchObject([
      { type: "appendEntriesAccepted", match: 1 },
      { type: "appendEntriesRejected", prevIndex: 7 },
    ]);
  });

  test("a ticket that is not outstanding is a bug of the driver", () => {
    const follower = server([], 1);
    follower.receive(append("n2", 1, 0, 0, [1]));
    expect(() => follower.raft.step({ type: "stored", ticket: 2 })).toThrow(
      "only the outstanding write can be reported as stored [ticket=2 outstanding=1]",
    );
  });

  test("messages of a new term wait until the term is durable, pre-votes and the own request excepted", () => {
    const follower = server([1], 1);
    const heartbeat = { type: "heartbeat", from: "n2", to: "n1", term: 5, round: 3, match: 0 } as const;
    expect(follower.receive({ ...heartbeat, commit: 0 })).toEqual([]);
    const question = {
      type: "preVoteRequest",
      from: "n3",
      to: "n1",
      term: 9,
      lastIndex: 1,
      lastTerm: 1,
    } as const;
    expect(follower.receive(question)).toMatchObject([{ type: "preVoteResponse", term: 5, granted: false }]);
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ type: "heartbeatResponse", term: 5, round: 3 }]);
  });
});

describe("pitfall 20: a finished write counts only for entries that are still in the log", () => {
  test("entries of term 3 are acknowledged when they are durable, not when those that they replaced are", () => {
    const follower = server([1], 1);
    follower.receive(append("n2", 2, 1, 1, [2, 2]));
    // While that is being written, the leader of term 3 replaces both entries.
    follower.receive(append("n3", 3, 1, 1, [3, 3]));
    follower.finishStore();
    expect(follower.run()).toEqual([]);
    expect(follower.receive(append("n3", 3, 3, 3, []))).toEqual([]);
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ to: "n3", match: 3 }]);
    expect(follower.terms).toEqual([1, 3, 3]);
  });

  test("planted staleStorageAck: the write of term 2 is taken for term 3's", () => {
    const follower = server([1], 3, ["staleStorageAck"]);
    follower.receive(append("n2", 3, 1, 1, [2, 2]));
    follower.receive(append("n2", 3, 1, 1, [3, 3]));
    follower.finishStore();
    // Nothing of term 3 is on disk, yet the log counts as durable.
    expect(follower.terms).toEqual([1, 2, 2]);
    expect(follower.receive(append("n2", 3, 3, 3, []))).toContainEqual(expect.objectContaining({ match: 3 }));
  });

  test("planted ackBeforeStored acknowledges at once", () => {
    const follower = server([1], 2, ["ackBeforeStored"]);
    expect(follower.receive(append("n2", 2, 1, 1, [2]))).toMatchObject([{ match: 2 }]);
  });
});

describe("a candidate's own vote", () => {
  function campaign(bugs: PlantedBug[] = []): TestingServer {
    const candidate = server([1], 1, bugs);
    while (candidate.raft.status().role === "follower") candidate.tick();
    const granted = { type: "preVoteResponse", from: "n2", to: "n1", term: 1, campaignTerm: 2 } as const;
    const messages = candidate.receive({ ...granted, granted: true });
    // The requests leave in parallel with the write.
    expect(messages.map(({ type }) => type)).toEqual(["requestVote", "requestVote"]);
    expect(candidate.storing).toMatchObject({ ticket: 1, hardState: { term: 2, vote: "n1" } });
    return candidate;
  }
  const grant = (from: NodeId, term: Term): Message => {
    return { type: "requestVoteResponse", from, to: "n1", term, granted: true };
  };

  test("nobody leads before it is durable, not even with everybody else's vote", () => {
    const candidate = campaign();
    candidate.receive(grant("n2", 2));
    candidate.receive(grant("n3", 2));
    expect(candidate.raft.status().role).toBe("candidate");
    candidate.finishStore();
    expect(candidate.raft.status().role).toBe("leader");
  });

  test("planted leadBeforeVoteStored does not wait", () => {
    const candidate = campaign(["leadBeforeVoteStored"]);
    candidate.receive(grant("n2", 2));
    expect(candidate.raft.status().role).toBe("leader");
  });

  test("a disk slower than the election timeout does not keep a candidate from winning", () => {
    const candidate = campaign();
    candidate.receive(grant("n2", 2));
    expect(candidate.tick(100)).toEqual([]);
    expect(candidate.raft.status()).toMatchObject({ role: "candidate", term: 2 });
    candidate.finishStore();
    expect(candidate.raft.status()).toMatchObject({ role: "leader", term: 2 });
  });

  test("S11 when the election is lost meanwhile, its durability changes nothing", () => {
    const candidate = campaign();
    candidate.receive(append("n3", 2, 1, 1, [2]));
    expect(candidate.raft.status()).toMatchObject({ role: "follower", leader: "n3" });
    candidate.finishStore();
    candidate.receive(grant("n2", 2));
    expect(candidate.raft.status()).toMatchObject({ role: "follower", term: 2, leader: "n3" });
  });

  test("S11 late answers to a pre-vote do not make a candidate of anybody", () => {
    const candidate = campaign();
    const late = { type: "preVoteResponse", from: "n3", to: "n1", term: 1, campaignTerm: 2 } as const;
    candidate.receive({ ...late, granted: true });
    expect(candidate.raft.status()).toMatchObject({ role: "candidate", term: 2 });
  });

  test("S11 a leader's write that ends after it stepped down counts for nothing", () => {
    const leader = campaign();
    leader.receive(grant("n2", 2));
    leader.finishStore();
    leader.run();
    expect(leader.storing?.entries).toMatchObject([{ index: 2, term: 2 }]);
    leader.receive(append("n3", 3, 1, 1, [3]));
    leader.finishStore();
    expect(leader.raft.status()).toMatchObject({ role: "follower", commit: 0, lastIndex: 2 });
    leader.run();
    leader.finishStore();
    expect(leader.terms).toEqual([1, 3]);
  });
});

test("no write removes entries from the disk while it is being read", () => {
  const config = testingConfig("n1", { maxCachedBytes: 0 });
  const born = entriesOfTerms([1, 1, 1]);
  const leader = new TestingServer(config, three, born, { term: 1, vote: null, commit: 0 });
  while (leader.raft.status().role === "follower") leader.tick();
  const from = { from: "n2", to: "n1" } as const;
  leader.receive({ type: "preVoteResponse", ...from, term: 1, campaignTerm: 2, granted: true });
  leader.receive({ type: "requestVoteResponse", ...from, term: 2, granted: true });
  const { raft } = leader;
  const rejection = { type: "appendEntriesRejected", ...from, term: 2, prevIndex: 3 } as const;
  raft.step({ type: "receive", message: { ...rejection, hintIndex: 0, hintTerm: 0 } });
  const [fetch] = raft.ready().fetch;
  expect(fetch).toMatchObject({ from: 1 });
  raft.step({ type: "receive", message: append("n3", 3, 0, 0, [3]) });
  expect(raft.ready().store).toBe(null);
  raft.step({ type: "fetched", id: fetch?.id ?? 0, entries: born });
  expect(raft.ready().store).toMatchObject({ entries: [{ index: 1, term: 3 }] });
});

test("planted voteClearedOnStepDown forgets the vote in the same term, staleLeaderAccepted takes old entries", () => {
  const forgetful = server([1], 3, ["voteClearedOnStepDown"]);
  forgetful.slowDisk = false;
  forgetful.receive(requestVote("n2", 3));
  forgetful.receive(append("n3", 3, 1, 1, []));
  forgetful.raft.step({ type: "peerLost", peer: "n3" });
  expect(forgetful.receive(requestVote("n3", 3))).toMatchObject([{ granted: true }]);
  const gullible = server([1], 3, ["staleLeaderAccepted"]);
  gullible.slowDisk = false;
  gullible.receive(append("n2", 2, 1, 1, [2]));
  expect(gullible.terms).toEqual([1, 2]);
});

test("planted voteForOlderLog votes for a log that lacks entries", () => {
  const voter = server([1, 1], 1, ["voteForOlderLog"]);
  voter.slowDisk = false;
  expect(voter.receive({ ...requestVote("n2", 2), lastIndex: 0 })).toMatchObject([{ granted: true }]);
});
