/** What was said in a term that is over, or in one that is not on disk yet, counts for nothing. */
import { describe, expect, test } from "vitest";
import type { Message } from "./messages.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId, Term } from "./types.js";

const three = testingMembership(["n1", "n2", "n3"]);

function server(terms: readonly Term[], term: Term): TestingServer {
  return new TestingServer(testingConfig("n1"), three, entriesOfTerms(terms), {
    term,
    vote: null,
    commit: 0,
  });
}

/** n1 as the leader of `term`, elected by n2; its log is `terms` and the no-op. */
function leader(terms: readonly Term[], term: Term): TestingServer {
  const started = server(terms, term - 1);
  while (started.raft.status().role === "follower") started.tick();
  started.receive({ ...answer("n2", term - 1), type: "preVoteResponse", campaignTerm: term, granted: true });
  started.receive({ ...answer("n2", term), type: "requestVoteResponse", granted: true });
  expect(started.raft.status()).toMatchObject({ role: "leader", term });
  return started;
}

function answer(from: NodeId, term: Term): { from: NodeId; to: NodeId; term: Term } {
  return { from, to: "n1", term };
}

const emptyAppend = (term: Term, prevIndex: number, prevTerm: Term): Message => ({
  type: "appendEntries",
  from: "n2",
  to: "n1",
  term,
  prevIndex,
  prevTerm,
  entries: [],
  commit: 0,
});

describe("a leader and answers to its earlier term", () => {
  test("an acknowledgement moves no match and commits nothing", () => {
    const leading = leader([1, 1], 3);
    leading.receive({ ...answer("n2", 2), type: "appendEntriesAccepted", match: 3 });
    expect(leading.raft.status()).toMatchObject({ commit: 0 });
    expect(leading.raft.status().followers.map(({ match }) => match)).toEqual([0, 0]);
    leading.receive({ ...answer("n2", 3), type: "appendEntriesAccepted", match: 3 });
    expect(leading.raft.status().commit).toBe(3);
  });

  test("a rejection moves no next", () => {
    const leading = leader([1, 1], 3);
    const before = leading.raft.status().followers;
    leading.receive({
      ...answer("n2", 2),
      type: "appendEntriesRejected",
      prevIndex: 2,
      hintIndex: 0,
      hintTerm: 0,
    });
    expect(leading.raft.status().followers).toEqual(before);
  });

  test("a heartbeat's echo confirms no read", () => {
    const leading = leader([1], 3);
    leading.receive({ ...answer("n2", 3), type: "appendEntriesAccepted", match: 2 });
    leading.raft.step({ type: "readIndex", context: 7 });
    const [heartbeat] = leading.run().filter((message) => message.type === "heartbeat");
    const round = heartbeat?.type === "heartbeat" ? heartbeat.round : Number.NaN;
    const echo = { type: "heartbeatResponse", round, appliedDurable: 0 } as const;
    leading.receive({ ...answer("n2", 2), ...echo });
    expect(leading.reads).toEqual([]);
    leading.receive({ ...answer("n2", 3), ...echo });
    expect(leading.reads).toEqual([{ context: 7, index: 2 }]);
  });
});

describe("a candidate and answers to its earlier campaign", () => {
  test("a vote of the term before does not count", () => {
    const campaigning = server([1], 1);
    while (campaigning.raft.status().role === "follower") campaigning.tick();
    const granted = { type: "preVoteResponse", granted: true } as const;
    campaigning.receive({ ...answer("n2", 1), ...granted, campaignTerm: 2 });
    expect(campaigning.raft.status()).toMatchObject({ role: "candidate", term: 2 });
    campaigning.tick(20);
    campaigning.receive({ ...answer("n2", 2), ...granted, campaignTerm: 3 });
    expect(campaigning.raft.status()).toMatchObject({ role: "candidate", term: 3 });
    campaigning.receive({ ...answer("n2", 2), type: "requestVoteResponse", granted: true });
    expect(campaigning.raft.status().role).toBe("candidate");
    campaigning.receive({ ...answer("n2", 3), type: "requestVoteResponse", granted: true });
    expect(campaigning.raft.status().role).toBe("leader");
  });

  test("a pre-vote for the term before does not count", () => {
    const campaigning = server([1], 1);
    while (campaigning.raft.status().role === "follower") campaigning.tick();
    campaigning.receive({
      ...answer("n2", 1),
      type: "preVoteResponse",
      campaignTerm: 1,
      granted: true,
    });
    expect(campaigning.raft.status().role).toBe("preCandidate");
  });
});

describe("a follower whose new term is not on disk", () => {
  test("acknowledges entries that are on disk only after the term is", () => {
    const follower = server([1, 1], 1);
    follower.slowDisk = true;
    expect(follower.receive(emptyAppend(2, 2, 1))).toEqual([]);
    expect(follower.storing).toMatchObject({ hardState: { term: 2 }, entries: [] });
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ type: "appendEntriesAccepted", term: 2, match: 2 }]);
  });

  test("says nothing of a term that has passed meanwhile", () => {
    const follower = server([1, 1], 1);
    follower.slowDisk = true;
    follower.receive(emptyAppend(2, 2, 1));
    // A later leader comes while the term of the earlier one is being written.
    follower.receive({ ...emptyAppend(3, 2, 1), from: "n3" });
    follower.finishStore();
    expect(follower.run()).toEqual([]);
    follower.finishStore();
    expect(follower.run()).toMatchObject([{ type: "appendEntriesAccepted", to: "n3", term: 3, match: 2 }]);
  });
});
