/** Scenarios 51 and 52: who gets a snapshot, when, and what an installed one does to log, state and membership. */
import { describe, expect, test } from "vitest";
import type { AppendEntriesAccepted, InstallSnapshot, Message } from "./messages.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { Index, NodeId, SnapshotHead, Term } from "./types.js";

const ids = ["n1", "n2", "n3"];
const membership = testingMembership(ids);

function headOf(index: Index, term: Term, members = membership): SnapshotHead {
  return { last: { index, term }, membership: { index: 1, membership: members } };
}

/** n1 leads term 2; of its 20 entries only the last 5 are left, and n3 was not heard for long. */
function leader(members = membership): TestingServer {
  const config = testingConfig("n1", { compactEntriesMin: 1, trailingEntries: 5, trailingBytes: 1 << 20 });
  const server = new TestingServer(config, members, [], { term: 1, vote: null, commit: 0 });
  while (server.raft.status().role === "follower") server.tick();
  const answer = { from: "n2", to: "n1", granted: true } as const;
  server.receive({ type: "preVoteResponse", ...answer, term: 1, campaignTerm: 2 });
  server.receive({ type: "requestVoteResponse", ...answer, term: 2 });
  const proposals = Array.from({ length: 19 }, (_, context) => ({ context, data: new Uint8Array(36) }));
  server.raft.step({ type: "propose", proposals });
  server.run();
  server.receive(accepted("n2", 20));
  for (let i = 0; i < 12; i++) {
    server.receive(answers("n2", 20));
    server.tick();
  }
  applied(server, 20);
  expect(server.raft.status().firstIndex).toBe(16);
  return server;
}

function applied(server: TestingServer, index: Index): void {
  server.durableApplied = index;
  server.raft.step({ type: "applied", applied: index, durable: index });
  server.run();
}

/** Time passes while both answer every heartbeat. */
function beats(server: TestingServer, count: number, n3Applied: Index): void {
  for (let i = 0; i < count; i++) {
    server.tick();
    server.receive(answers("n2", 20));
    server.receive(answers("n3", n3Applied));
  }
}

function accepted(from: NodeId, match: Index): AppendEntriesAccepted {
  return { type: "appendEntriesAccepted", from, to: "n1", term: 2, match };
}

function answers(from: NodeId, appliedDurable: Index): Message {
  return { type: "heartbeatResponse", from, to: "n1", term: 2, round: 0, appliedDurable };
}

const offer = { type: "installSnapshot", to: "n3", term: 2, lastIncludedIndex: 20, lastIncludedTerm: 2 };

function pins(server: TestingServer) {
  return server.readies.flatMap((ready) => ready.pins);
}

function n3(server: TestingServer) {
  return server.raft.status().followers.find(({ id }) => id === "n3");
}

/** n3 answers again, and what it says is too far behind. */
function offered(): TestingServer {
  const server = leader();
  beats(server, 12, 0);
  server.raft.step({ type: "snapshotTaken", to: "n3", last: { index: 20, term: 2 } });
  expect(server.run()).toMatchObject([offer]);
  return server;
}

describe("S51 a leader and a follower whose entries are gone", () => {
  test("nothing is pinned before the follower answers", () => {
    const server = leader();
    server.tick(3);
    expect(pins(server)).toEqual([]);
    beats(server, 12, 0);
    expect(pins(server)).toEqual([{ to: "n3", wanted: true }]);
    expect(n3(server)).toMatchObject({ state: "snapshot" });
  });

  test("PendingSnapshotPauseReplication: only heartbeats and offers meanwhile", () => {
    const server = offered();
    server.raft.step({ type: "propose", proposals: [{ context: 99, data: new Uint8Array() }] });
    expect(server.run().filter(({ to }) => to === "n3")).toEqual([]);
    expect(server.tick().filter(({ to }) => to === "n3")).toMatchObject([{ type: "heartbeat" }]);
  });

  test("snapshot_succeed_via_app_resp: the acknowledgement ends it, and the log goes on from there", () => {
    const server = offered();
    server.raft.step({ type: "propose", proposals: [{ context: 99, data: new Uint8Array() }] });
    server.run();
    const sent = server.receive(accepted("n3", 20));
    expect(sent).toMatchObject([{ type: "appendEntries", to: "n3", prevIndex: 20, prevTerm: 2 }]);
    expect(pins(server).at(-1)).toEqual({ to: "n3", wanted: false });
    expect(n3(server)).toMatchObject({ state: "replicate", match: 20 });
  });

  test("a lost acknowledgement does not matter: the heartbeat's answer shows that it is installed", () => {
    const server = offered();
    expect(server.receive(answers("n3", 20))).toMatchObject([{ type: "appendEntries", prevIndex: 20 }]);
    expect(pins(server).at(-1)).toEqual({ to: "n3", wanted: false });
  });

  test("a lost offer is repeated, at once on a new connection, else after an election timeout", () => {
    const server = offered();
    server.raft.step({ type: "peerReset", peer: "n3" });
    expect(server.run()).toMatchObject([offer]);
    expect(server.receive(answers("n3", 0))).toEqual([]);
    for (let i = 0; i < 10; i++) {
      server.receive(answers("n2", 20));
      server.tick();
    }
    expect(server.receive(answers("n3", 0))).toMatchObject([offer]);
  });

  test("SnapshotFailure: when nobody fetches it, it ends; who answers later gets a new one", () => {
    const server = offered();
    server.raft.step({ type: "snapshotEnded", to: "n3" });
    server.run();
    expect(n3(server)).toMatchObject({ state: "probe" });
    beats(server, 12, 0);
    expect(pins(server)).toEqual([
      { to: "n3", wanted: true },
      { to: "n3", wanted: true },
    ]);
  });

  test("a log that was cut behind the snapshot meanwhile means another snapshot, not an impossible probe", () => {
    const server = offered();
    const proposals = Array.from({ length: 10 }, (_, context) => ({ context, data: new Uint8Array(36) }));
    server.raft.step({ type: "propose", proposals });
    server.run();
    server.receive(accepted("n2", 30));
    for (let i = 0; i < 12; i++) {
      server.receive(answers("n2", 30));
      server.tick();
    }
    applied(server, 30);
    expect(server.raft.status().firstIndex).toBe(26);
    server.receive(accepted("n3", 20));
    expect(pins(server)).toEqual([
      { to: "n3", wanted: true },
      { to: "n3", wanted: false },
      { to: "n3", wanted: true },
    ]);
  });

  test("while the follower answers, the log is kept from its snapshot on", () => {
    const server = offered();
    const proposals = Array.from({ length: 10 }, (_, context) => ({ context, data: new Uint8Array(36) }));
    server.raft.step({ type: "propose", proposals });
    server.run();
    server.receive(accepted("n2", 30));
    applied(server, 30);
    expect(server.raft.status().firstIndex).toBe(21);
  });

  test("S47 leadership moves to a member behind the log: snapshot first, then the rest, then TimeoutNow", () => {
    const server = offered();
    server.raft.step({ type: "transfer", to: "n3" });
    const timeouts = (messages: readonly Message[]) => messages.filter(({ type }) => type === "timeoutNow");
    expect(timeouts(server.run())).toEqual([]);
    const rest = server.receive(accepted("n3", 20));
    expect(timeouts(rest)).toMatchObject([{ to: "n3", term: 2 }]);
    // With entries behind the snapshot, these come first.
    const later = offered();
    later.raft.step({ type: "propose", proposals: [{ context: 99, data: new Uint8Array() }] });
    later.raft.step({ type: "transfer", to: "n3" });
    later.run();
    expect(timeouts(later.receive(accepted("n3", 20)))).toEqual([]);
    expect(timeouts(later.receive(accepted("n3", 21)))).toMatchObject([{ to: "n3", term: 2 }]);
  });

  test("S46 LearnerReceiveSnapshot: a learner gets one like any other, and counts in nothing", () => {
    const server = leader(testingMembership(["n1", "n2"], ["n3"]));
    beats(server, 12, 0);
    expect(pins(server)).toEqual([{ to: "n3", wanted: true }]);
    server.raft.step({ type: "snapshotTaken", to: "n3", last: { index: 20, term: 2 } });
    expect(server.run()).toMatchObject([offer]);
    server.raft.step({ type: "propose", proposals: [{ context: 99, data: new Uint8Array() }] });
    server.run();
    server.receive(accepted("n3", 20));
    server.receive(accepted("n3", 21));
    expect(n3(server)).toMatchObject({ state: "replicate", match: 21 });
    expect(server.raft.status().commit).toBe(20);
  });

  test("a snapshot taken too late, for a leader that stepped down, is released", () => {
    const server = leader();
    beats(server, 12, 0);
    server.receive({ ...answers("n2", 20), term: 5 });
    server.raft.step({ type: "snapshotTaken", to: "n3", last: { index: 20, term: 2 } });
    server.run();
    expect(pins(server).at(-1)).toEqual({ to: "n3", wanted: false });
    expect(server.raft.status().role).toBe("follower");
  });
});

/** n3 with this log, all of term 1 or as given, following n1 in term 2. */
function follower(terms: readonly Term[], commit: Index): TestingServer {
  const hardState = { term: 2, vote: null, commit };
  const server = new TestingServer(testingConfig("n3"), membership, entriesOfTerms(terms), hardState);
  server.run();
  return server;
}

function install(index: Index, term: Term): InstallSnapshot {
  return {
    type: "installSnapshot",
    from: "n1",
    to: "n3",
    term: 2,
    lastIncludedIndex: index,
    lastIncludedTerm: term,
  };
}

describe("S51, S52 a follower and a snapshot", () => {
  test("it is fetched, written with its own batch, and acknowledged only when that is durable", () => {
    const server = follower([1, 1, 1], 1);
    expect(server.receive(install(20, 2))).toEqual([]);
    expect(server.readies.at(-1)?.fetchSnapshot).toEqual({ from: "n1", last: { index: 20, term: 2 } });
    server.slowDisk = true;
    server.raft.step({ type: "snapshotFetched", head: headOf(20, 2) });
    expect(server.run()).toEqual([]);
    expect(server.storing).toMatchObject({ entries: [], compactTo: 0, install: headOf(20, 2) });
    expect(server.raft.status()).toMatchObject({ commit: 1, lastIndex: 3 });
    server.finishStore();
    expect(server.run()).toMatchObject([{ type: "appendEntriesAccepted", to: "n1", match: 20 }]);
    expect(server.raft.status()).toMatchObject({ commit: 20, applied: 20, firstIndex: 21, lastIndex: 20 });
  });

  test("RestoreIgnoreSnapshot: one that is not ahead of the commit index is acknowledged, not fetched", () => {
    const server = follower([1, 1, 1], 3);
    expect(server.receive(install(2, 1))).toMatchObject([{ type: "appendEntriesAccepted", match: 3 }]);
    expect(server.readies.every(({ fetchSnapshot }) => fetchSnapshot === null)).toBe(true);
  });

  test("one whose last entry the log holds only moves the commit index", () => {
    const server = follower([1, 1, 1], 1);
    expect(server.receive(install(3, 1))).toMatchObject([{ type: "appendEntriesAccepted", match: 3 }]);
    expect(server.raft.status()).toMatchObject({ commit: 3, lastIndex: 3, firstIndex: 1 });
  });

  test("snapshot_delete_conflict_logs: entries that contradict it go, those behind its end too", () => {
    const server = follower([1, 1, 1, 1, 1], 1);
    server.receive(install(3, 2));
    server.raft.step({ type: "snapshotFetched", head: headOf(3, 2) });
    server.run();
    expect(server.raft.status()).toMatchObject({ commit: 3, lastIndex: 3, firstIndex: 4 });
  });

  test("fetched too late, when the log has caught up meanwhile, it changes nothing", () => {
    const server = follower([1, 1, 1], 1);
    server.receive(install(5, 1));
    const entries = entriesOfTerms([1, 1, 1, 1, 1]).slice(3);
    const append = {
      type: "appendEntries",
      from: "n1",
      to: "n3",
      term: 2,
      prevIndex: 3,
      prevTerm: 1,
    } as const;
    server.receive({ ...append, entries, commit: 5 });
    server.raft.step({ type: "snapshotFetched", head: headOf(5, 1) });
    server.run();
    expect(server.raft.status()).toMatchObject({ commit: 5, lastIndex: 5, firstIndex: 1 });
  });

  test("what was accepted before is on disk before the switch; what comes meanwhile is as if lost", () => {
    const server = follower([1], 1);
    server.slowDisk = true;
    const append = { type: "appendEntries", from: "n1", to: "n3", term: 2, commit: 0 } as const;
    server.receive({ ...append, prevIndex: 1, prevTerm: 1, entries: entriesOfTerms([1, 1]).slice(1) });
    server.raft.step({ type: "snapshotFetched", head: headOf(20, 2) });
    server.receive({ ...append, prevIndex: 2, prevTerm: 1, entries: entriesOfTerms([1, 1, 1]).slice(2) });
    expect(server.storing).toMatchObject({ entries: [{ index: 2 }], install: null });
    server.finishStore();
    expect(server.run()).toMatchObject([{ match: 2 }]);
    expect(server.storing).toMatchObject({ entries: [], install: headOf(20, 2) });
    server.finishStore();
    expect(server.run()).toMatchObject([{ match: 20 }]);
  });

  test("t31: the membership is the snapshot's", () => {
    const server = follower([1], 1);
    const others = testingMembership(["n1", "n3", "n4"]);
    server.raft.step({ type: "snapshotFetched", head: headOf(20, 2, others) });
    server.run();
    expect(server.raft.membership()).toEqual(others);
  });

  test.each([
    { name: "RestoreVoterToLearner", before: ids, learnersAfter: ["n3"], campaigns: false },
    { name: "RestoreLearnerPromotion", before: ["n1", "n2"], learnersAfter: [], campaigns: true },
  ])("S46 $name: who may campaign is the snapshot's word", ({ before, learnersAfter, campaigns }) => {
    const learners = ids.filter((id) => !before.includes(id));
    const hardState = { term: 2, vote: null, commit: 1 };
    const own = testingMembership(before, learners);
    const server = new TestingServer(testingConfig("n3"), own, entriesOfTerms([1]), hardState);
    const voters = ids.filter((id) => !learnersAfter.includes(id));
    const head = headOf(20, 2, testingMembership(voters, learnersAfter));
    server.raft.step({ type: "snapshotFetched", head });
    server.run();
    const asked = server.tick(40).filter(({ type }) => type === "preVoteRequest");
    expect(asked.length > 0).toBe(campaigns);
    expect(server.raft.status().term).toBe(2);
  });

  test("S22 receive_snapshot_pre_vote: a pre-candidate that is offered one follows, and has it fetched", () => {
    const server = follower([1], 1);
    while (server.raft.status().role !== "preCandidate") server.tick();
    server.receive(install(20, 2));
    expect(server.raft.status()).toMatchObject({ role: "follower", leader: "n1", term: 2 });
    expect(server.readies.at(-1)?.fetchSnapshot).toEqual({ from: "n1", last: { index: 20, term: 2 } });
  });

  test("two in short order: the newer one is named, the older one finished first is taken, then the newer", () => {
    const server = follower([1], 1);
    server.receive(install(20, 2));
    server.receive(install(30, 2));
    expect(server.readies.at(-1)?.fetchSnapshot).toEqual({ from: "n1", last: { index: 30, term: 2 } });
    server.raft.step({ type: "snapshotFetched", head: headOf(20, 2) });
    server.run();
    server.raft.step({ type: "snapshotFetched", head: headOf(30, 2) });
    server.run();
    expect(server.raft.status()).toMatchObject({ commit: 30, firstIndex: 31 });
  });

  test("a candidate that may still win with its own log waits with installing, and drops it when it wins", () => {
    const server = follower([1, 1], 1);
    while (server.raft.status().role !== "preCandidate") server.tick();
    server.receive({
      type: "preVoteResponse",
      from: "n2",
      to: "n3",
      term: 2,
      campaignTerm: 3,
      granted: true,
    });
    expect(server.raft.status().role).toBe("candidate");
    server.raft.step({ type: "snapshotFetched", head: headOf(20, 2) });
    server.run();
    expect(server.raft.status()).toMatchObject({ commit: 1, lastIndex: 2 });
    server.receive({ type: "requestVoteResponse", from: "n2", to: "n3", term: 3, granted: true });
    expect(server.raft.status()).toMatchObject({ role: "leader", lastIndex: 3, firstIndex: 1 });
  });

  test("a snapshot of a later term than its sender's is nonsense and ignored", () => {
    const server = follower([1], 1);
    server.receive(install(20, 3));
    expect(server.readies.every(({ fetchSnapshot }) => fetchSnapshot === null)).toBe(true);
  });
});
