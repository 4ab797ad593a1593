/** The labs of MIT's course 6.5840 (scenario 54), on cores and a network without time: many rounds, few messages. */
import { describe, expect, test } from "vitest";
import type { Message, MessageType } from "./messages.js";
import { createRandom, randomInteger } from "./prng.js";
import { TestingCluster } from "./testing-cluster.js";
import type { NodeId } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);
const requests: readonly MessageType[] = ["preVoteRequest", "requestVote", "appendEntries", "heartbeat"];

function requestsOf(messages: readonly Message[]): Message[] {
  return messages.filter(({ type }) => requests.includes(type));
}

function commitOf(cluster: TestingCluster, id: NodeId): number {
  return cluster.server(id).raft.status().commit;
}

/** Time passes until somebody leads, among those that are given. */
function untilLeader(cluster: TestingCluster, among: readonly NodeId[]): NodeId {
  for (let ticks = 0; ticks < 500; ticks++) {
    const leader = cluster.leaders.find((id) => among.includes(id));
    if (leader !== undefined) return leader;
    for (const id of among) cluster.tick(id);
  }
  throw new Error(`nobody of ${among.join(", ")} came to lead`);
}

/** Everybody holds the same log, and all of it is committed. */
function expectAgreement(cluster: TestingCluster): void {
  cluster.heal();
  cluster.tickAll(60);
  const [leader = ""] = cluster.leaders;
  cluster.propose(leader, 1);
  // Some answer only a heartbeat from now.
  cluster.tickAll(20);
  const { terms, disk } = cluster.server(leader);
  for (const [id, server] of cluster.servers) {
    expect(server.terms, id).toEqual(terms);
    expect(server.disk, id).toEqual(disk);
    expect(commitOf(cluster, id), id).toBe(terms.length);
  }
}

describe("S54 elections", () => {
  test("many elections: of seven, three different ones are cut off each time, and the rest has one leader", () => {
    const random = createRandom(54);
    const cluster = new TestingCluster({ voters: ids(7) });
    untilLeader(cluster, ids(7));
    for (let round = 0; round < 30; round++) {
      const away = ids(7)
        .sort(() => random() - 0.5)
        .slice(0, 3);
      for (const id of away) cluster.isolate(id);
      cluster.tickAll(12);
      const rest = ids(7).filter((id) => !away.includes(id));
      const leader = untilLeader(cluster, rest);
      cluster.propose(leader, round);
      const { commit, lastIndex } = cluster.server(leader).raft.status();
      expect(commit).toBe(lastIndex);
      cluster.heal();
      cluster.tickAll(30);
      expect(cluster.leaders).toHaveLength(1);
    }
    expectAgreement(cluster);
  });

  test("re-election: without a majority nobody leads; with it again, one does", () => {
    const cluster = new TestingCluster({ voters: ids(3) });
    const first = untilLeader(cluster, ids(3));
    cluster.isolate(first);
    const others = ids(3).filter((id) => id !== first);
    const second = untilLeader(cluster, others);
    cluster.heal();
    cluster.tickAll(3);
    expect(cluster.leaders).toEqual([second]);
    for (const id of others) cluster.isolate(id);
    cluster.tickAll(60);
    expect(cluster.leaders).toEqual([]);
    cluster.heal();
    cluster.tickAll(60);
    expect(cluster.leaders).toHaveLength(1);
  });
});

describe("S54 few messages, few bytes", () => {
  // As in production: a heartbeat every 5 ticks, elections after 50.
  const config = { heartbeatTicks: 5, electionTicks: 50 };
  const started = () => {
    const cluster = new TestingCluster({ voters: ids(3), config });
    const leader = untilLeader(cluster, ids(3));
    cluster.tickAll(5);
    return { cluster, leader };
  };

  test("an election takes at most 30 requests", () => {
    const { cluster } = started();
    expect(requestsOf(cluster.sent).length).toBeLessThanOrEqual(30);
  });

  test("k proposals, one after the other, take at most 3 × (k + 1 + 3)", () => {
    const { cluster, leader } = started();
    const count = 10;
    const before = cluster.sent.length;
    for (let i = 0; i < count; i++) cluster.propose(leader, i);
    expect(requestsOf(cluster.sent.slice(before)).length).toBeLessThanOrEqual(3 * (count + 1 + 3));
  });

  test("an idle second takes at most 60", () => {
    const { cluster } = started();
    const before = cluster.sent.length;
    cluster.tickAll(100);
    expect(requestsOf(cluster.sent.slice(before)).length).toBeLessThanOrEqual(60);
  });

  test("each entry travels to each follower once", () => {
    const { cluster, leader } = started();
    const before = cluster.sent.length;
    const sizes = Array.from({ length: 10 }, () => 5000);
    for (const [context, size] of sizes.entries()) {
      const proposals = [{ context, data: new Uint8Array(size) }];
      cluster.server(leader).raft.step({ type: "propose", proposals });
      cluster.settle();
    }
    cluster.tickAll(100);
    let bytes = 0;
    for (const message of cluster.sent.slice(before)) {
      if (message.type !== "appendEntries") continue;
      for (const { data } of message.entries) bytes += data.length;
    }
    expect(bytes).toBe(2 * 10 * 5000);
  });
});

describe("S54 logs", () => {
  test("backup: fifty entries that nobody else has, twice, on two sides", () => {
    const cluster = new TestingCluster({ voters: ids(5) });
    const fifty = Array.from({ length: 50 }, (_, i) => i);
    const first = untilLeader(cluster, ids(5));
    const [ally = "", ...rest] = ids(5).filter((id) => id !== first);
    for (const id of rest) for (const cutOff of [first, ally]) cluster.cut(id, cutOff);
    cluster.propose(first, ...fifty);
    cluster.tickAll(12);
    const second = untilLeader(cluster, rest);
    cluster.propose(second, ...fifty);
    expect(commitOf(cluster, second)).toBeGreaterThan(50);
    const alone = rest.find((id) => id !== second) ?? "";
    cluster.isolate(alone);
    cluster.propose(second, ...fifty);
    expectAgreement(cluster);
    const rejections = cluster.sent.filter(({ type }) => type === "appendEntriesRejected").length;
    expect(rejections).toBeLessThan(20);
  });

  test("rejoin: a leader with entries of its own comes back twice, and takes the others'", () => {
    const cluster = new TestingCluster({ voters: ids(3) });
    const first = untilLeader(cluster, ids(3));
    cluster.isolate(first);
    cluster.propose(first, 1, 2, 3);
    const second = untilLeader(
      cluster,
      ids(3).filter((id) => id !== first),
    );
    cluster.propose(second, 4);
    cluster.heal();
    cluster.isolate(second);
    const third = untilLeader(
      cluster,
      ids(3).filter((id) => id !== second),
    );
    cluster.propose(third, 5);
    expectAgreement(cluster);
  });

  test("persist: all, some or one of five restart, in turn with writes, and nothing that was committed is missing", () => {
    const random = createRandom(3);
    const cluster = new TestingCluster({ voters: ids(5) });
    let committed: readonly unknown[] = [];
    for (let round = 0; round < 40; round++) {
      const leader = untilLeader(cluster, ids(5));
      cluster.propose(leader, round % 200);
      const { disk } = cluster.server(leader);
      expect(disk.slice(0, committed.length)).toEqual(committed);
      committed = disk.slice(0, commitOf(cluster, leader));
      const many = round % 3 === 0 ? 5 : randomInteger(random, 1, 4);
      for (const id of ids(5).slice(0, many)) cluster.server(id).restart();
      cluster.tickAll(30);
    }
    expectAgreement(cluster);
  });

  test("figure 8 with an unreliable network, 1000 rounds; then all agree", () => {
    const random = createRandom(8);
    // One entry in each AppendEntries: more moments in which only a part of a log has arrived.
    const cluster = new TestingCluster({ voters: ids(5), config: { maxAppendBytes: 1 } });
    /** Committed so far, by index: may never change. */
    const committed = new Map<number, string>();
    for (let round = 0; round < 1000; round++) {
      const someone = `n${randomInteger(random, 1, 5)}`;
      const { raft } = cluster.server(someone);
      raft.step({ type: "propose", proposals: [{ context: round, data: new Uint8Array([round % 256]) }] });
      for (const id of ids(5)) if (random() < 0.8) cluster.server(id).raft.step({ type: "tick" });
      cluster.collect();
      const batch = cluster.network;
      cluster.network = [];
      for (const message of batch) {
        if (random() < 0.1) continue;
        if (random() < 0.6)
          cluster.network.splice(randomInteger(random, 0, cluster.network.length), 0, message);
        else cluster.deliver(message);
      }
      // Leaders crash more often than others: right after they have taken something.
      if (random() < (raft.status().role === "leader" ? 0.3 : 0.01)) cluster.server(someone).restart();
      for (const server of cluster.servers.values()) {
        const { commit } = server.raft.status();
        for (let index = committed.size + 1; index <= Math.min(commit, server.disk.length); index++) {
          const entry = server.disk[index - 1];
          committed.set(index, `${entry?.term}/${entry?.data.join()}`);
        }
      }
    }
    expect(committed.size).toBeGreaterThan(20);
    cluster.network = [];
    expectAgreement(cluster);
    for (const server of cluster.servers.values()) {
      for (const [index, text] of committed) {
        const entry = server.disk[index - 1];
        expect(`${entry?.term}/${entry?.data.join()}`, `entry ${index}`).toBe(text);
      }
    }
  });
});
