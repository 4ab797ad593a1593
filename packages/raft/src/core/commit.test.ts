import { describe, expect, test } from "vitest";
import type { Config } from "./config.js";
import type { Message } from "./messages.js";
import type { PlantedBug } from "./planted-bugs.js";
import { TestingCluster } from "./testing-cluster.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { Index, NodeId, Term } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);

/** n1 of `size`, with this log, elected to lead `term`; the no-op is its last entry. */
function leader(size: number, log: readonly Term[], term: Term, bugs: PlantedBug[] = []): TestingServer {
  const config = testingConfig("n1", { plantedBugs: new Set(bugs) });
  const hardState = { term: term - 1, vote: null, commit: 0 };
  const server = new TestingServer(config, testingMembership(ids(size)), entriesOfTerms(log), hardState);
  while (server.raft.status().role === "follower") server.tick();
  const answers = ids(size)
    .slice(1)
    .map((from) => ({ from, to: "n1", granted: true }) as const);
  for (const answer of answers) {
    server.receive({ type: "preVoteResponse", ...answer, term: term - 1, campaignTerm: term });
  }
  for (const answer of answers) server.receive({ type: "requestVoteResponse", ...answer, term });
  expect(server.raft.status()).toMatchObject({ role: "leader", term });
  return server;
}

function accepted(from: NodeId, term: Term, match: Index): Message {
  return { type: "appendEntriesAccepted", from, to: "n1", term, match };
}

describe("S24 figure 8: entries of earlier terms commit only together with one of the own term", () => {
  const scene = (match: Index, bugs: PlantedBug[] = []) => {
    const server = leader(3, [1, 2], 3, bugs);
    server.receive(accepted("n2", 3, match));
    return server.raft.status().commit;
  };
  test.each([
    { match: 1, commit: 0 },
    { match: 2, commit: 0 },
    { match: 3, commit: 3 },
  ])("log [1,2] + no-op of term 3, acknowledged up to $match: commit $commit", ({ match, commit }) => {
    expect(scene(match)).toBe(commit);
  });

  test("planted commitOldTerm commits entry 2", () => {
    expect(scene(2, ["commitOldTerm"])).toBe(2);
  });

  test("the play of S1 to S5: entry 2 of term 2, on a majority, is still overwritten", () => {
    const at = (term: Term, vote: NodeId | null = null) => ({ term, vote, commit: 1 });
    // (c) of the figure: S1 has led terms 2 and 4, its entry of term 2 is on S1, S2 and S3; S5 led term 3.
    const cluster = new TestingCluster({
      voters: ids(5),
      logs: { n1: [1, 2, 4], n2: [1, 2], n3: [1, 2], n4: [1], n5: [1, 3] },
      hardStates: { n1: at(4, "n1"), n2: at(4, "n1"), n3: at(4, "n1"), n4: at(4), n5: at(3, "n5") },
    });
    // (d): S1 is gone, S5 is elected by S2, S3 and S4, and overwrites.
    cluster.isolate("n1");
    cluster.campaign("n5");
    cluster.campaign("n5");
    expect(cluster.server("n5").raft.status()).toMatchObject({ role: "leader", term: 5 });
    for (const id of ["n2", "n3", "n4", "n5"]) expect(cluster.server(id).terms).toEqual([1, 3, 5]);
    cluster.heal();
    cluster.tickAll(2);
    expect(cluster.server("n1").terms).toEqual([1, 3, 5]);
  });
});

describe("S26 what is committed with these matches (own disk included), log and term", () => {
  // The last entry of each log stands for the leader's no-op when it is of the leader's term.
  test.each([
    { others: [2], log: [1], term: 2, commit: 2 },
    { others: [1, 1], log: [1], term: 2, commit: 0 },
    { others: [1, 2], log: [1], term: 2, commit: 2 },
    { others: [1, 1, 1], log: [1], term: 2, commit: 0 },
    { others: [2, 1, 1], log: [1], term: 2, commit: 0 },
    { others: [2, 2, 1], log: [1], term: 2, commit: 2 },
    { others: [2, 2, 1], log: [1, 1], term: 2, commit: 0 },
    { others: [3, 3, 1], log: [1, 1], term: 2, commit: 3 },
  ])("others $others, log $log + no-op of term $term: $commit", ({ others, log, term, commit }) => {
    const server = leader(others.length + 1, log, term);
    for (const [position, match] of others.entries()) {
      server.receive(accepted(`n${position + 2}`, term, match));
    }
    expect(server.raft.status().commit).toBe(commit);
  });
});

describe("S25 a new leader knows what is committed only when its own entry is", () => {
  function scene(): TestingCluster {
    const cluster = new TestingCluster({ voters: ids(5), config: { random: () => 0.99 } });
    cluster.campaign("n1");
    for (const id of ["n3", "n4", "n5"]) cluster.cut("n1", id);
    cluster.propose("n1", 1);
    cluster.propose("n1", 2);
    expect(cluster.server("n2").terms).toEqual([1, 2, 2, 2]);
    expect(cluster.server("n1").raft.status().commit).toBe(2);
    cluster.isolate("n1");
    cluster.silence(10);
    return cluster;
  }

  test("without it the commit index stays; with one more proposal everything commits", () => {
    const cluster = scene();
    cluster.ignore("appendEntries");
    cluster.campaign("n2");
    expect(cluster.server("n2").raft.status()).toMatchObject({ role: "leader", term: 3, commit: 2 });
    cluster.heal();
    cluster.tick("n2", 2);
    cluster.propose("n2", 3);
    expect(cluster.server("n2").raft.status().commit).toBe(6);
  });

  test("the no-op alone commits what came before", () => {
    const cluster = scene();
    cluster.campaign("n2");
    expect(cluster.server("n2").raft.status().commit).toBe(5);
    for (const id of ["n3", "n4", "n5"]) expect(cluster.server(id).raft.status().commit).toBe(5);
  });
});

describe("S33 a heartbeat's commit index (log of 3, commit 2)", () => {
  const heartbeat = (commit: Index, bugs: PlantedBug[] = []) => {
    const config = testingConfig("n1", { plantedBugs: new Set(bugs) });
    const hardState = { term: 2, vote: null, commit: 2 };
    const server = new TestingServer(config, testingMembership(ids(3)), entriesOfTerms([1, 2, 2]), hardState);
    server.receive({ type: "heartbeat", from: "n2", to: "n1", term: 2, commit, round: 0, match: 0 });
    return server.raft.status().commit;
  };
  test("3: commits 3", () => expect(heartbeat(3)).toBe(3));
  test("1: the commit index never falls", () => expect(heartbeat(1)).toBe(2));
  test("more than the log holds: acknowledged entries are gone, the server stops", () => {
    expect(() => heartbeat(4)).toThrow("more is committed than this log holds");
  });

  test("pitfall 19: the leader sends min(match, commit); planted heartbeatCommitUnchecked does not", () => {
    const commitTo = (id: NodeId, bugs: PlantedBug[]) => {
      const server = leader(3, [1, 1], 2, bugs);
      server.receive(accepted("n2", 2, 3));
      return server.tick().find(({ type, to }) => type === "heartbeat" && to === id);
    };
    expect(commitTo("n2", [])).toMatchObject({ commit: 3 });
    expect(commitTo("n3", [])).toMatchObject({ commit: 0 });
    expect(commitTo("n3", ["heartbeatCommitUnchecked"])).toMatchObject({ commit: 3 });
  });
});

describe("S34 how many acknowledgements commit an entry (paper, section 5.3)", () => {
  test.each([
    { size: 1, others: 0, committed: true },
    { size: 3, others: 0, committed: false },
    { size: 3, others: 1, committed: true },
    { size: 3, others: 2, committed: true },
    { size: 5, others: 0, committed: false },
    { size: 5, others: 1, committed: false },
    { size: 5, others: 2, committed: true },
  ])("$size servers, $others others: $committed", ({ size, others, committed }) => {
    const server = leader(size, [], 2);
    for (const id of ids(size).slice(1, 1 + others)) server.receive(accepted(id, 2, 1));
    expect(server.raft.status().commit).toBe(committed ? 1 : 0);
  });

  test("followers alone commit, while the leader's own disk is slow", () => {
    const server = leader(3, [], 2);
    server.receive(accepted("n2", 2, 1));
    server.slowDisk = true;
    server.raft.step({ type: "propose", proposals: [{ context: 1, data: new Uint8Array() }] });
    server.run();
    server.receive(accepted("n2", 2, 2));
    expect(server.raft.status().commit).toBe(1);
    server.receive(accepted("n3", 2, 2));
    expect(server.raft.status().commit).toBe(2);
    expect(server.applied.map(({ index }) => index)).toEqual([1, 2]);
  });

  test("planted quorumOneShort: one of five acknowledges, and it commits", () => {
    const server = leader(5, [], 2, ["quorumOneShort"]);
    server.receive(accepted("n2", 2, 1));
    expect(server.raft.status().commit).toBe(1);
  });

  test("planted leaderCountsUnstored: the leader counts an entry that only another disk holds", () => {
    const commit = (bugs: PlantedBug[]) => {
      const server = leader(3, [], 2, bugs);
      server.receive(accepted("n2", 2, 1));
      server.slowDisk = true;
      server.raft.step({ type: "propose", proposals: [{ context: 1, data: new Uint8Array() }] });
      server.run();
      server.receive(accepted("n2", 2, 2));
      return server.raft.status().commit;
    };
    expect(commit([])).toBe(1);
    expect(commit(["leaderCountsUnstored"])).toBe(2);
  });
});

describe("S36 learning of a commit", () => {
  test("it is pushed at once, with an AppendEntries of its own when nothing else is due", () => {
    const server = leader(3, [], 2);
    server.receive(accepted("n3", 2, 0));
    const messages = server.receive(accepted("n2", 2, 1));
    const pushed = { type: "appendEntries", prevIndex: 1, prevTerm: 2, entries: [], commit: 1 };
    expect(messages).toMatchObject([
      { to: "n2", ...pushed },
      { to: "n3", ...pushed },
    ]);
    expect(server.run()).toEqual([]);
  });

  test("a follower that missed acknowledgement and commit learns from the heartbeat", () => {
    const cluster = new TestingCluster({ voters: ids(3) });
    cluster.campaign("n1");
    cluster.cutOneWay("n1", "n3");
    cluster.propose("n1", 1);
    expect(cluster.server("n3").raft.status().commit).toBe(2);
    cluster.heal();
    cluster.tick("n1", 4);
    expect(cluster.server("n3").raft.status().commit).toBe(3);
  });
});

describe("apply", () => {
  test("is bounded in bytes: the next entries come when the earlier ones were applied, each once", () => {
    const config = testingConfig("n1", { maxApplyBytes: 200 });
    const hardState = { term: 1, vote: null, commit: 0 };
    const server = new TestingServer(config, testingMembership(["n1"]), [], hardState);
    const { raft } = server;
    while (raft.status().commit < 1) server.tick();
    const data = new Uint8Array(100);
    raft.step({ type: "propose", proposals: [1, 2, 3, 4].map((context) => ({ context, data })) });
    const { store } = raft.ready();
    raft.step({ type: "stored", ticket: store?.ticket ?? 0 });
    expect(raft.status().commit).toBe(5);
    expect(raft.ready().apply.map(({ index }) => index)).toEqual([2]);
    expect(raft.ready().apply.map(({ index }) => index)).toEqual([3]);
    expect(raft.hasReady()).toBe(false);
    raft.step({ type: "applied", applied: 3, durable: 0 });
    expect(raft.ready().apply.map(({ index }) => index)).toEqual([4]);
    expect(() => raft.step({ type: "applied", applied: 5, durable: 0 })).toThrow(
      "what is reported as applied",
    );
  });

  test("after a restart it goes on after the durable applied index, from the disk where memory ends", () => {
    const cluster = new TestingCluster({ voters: ["n1"], config: { maxCachedBytes: 0, maxApplyBytes: 100 } });
    cluster.campaign("n1");
    for (let i = 0; i < 5; i++) cluster.propose("n1", i);
    const server = cluster.server("n1");
    server.restart();
    server.applied.length = 0;
    cluster.campaign("n1");
    expect(server.applied.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("compaction", () => {
  function scene(changes: Partial<Config> = {}, bugs: PlantedBug[] = []): TestingServer {
    const config = testingConfig("n1", {
      compactEntriesMin: 1,
      trailingEntries: 5,
      trailingBytes: 1 << 20,
      plantedBugs: new Set(bugs),
      ...changes,
    });
    const hardState = { term: 1, vote: null, commit: 0 };
    const server = new TestingServer(config, testingMembership(ids(3)), [], hardState);
    while (server.raft.status().role === "follower") server.tick();
    for (const from of ["n2", "n3"]) {
      const response = { from, to: "n1", granted: true } as const;
      server.receive({ type: "preVoteResponse", ...response, term: 1, campaignTerm: 2 });
      server.receive({ type: "requestVoteResponse", ...response, term: 2 });
    }
    const proposals = Array.from({ length: 19 }, (_, context) => ({ context, data: new Uint8Array(36) }));
    server.raft.step({ type: "propose", proposals });
    server.run();
    server.receive(accepted("n2", 2, 20));
    return server;
  }
  function applied(server: TestingServer, durable: Index): Index {
    server.raft.step({ type: "applied", applied: 20, durable });
    server.run();
    return server.raft.status().firstIndex;
  }

  test("keeps the trailing entries behind what is durably applied", () => {
    const server = scene();
    server.receive(accepted("n3", 2, 20));
    expect(applied(server, 4)).toBe(1);
    expect(applied(server, 12)).toBe(8);
    expect(server.readies.at(-1)?.store).toMatchObject({ entries: [], compactTo: 7 });
    expect(server.readies.at(-1)?.events).toContainEqual({ type: "compacted", index: 7 });
    expect(applied(server, 20)).toBe(16);
  });

  test("keeps no more than the trailing bytes", () => {
    // Every entry counts 64 bytes beside its 36.
    const server = scene({ trailingEntries: 1000, trailingBytes: 300 });
    server.receive(accepted("n3", 2, 20));
    expect(applied(server, 20)).toBe(18);
    expect(server.raft.status().logBytes).toBeLessThanOrEqual(310);
  });

  test("waits until enough can go at once", () => {
    const server = scene({ compactEntriesMin: 10 });
    server.receive(accepted("n3", 2, 20));
    expect(applied(server, 14)).toBe(1);
    expect(applied(server, 15)).toBe(11);
  });

  test("a follower that answers is waited for, up to a number of bytes; a dead one is not", () => {
    const server = scene();
    server.receive(accepted("n3", 2, 3));
    expect(applied(server, 20)).toBe(4);
    const patient = scene({ maxHeldBytes: 1000 });
    patient.receive(accepted("n3", 2, 3));
    expect(applied(patient, 20)).toBe(11);
    for (let i = 0; i < 10; i++) {
      server.receive({
        type: "heartbeatResponse",
        from: "n2",
        to: "n1",
        term: 2,
        round: 0,
        appliedDurable: 0,
      });
      server.tick();
    }
    expect(server.raft.status().firstIndex).toBe(16);
  });

  test("a follower that lost what it had applied is not asked in a loop", () => {
    const server = scene();
    for (const from of ["n2", "n3"]) {
      server.receive({ type: "heartbeatResponse", from, to: "n1", term: 2, round: 0, appliedDurable: 20 });
    }
    expect(applied(server, 20)).toBe(16);
    server.raft.step({ type: "peerReset", peer: "n2" });
    server.run();
    const rejection = { from: "n2", to: "n1", term: 2, prevIndex: 20, hintIndex: 0, hintTerm: 0 };
    expect(server.receive({ type: "appendEntriesRejected", ...rejection })).toEqual([]);
    expect(server.raft.status().followers[0]).toMatchObject({ id: "n2", deniesMatch: true });
  });

  test("planted compactPastDurable cuts off what a restart would have to execute again", () => {
    const server = scene({ trailingEntries: 0 }, ["compactPastDurable"]);
    expect(() => server.receive(accepted("n3", 2, 20))).toThrow("compacted ≤ durably applied");
  });
});
