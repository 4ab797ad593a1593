import { describe, expect, test } from "vitest";
import type { AppendEntries, Message } from "./messages.js";
import type { PlantedBug } from "./planted-bugs.js";
import { TestingCluster } from "./testing-cluster.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { Entry, Index, NodeId, Term } from "./types.js";

const three = testingMembership(["n1", "n2", "n3"]);

/** n1 following, with this log, at the last entry's term unless told otherwise. */
function follower(
  terms: readonly Term[],
  commit: Index = 0,
  term = terms.at(-1) ?? 0,
  bugs: PlantedBug[] = [],
) {
  const config = testingConfig("n1", { plantedBugs: new Set(bugs) });
  return new TestingServer(config, three, entriesOfTerms(terms), { term, vote: null, commit });
}

/** Entries from `first` on, by their terms. */
function entriesFrom(first: Index, terms: readonly Term[]): Entry[] {
  return terms.map((term, i) => ({ index: first + i, term, type: 1, data: new Uint8Array() }));
}

interface Append {
  readonly term: Term;
  readonly prev: readonly [term: Term, index: Index];
  readonly terms?: readonly Term[];
  readonly commit?: Index;
}

function append({ term, prev: [prevTerm, prevIndex], terms = [], commit = 0 }: Append): AppendEntries {
  const entries = entriesFrom(prevIndex + 1, terms);
  return { type: "appendEntries", from: "n2", to: "n1", term, prevIndex, prevTerm, entries, commit };
}

describe("S27 consistency check of a follower with log [1,2], commit 1 (paper, section 5.3)", () => {
  test.each([
    { prev: [0, 0], answer: { type: "appendEntriesAccepted", match: 1 } },
    { prev: [1, 1], answer: { type: "appendEntriesAccepted", match: 1 } },
    { prev: [2, 2], answer: { type: "appendEntriesAccepted", match: 2 } },
    { prev: [1, 2], answer: { type: "appendEntriesRejected", prevIndex: 2, hintIndex: 1, hintTerm: 1 } },
    { prev: [3, 3], answer: { type: "appendEntriesRejected", prevIndex: 3, hintIndex: 2, hintTerm: 2 } },
  ] as const)("prev $prev: $answer", ({ prev, answer }) => {
    const answers = follower([1, 2], 1).receive(append({ term: 3, prev }));
    expect(answers).toEqual([{ from: "n1", to: "n2", term: 3, ...answer }]);
  });
});

describe("S28 a follower with log [1,2] cuts only at a real conflict", () => {
  test.each([
    { prev: [2, 2], terms: [3], log: [1, 2, 3] },
    { prev: [1, 1], terms: [3, 4], log: [1, 3, 4] },
    { prev: [0, 0], terms: [1], log: [1, 2] },
    { prev: [0, 0], terms: [3], log: [3] },
  ] as const)("prev $prev + $terms: $log", ({ prev, terms, log }) => {
    const server = follower([1, 2]);
    server.receive(append({ term: 4, prev, terms }));
    expect(server.terms).toEqual(log);
    expect(server.raft.status().lastIndex).toBe(log.length);
  });

  test("pitfall 18: the first AppendEntries of five, delivered again, leaves all five", () => {
    const first = append({ term: 1, prev: [0, 0], terms: [1] });
    const scene = (bugs: PlantedBug[]) => {
      const server = follower([], 0, 1, bugs);
      server.receive(append({ term: 1, prev: [0, 0], terms: [1, 1, 1, 1, 1] }));
      server.receive(first);
      return server.terms;
    };
    expect(scene([])).toEqual([1, 1, 1, 1, 1]);
    expect(scene(["truncateOnDuplicate"])).toEqual([1]);
  });
});

describe("S31 a follower with log [1,2,3] writes from the first conflict or new entry on", () => {
  test.each([
    { prev: [0, 0], terms: [1, 2, 3], from: null },
    { prev: [1, 1], terms: [2, 3], from: null },
    { prev: [0, 0], terms: [1, 2, 3, 4, 4], from: 4 },
    { prev: [3, 3], terms: [4, 4], from: 4 },
    { prev: [0, 0], terms: [4, 4], from: 1 },
    { prev: [1, 1], terms: [1, 4, 4], from: 2 },
    { prev: [2, 2], terms: [4, 4], from: 3 },
  ] as const)("prev $prev + $terms: from $from", ({ prev, terms, from }) => {
    const server = follower([1, 2, 3], 0, 4);
    server.receive(append({ term: 4, prev, terms }));
    const writes = server.readies.flatMap(({ store }) => (store === null ? [] : [store]));
    expect(writes[0]?.entries[0]?.index ?? null).toBe(from);
  });
});

describe("S29 what a follower with log [1,2] at term 2 accepts and commits", () => {
  test.each([
    { prev: [3, 2], commit: 3, terms: [], rejected: true, last: 2, committed: 0 },
    { prev: [3, 3], commit: 3, terms: [], rejected: true, last: 2, committed: 0 },
    { prev: [1, 1], commit: 1, terms: [], rejected: false, last: 2, committed: 1 },
    { prev: [0, 0], commit: 1, terms: [2], rejected: false, last: 1, committed: 1 },
    { prev: [2, 2], commit: 3, terms: [2, 2], rejected: false, last: 4, committed: 3 },
    { prev: [2, 2], commit: 4, terms: [2], rejected: false, last: 3, committed: 3 },
    { prev: [1, 1], commit: 4, terms: [2], rejected: false, last: 2, committed: 2 },
    { prev: [1, 1], commit: 3, terms: [], rejected: false, last: 2, committed: 1 },
    { prev: [1, 1], commit: 3, terms: [2], rejected: false, last: 2, committed: 2 },
    { prev: [2, 2], commit: 3, terms: [], rejected: false, last: 2, committed: 2 },
    { prev: [2, 2], commit: 4, terms: [], rejected: false, last: 2, committed: 2 },
  ] as const)("prev $prev, commit $commit, entries $terms: last $last, commit $committed", (scene) => {
    const server = follower([1, 2]);
    const [answer] = server.receive(append({ term: 3, ...scene }));
    expect(answer?.type).toBe(scene.rejected ? "appendEntriesRejected" : "appendEntriesAccepted");
    expect(server.raft.status()).toMatchObject({ lastIndex: scene.last, commit: scene.committed });
  });

  test("planted appendCommitUnchecked: it would commit an entry that the leader never confirmed", () => {
    const server = follower([1, 2], 0, 2, ["appendCommitUnchecked"]);
    server.receive(append({ term: 3, prev: [1, 1], commit: 3 }));
    expect(server.raft.status().commit).toBe(2);
  });
});

describe("S30 a conflict with a committed entry stops the server (pitfall 53)", () => {
  test.each([
    { why: "an entry", prev: [0, 0], terms: [4] },
    { why: "the entry before", prev: [2, 1], terms: [4] },
  ] as const)("$why", ({ prev, terms }) => {
    const server = follower([1, 2, 3], 1);
    expect(() => server.receive(append({ term: 4, prev, terms }))).toThrow(
      /the leader's log contradicts a committed entry \[index=1 commit=1/,
    );
    expect(server.terms).toEqual([1, 2, 3]);
  });

  test.each([
    { prev: [3, 3], commit: 4, terms: [], last: 3, committed: 3 },
    { prev: [1, 1], commit: 3, terms: [4], last: 2, committed: 2 },
  ] as const)("next to it: prev $prev + $terms is fine", ({ prev, commit, terms, last, committed }) => {
    const server = follower([1, 2, 3], 1);
    server.receive(append({ term: 4, prev, commit, terms }));
    expect(server.raft.status()).toMatchObject({ lastIndex: last, commit: committed });
  });
});

test.each([
  { why: "a gap", entries: entriesFrom(4, [1]) },
  { why: "falling terms", entries: entriesFrom(3, [2, 1]) },
  { why: "a term above the sender's", entries: entriesFrom(3, [9]) },
])("pitfall 49: an AppendEntries with $why is dropped", ({ entries }) => {
  const server = follower([1, 1]);
  expect(server.receive({ ...append({ term: 2, prev: [1, 2] }), entries })).toEqual([]);
  expect(server.terms).toEqual([1, 1]);
});

test("S10/S9 two leaders in one term stop the server", () => {
  const server = follower([1]);
  server.receive(append({ term: 2, prev: [1, 1] }));
  expect(() => server.receive({ ...append({ term: 2, prev: [1, 1] }), from: "n3" })).toThrow(
    "two leaders in one term [term=2 leader=n2 other=n3]",
  );
});

describe("S23 figure 7: whatever followers hold, they end with the leader's log", () => {
  const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const figure: Record<string, Term[]> = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4, 4],
    c: [...leader, 6],
    d: [...leader, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };
  test.each(Object.keys(figure))("follower (%s)", (name) => {
    const log = figure[name] ?? [];
    const at = (term: Term) => ({ term, vote: null, commit: 0 });
    // The third server's empty log and vote let the first one win, whatever the second holds.
    const cluster = new TestingCluster({
      voters: ["n1", "n2", "n3"],
      logs: { n1: leader, n2: log, n3: [] },
      hardStates: { n1: at(8), n2: at(log.at(-1) ?? 0), n3: at(8) },
    });
    cluster.campaign("n1");
    expect(cluster.server("n1").raft.status()).toMatchObject({ role: "leader", term: 9 });
    cluster.propose("n1", 1);
    for (const id of ["n1", "n2", "n3"]) {
      expect(cluster.server(id).terms).toEqual([...leader, 9, 9]);
      expect(cluster.server(id).raft.status().commit).toBe(12);
    }
    // Whole terms are skipped: one probe per differing term at most, on either side.
    const rejections = cluster.sent.filter(
      ({ type, from }) => type === "appendEntriesRejected" && from === "n2",
    );
    expect(rejections.length).toBeLessThanOrEqual(2);
  });
});

/** n1 leading term 2 with log [1,1] + its no-op at 3; nobody has acknowledged anything. */
function freshLeader(changes = {}): TestingServer {
  const config = testingConfig("n1", changes);
  const server = new TestingServer(config, three, entriesOfTerms([1, 1]), { term: 1, vote: null, commit: 0 });
  while (server.raft.status().role === "follower") server.tick();
  const response = { from: "n2", to: "n1", granted: true } as const;
  server.receive({ type: "preVoteResponse", ...response, term: 1, campaignTerm: 2 });
  server.receive({ type: "requestVoteResponse", ...response, term: 2 });
  expect(server.raft.status()).toMatchObject({ role: "leader", term: 2, lastIndex: 3 });
  return server;
}

function accepted(match: Index, from: NodeId = "n2"): Message {
  return { type: "appendEntriesAccepted", from, to: "n1", term: 2, match };
}

function rejected(prevIndex: Index, hintIndex: Index, hintTerm: Term): Message {
  return {
    type: "appendEntriesRejected",
    from: "n2",
    to: "n1",
    term: 2,
    prevIndex,
    hintIndex,
    hintTerm,
  };
}

function progressOf(server: TestingServer, id: NodeId) {
  return server.raft.status().followers.find((follower) => follower.id === id);
}

function heartbeatResponse(from: NodeId = "n2", round = 0): Message {
  return { type: "heartbeatResponse", from, to: "n1", term: 2, round, appliedDurable: 0 };
}

function propose(server: TestingServer, count: number, bytes = 1): Message[] {
  const proposals = Array.from({ length: count }, (_, context) => ({ context, data: new Uint8Array(bytes) }));
  server.raft.step({ type: "propose", proposals });
  return server.run();
}

describe("S32 what a leader with match 0, next 3 learns from an answer", () => {
  test("a stale rejection: nothing", () => {
    const server = freshLeader();
    expect(server.receive(rejected(3, 3, 1))).toEqual([]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 0, next: 3, state: "probe" });
  });

  test("a rejection of its probe: next falls, one probe at the hint", () => {
    const server = freshLeader();
    const messages = server.receive(rejected(2, 1, 1));
    expect(messages).toMatchObject([{ type: "appendEntries", to: "n2", prevIndex: 1, prevTerm: 1 }]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 0, next: 2, state: "probe" });
  });

  test("an acceptance of 2: match 2, and the no-op follows", () => {
    const server = freshLeader();
    const messages = server.receive(accepted(2));
    expect(messages).toMatchObject([{ type: "appendEntries", prevIndex: 2, entries: [{ index: 3 }] }]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 2, next: 4, state: "replicate" });
  });

  test("an acceptance of 0: match 0, everything follows", () => {
    const server = freshLeader();
    const messages = server.receive(accepted(0));
    expect(messages).toMatchObject([{ prevIndex: 0, entries: [{ index: 1 }, { index: 2 }, { index: 3 }] }]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 0, next: 4, state: "replicate" });
  });

  test("an acceptance of more than there is: not believed", () => {
    const server = freshLeader();
    expect(server.receive(accepted(99))).toEqual([]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 0, next: 3 });
  });

  test("pitfall 17: a rejection never moves match; planted matchFromReject does", () => {
    const sound = freshLeader();
    sound.receive(rejected(2, 1, 1));
    expect(progressOf(sound, "n2")?.match).toBe(0);
    const planted = freshLeader({ plantedBugs: new Set(["matchFromReject"]) });
    planted.receive(rejected(2, 1, 1));
    expect(progressOf(planted, "n2")?.match).toBe(1);
  });
});

test("S35 acknowledgements in reverse order: next stays above match, match never falls", () => {
  const server = freshLeader();
  server.receive(accepted(3));
  for (let i = 0; i < 5; i++) propose(server, 1);
  for (const match of [8, 7, 6, 5, 4]) {
    server.receive(accepted(match));
    expect(progressOf(server, "n2")).toMatchObject({ match: 8, next: 9, state: "replicate" });
  }
  expect(server.raft.status().commit).toBe(8);
});

describe("S37 flow control", () => {
  test("a window of 3: the fourth AppendEntries waits for an acknowledgement", () => {
    const server = freshLeader({ maxInflightAppends: 3 });
    server.receive(accepted(3));
    for (let i = 0; i < 6; i++) propose(server, 1);
    expect(progressOf(server, "n2")?.next).toBe(7);
    // One acknowledgement makes room for one; all that waited fits into it.
    const messages = server.receive(accepted(4)).filter(({ to }) => to === "n2");
    expect(messages).toMatchObject([{ prevIndex: 6, entries: [{ index: 7 }, { index: 8 }, { index: 9 }] }]);
  });

  test("a window in bytes", () => {
    const server = freshLeader({ maxInflightBytes: 1000, maxAppendBytes: 600 });
    server.receive(accepted(3));
    propose(server, 10, 500);
    expect(progressOf(server, "n2")?.next).toBe(6);
    server.receive(accepted(4));
    expect(progressOf(server, "n2")?.next).toBe(7);
  });

  test("one entry above maxAppendBytes travels alone", () => {
    const server = freshLeader({ maxAppendBytes: 100 });
    server.receive(accepted(3));
    const messages = propose(server, 2, 5000).filter(({ to }) => to === "n2");
    expect(messages).toMatchObject([{ entries: [{ index: 4 }] }, { entries: [{ index: 5 }] }]);
  });

  test("proposals of one turn leave as one AppendEntries, in parallel with the own write", () => {
    const server = freshLeader();
    server.receive(accepted(3));
    server.slowDisk = true;
    const messages = propose(server, 64).filter(({ to }) => to === "n2");
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ type: "appendEntries", entries: { length: 64 } });
    expect(server.storing?.entries).toHaveLength(64);
  });

  test("the uncommitted tail is bounded in bytes, the first proposal always passes, commit frees it", () => {
    const server = freshLeader({ maxUncommittedBytes: 1000 });
    server.receive(accepted(3));
    propose(server, 1, 5000);
    propose(server, 1, 0);
    expect(server.refused).toEqual([{ context: 0, reason: "overloaded" }]);
    server.receive(accepted(4));
    expect(server.raft.status().commit).toBe(4);
    propose(server, 1, 5000);
    expect(server.refused).toHaveLength(1);
    expect(server.accepted.map(({ index }) => index)).toEqual([4, 5]);
  });
});

describe("S37 lost AppendEntries heal", () => {
  test("a probe is repeated when heartbeats are answered", () => {
    const server = freshLeader();
    server.tick();
    const messages = server.receive(heartbeatResponse());
    expect(messages).toMatchObject([{ type: "appendEntries", to: "n2", prevIndex: 2 }]);
    expect(server.receive(heartbeatResponse())).toEqual([]);
  });

  test("a pipeline without progress for two heartbeats goes back to what is confirmed", () => {
    const server = freshLeader();
    server.receive(accepted(3));
    propose(server, 2);
    server.tick(1);
    server.receive(heartbeatResponse());
    expect(progressOf(server, "n2")).toMatchObject({ match: 3, next: 6, state: "replicate" });
    server.tick(1);
    const messages = server.receive(heartbeatResponse());
    expect(messages).toMatchObject([{ type: "appendEntries", prevIndex: 3, entries: { length: 2 } }]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 3, next: 4, state: "probe" });
  });

  test("peerReset resends at once from what is confirmed", () => {
    const server = freshLeader();
    server.receive(accepted(3));
    propose(server, 2);
    server.raft.step({ type: "peerReset", peer: "n2" });
    expect(server.run()).toMatchObject([{ type: "appendEntries", to: "n2", prevIndex: 3 }]);
  });

  test("a gap is rejected with the end of the log, and sending goes on from there", () => {
    const server = freshLeader();
    server.receive(accepted(3));
    for (let i = 0; i < 4; i++) propose(server, 1);
    // Entry 4 arrived, 5 was lost: 6 and 7 are both rejected.
    expect(server.receive(rejected(5, 4, 2))).toMatchObject([{ prevIndex: 4, entries: { length: 3 } }]);
    expect(server.receive(rejected(6, 4, 2))).toEqual([]);
    expect(progressOf(server, "n2")).toMatchObject({ match: 3, next: 5, state: "probe" });
  });
});

describe("S38 a follower acknowledges what is on its disk, no more", () => {
  test("the acknowledgement waits for the write, also when later entries arrive", () => {
    const server = follower([], 0, 1);
    server.slowDisk = true;
    expect(server.receive(append({ term: 1, prev: [0, 0], terms: [1] }))).toEqual([]);
    expect(server.receive(append({ term: 1, prev: [1, 1], terms: [1, 1] }))).toEqual([]);
    server.finishStore();
    expect(server.run()).toEqual([
      { type: "appendEntriesAccepted", from: "n1", to: "n2", term: 1, match: 1 },
    ]);
    server.finishStore();
    expect(server.run()).toMatchObject([{ match: 3 }]);
  });

  test("commit 10 with 4 entries applies 4", () => {
    const server = follower([], 0, 1);
    server.receive(append({ term: 1, prev: [0, 0], terms: [1, 1, 1, 1], commit: 10 }));
    expect(server.applied.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
  });

  test("a leader of a higher term with a shorter log: the rest of the own log stays until it conflicts", () => {
    const server = follower([1, 1, 1, 1], 0, 1);
    expect(server.receive(append({ term: 2, prev: [1, 3] }))).toMatchObject([{ match: 3 }]);
    expect(server.terms).toEqual([1, 1, 1, 1]);
    server.receive(append({ term: 2, prev: [1, 3], terms: [2] }));
    expect(server.terms).toEqual([1, 1, 1, 2]);
  });
});

describe("entries that are no longer in memory", () => {
  test("a lagging follower is brought up from the disk, a piece at a time", () => {
    const cluster = new TestingCluster({
      voters: ["n1", "n2", "n3"],
      config: { maxCachedBytes: 0, maxAppendBytes: 200 },
    });
    cluster.campaign("n1");
    cluster.isolate("n3");
    for (let i = 0; i < 20; i++) cluster.propose("n1", i);
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.server("n3").terms).toEqual(cluster.server("n1").terms);
    expect(cluster.server("n3").raft.status().commit).toBe(22);
    expect(cluster.server("n1").readies.some(({ fetch }) => fetch.length > 0)).toBe(true);
  });

  test("one fetch at a time per follower, and a late answer for another place is not sent", () => {
    const server = freshLeader({ maxCachedBytes: 0, maxAppendBytes: 1 });
    const fetches: unknown[] = [];
    const run = () => {
      const messages: Message[] = [];
      while (server.raft.hasReady()) {
        const ready = server.raft.ready();
        fetches.push(...ready.fetch);
        messages.push(...ready.messages);
        if (ready.store !== null) server.raft.step({ type: "stored", ticket: ready.store.ticket });
      }
      return messages;
    };
    server.raft.step({ type: "receive", message: rejected(2, 0, 0) });
    run();
    expect(fetches).toEqual([{ id: 1, from: 1, to: 3, maxBytes: 1 }]);
    for (let i = 0; i < 10; i++) server.raft.step({ type: "peerReset", peer: "n2" });
    server.raft.step({ type: "receive", message: accepted(2) });
    run();
    expect(fetches).toHaveLength(1);
    server.raft.step({ type: "fetched", id: 1, entries: entriesOfTerms([1]) });
    expect(run()).toEqual([]);
    expect(fetches.slice(1)).toEqual([{ id: 2, from: 3, to: 3, maxBytes: 1 }]);
  });
});

describe("a follower that starts with a log of three", () => {
  test("lacks what was committed when it first heard of a leader, until its log reaches that far; later news count no more", () => {
    const one = follower([1, 1, 1]);
    const heard = (prev: readonly [Term, Index], terms: Term[], commit: Index) => {
      one.receive(append({ term: 2, prev, terms, commit }));
      return one.raft.lacksCommitted;
    };
    expect(one.raft.lacksCommitted).toBe(false);
    expect(heard([2, 9], [], 5)).toBe(true);
    expect(heard([1, 3], [2], 6)).toBe(true);
    expect(heard([2, 4], [2], 7)).toBe(false);
    expect(heard([2, 5], [], 9)).toBe(false);
    one.restart();
    expect(one.raft.lacksCommitted).toBe(false);
    expect(heard([2, 5], [], 9)).toBe(true);
  });
});
