import { describe, expect, test } from "vitest";
import type { Message } from "./messages.js";
import type { PlantedBug } from "./planted-bugs.js";
import { TestingCluster } from "./testing-cluster.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { NodeId } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);

function read(cluster: TestingCluster, id: NodeId, context: number): void {
  cluster.server(id).raft.step({ type: "readIndex", context });
  cluster.settle();
}

describe("S40 reads on the leader and on followers see what was committed when they came", () => {
  test.each([
    { voters: ids(3), learners: [], askers: ["n1", "n2", "n3", "n1", "n2", "n3"] },
    { voters: ids(1), learners: ["n2"], askers: ["n1", "n2", "n1", "n2"] },
  ])("voters $voters, learners $learners", ({ voters, learners, askers }) => {
    const cluster = new TestingCluster({ voters, learners });
    cluster.campaign("n1");
    for (const [round, id] of askers.entries()) {
      for (let i = 0; i < 10; i++) cluster.propose("n1", round * 10 + i);
      read(cluster, id, round);
      // Entry 1 is the birth, entry 2 the no-op.
      expect(cluster.server(id).reads.at(-1)).toEqual({ context: round, index: 2 + 10 * (round + 1) });
    }
    for (const { readsRefused } of cluster.servers.values()) expect(readsRefused).toEqual([]);
  });

  test("a single server answers at once, without a message", () => {
    const cluster = new TestingCluster({ voters: ["n1"] });
    cluster.campaign("n1");
    const { raft } = cluster.server("n1");
    raft.step({ type: "readIndex", context: 7 });
    expect(raft.ready()).toMatchObject({ reads: [{ context: 7, index: 2 }], messages: [], store: null });
  });
});

/** n1 leading term 2 with log [1,1] and its no-op at 3, acknowledged by nobody. */
function freshLeader(size = 3, bugs: PlantedBug[] = []): TestingServer {
  const config = testingConfig("n1", { plantedBugs: new Set(bugs) });
  const hardState = { term: 1, vote: null, commit: 1 };
  const server = new TestingServer(config, testingMembership(ids(size)), entriesOfTerms([1, 1]), hardState);
  while (server.raft.status().role === "follower") server.tick();
  const answers = ids(size)
    .slice(1)
    .map((from) => ({ from, to: "n1", granted: true }) as const);
  for (const answer of answers)
    server.receive({ type: "preVoteResponse", ...answer, term: 1, campaignTerm: 2 });
  for (const answer of answers) server.receive({ type: "requestVoteResponse", ...answer, term: 2 });
  expect(server.raft.status()).toMatchObject({ role: "leader", commit: 1 });
  return server;
}

function accepted(from: NodeId, match: number): Message {
  return { type: "appendEntriesAccepted", from, to: "n1", term: 2, match };
}

function echo(from: NodeId, round: number): Message {
  return { type: "heartbeatResponse", from, to: "n1", term: 2, round, appliedDurable: 0 };
}

function ask(server: TestingServer, ...contexts: number[]): Message[] {
  for (const context of contexts) server.raft.step({ type: "readIndex", context });
  return server.run();
}

describe("S41 a new leader answers no read before its own entry is committed (pitfall 31)", () => {
  test("held, then one answer with the index of that entry", () => {
    const server = freshLeader();
    expect(ask(server, 1)).toEqual([]);
    server.receive(echo("n2", 0));
    expect(server.reads).toEqual([]);
    const messages = server.receive(accepted("n2", 3));
    expect(messages.filter(({ type }) => type === "heartbeat")).toMatchObject([{ round: 1 }, { round: 1 }]);
    server.receive(echo("n2", 1));
    expect(server.reads).toEqual([{ context: 1, index: 3 }]);
  });

  test("planted readBeforeNoOp answers with what the old term's log says", () => {
    const server = freshLeader(3, ["readBeforeNoOp"]);
    ask(server, 1);
    server.receive(echo("n2", 1));
    expect(server.reads).toEqual([{ context: 1, index: 1 }]);
  });
});

describe("read rounds (thesis, section 6.4; pitfall 32)", () => {
  function leader(size = 3, bugs: PlantedBug[] = []): TestingServer {
    const server = freshLeader(size, bugs);
    for (const id of ids(size).slice(1)) server.receive(accepted(id, 3));
    return server;
  }

  test("reads of one turn share a round, later ones wait for the next, late echoes confirm nothing newer", () => {
    const server = leader();
    expect(ask(server, 1, 2)).toMatchObject([{ round: 1 }, { round: 1 }]);
    expect(ask(server, 3)).toEqual([]);
    expect(ask(server, 4)).toEqual([]);
    server.receive(echo("n2", 0));
    expect(server.reads).toEqual([]);
    const messages = server.receive(echo("n2", 1));
    expect(server.reads.map(({ context }) => context)).toEqual([1, 2]);
    expect(messages).toMatchObject([{ round: 2 }, { round: 2 }]);
    server.receive(echo("n3", 1));
    server.receive(echo("n2", 1));
    expect(server.reads).toHaveLength(2);
    server.receive(echo("n3", 2));
    expect(server.reads.map(({ context }) => context)).toEqual([1, 2, 3, 4]);
  });

  test("S42 of five servers two echoes are needed", () => {
    const server = leader(5);
    ask(server, 1);
    server.receive(echo("n2", 1));
    server.receive(echo("n2", 1));
    expect(server.reads).toEqual([]);
    server.receive(echo("n5", 1));
    expect(server.reads).toEqual([{ context: 1, index: 3 }]);
  });

  test("a lost round is repeated by the next heartbeat", () => {
    const server = leader();
    ask(server, 1);
    expect(server.tick()).toMatchObject([{ round: 1 }, { round: 1 }]);
  });

  test("a round that was never started confirms nothing", () => {
    const server = leader();
    ask(server, 1);
    server.receive(echo("n2", 99));
    expect(server.reads).toEqual([]);
  });

  test("the index is the commit index when the read came, whatever commits meanwhile", () => {
    const server = leader();
    ask(server, 1);
    server.raft.step({ type: "propose", proposals: [{ context: 1, data: new Uint8Array() }] });
    server.run();
    server.receive(accepted("n2", 4));
    server.receive(echo("n2", 1));
    expect(server.reads).toEqual([{ context: 1, index: 3 }]);
  });

  test("planted staleRoundConfirms takes the echo of an older round", () => {
    const server = leader(3, ["staleRoundConfirms"]);
    ask(server, 1);
    server.receive(echo("n2", 0));
    expect(server.reads).toHaveLength(1);
  });

  test("planted readWithoutRound answers without asking", () => {
    const server = leader(3, ["readWithoutRound"]);
    expect(ask(server, 1)).toEqual([]);
    expect(server.reads).toHaveLength(1);
  });

  test("a leader that steps down refuses its reads, in flight, waiting and early", () => {
    for (const server of [leader(), freshLeader()]) {
      ask(server, 1);
      ask(server, 2);
      server.receive({ ...echo("n2", 1), term: 3 });
      expect(server.raft.status().role).toBe("follower");
      expect(server.readsRefused).toEqual([1, 2]);
      expect(server.reads).toEqual([]);
    }
  });

  test("S43 a deposed leader that does not know it answers no read", () => {
    const cluster = new TestingCluster({ voters: ids(3), config: { random: () => 0.99 } });
    cluster.campaign("n1");
    cluster.isolate("n1");
    for (const id of ["n2", "n3"]) cluster.server(id).tick(10);
    cluster.campaign("n2");
    cluster.propose("n2", 1);
    read(cluster, "n1", 1);
    expect(cluster.server("n1").raft.status().role).toBe("leader");
    expect(cluster.server("n1").reads).toEqual([]);
    cluster.tick("n1", 10);
    expect(cluster.server("n1").readsRefused).toEqual([1]);
  });
});

describe("reads on a follower", () => {
  function following(chance = 0.5): TestingServer {
    const hardState = { term: 2, vote: null, commit: 0 };
    const config = { ...testingConfig("n1"), random: () => chance };
    const server = new TestingServer(config, testingMembership(ids(3)), [], hardState);
    const heartbeat = {
      type: "heartbeat",
      from: "n2",
      to: "n1",
      term: 2,
      commit: 0,
      round: 0,
      match: 0,
    } as const;
    server.receive(heartbeat);
    return server;
  }
  const numberOf = (messages: readonly Message[]): number => {
    const [message] = messages;
    if (message?.type !== "readIndexRequest") throw new Error("the leader was not asked");
    return message.context;
  };
  const answer = (context: number, index: number | null, from = "n2"): Message => {
    return { type: "readIndexResponse", from, to: "n1", term: 2, context, index };
  };

  test("are refused when no leader is known", () => {
    const hardState = { term: 2, vote: null, commit: 0 };
    const server = new TestingServer(testingConfig("n1"), testingMembership(ids(3)), [], hardState);
    expect(ask(server, 1)).toEqual([]);
    expect(server.readsRefused).toEqual([1]);
  });

  test("ask the leader; its null refuses, an answer to nothing is ignored", () => {
    const server = following();
    const request = { type: "readIndexRequest", from: "n1", to: "n2", term: 2 };
    const asked = ask(server, 1, 2);
    const first = numberOf(asked);
    expect(asked).toEqual([
      { ...request, context: first },
      { ...request, context: first + 1 },
    ]);
    server.receive(answer(first, 5, "n3"));
    server.receive(answer(first + 9, 5));
    expect(server.reads).toEqual([]);
    server.receive(answer(first, 5));
    server.receive(answer(first, 6));
    server.receive(answer(first + 1, null));
    expect(server.reads).toEqual([{ context: 1, index: 5 }]);
    expect(server.readsRefused).toEqual([2]);
  });

  test("are not answered by what a leader says to the life before", () => {
    const [before, after] = [following(0.25), following(0.75)];
    const old = numberOf(ask(before, 1));
    ask(after, 1);
    after.receive(answer(old, 5));
    expect(after.reads).toEqual([]);
  });

  test.each([
    { why: "the leader changes", step: { ...echo("n3", 0), term: 3 } },
    { why: "the connection was new", step: null },
  ])("are refused when $why", ({ step }) => {
    const server = following();
    ask(server, 1);
    if (step === null) server.raft.step({ type: "peerReset", peer: "n2" });
    else server.raft.step({ type: "receive", message: step });
    server.run();
    expect(server.readsRefused).toEqual([1]);
  });

  test("are given up after electionTicks without an answer", () => {
    const server = following();
    ask(server, 1);
    for (let i = 0; i < 10; i++) {
      expect(server.readsRefused).toEqual([]);
      server.receive({ ...answer(0, 0), type: "heartbeat", commit: 0, round: 0, match: 0 });
      server.tick();
    }
    expect(server.readsRefused).toEqual([1]);
  });

  test("a server that does not lead answers null", () => {
    const server = following();
    const question = { type: "readIndexRequest", from: "n3", to: "n1", context: 4 } as const;
    const refusal = { type: "readIndexResponse", to: "n3", term: 2, context: 4, index: null };
    expect(server.receive({ ...question, term: 2 })).toMatchObject([refusal]);
    expect(server.receive({ ...question, term: 1 })).toMatchObject([refusal]);
  });
});
