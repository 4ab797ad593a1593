/** A process that does nothing for a while, peers that take nothing, more work than there is room for. */
import type { StateMachine } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import type { RegisterResult } from "../linearizability/register-model.js";
import { encodeOp, executedIn, RegisterMachine, readRegister, strikes } from "./register-machine.js";
import { TestCluster, type TestClusterOptions } from "./test-cluster.js";
import type { VirtualClock } from "./virtual-clock.js";

const electionTimeoutMs = 500;
const MiB = 1 << 20;
const set = (key: string, value = "1") => ({ kind: "set", key, value }) as const;

async function started(options: Partial<TestClusterOptions> & { seed: number }) {
  const cluster = new TestCluster({ size: 3, electionTimeoutMs, ...options });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  await cluster.clock.run(500);
  return { cluster, leader, followers: cluster.ids.filter((id) => id !== leader) };
}

/** How often somebody came to lead. */
const elections = (cluster: TestCluster) =>
  cluster.lines.filter(({ message }) => message.startsWith("became leader")).length;

const seeds = Array.from({ length: 10 }, (_, seed) => seed + 1);

describe("an event loop that stands still for two election timeouts", () => {
  it.each(seeds)("of a follower: it hears its leader first, and nobody campaigns (seed %i)", async (seed) => {
    const { cluster, leader, followers } = await started({ seed });
    const [follower = ""] = followers;
    const { term } = cluster.node(leader).status();
    const before = cluster.lines.length;
    cluster.stall(follower);
    const call = cluster.begin(leader, set("meanwhile"));
    await cluster.clock.run(2 * electionTimeoutMs + seed * 17);
    expect(call.outcome?.kind).toBe("applied");
    cluster.wake(follower);
    await cluster.clock.run(3 * electionTimeoutMs);
    expect(cluster.lines.slice(before).filter(({ message }) => /^became/.test(message))).toEqual([]);
    for (const id of cluster.ids) expect(cluster.node(id).status()).toMatchObject({ term, leader });
    expect(readRegister(cluster.node(follower).view, "meanwhile")).toBe("1");
  });

  it.each(seeds)(
    "of the leader: one election at most, and it answers no read of before (seed %i)",
    async (seed) => {
      const { cluster, leader, followers } = await started({ seed });
      const before = elections(cluster);
      await cluster.propose(leader, set("a", "old"));
      cluster.stall(leader);
      const asked: { outcome?: string } = {};
      cluster.node(leader).readBarrier(({ kind }) => {
        asked.outcome = kind === "ready" ? `ready: ${readRegister(cluster.node(leader).view, "a")}` : kind;
      });
      const lost = cluster.begin(leader, set("b", "of the old leader"));
      const successor = await cluster.untilLeader(followers);
      await cluster.propose(successor, set("a", "new"));
      await cluster.clock.run(2 * electionTimeoutMs);
      cluster.wake(leader);
      await cluster.clock.until("both end", () => lost.times === 1 && asked.outcome !== undefined);
      expect(asked.outcome).not.toBe("ready: old");
      await cluster.clock.run(3 * electionTimeoutMs);
      expect(elections(cluster)).toBe(before + 1);
      expect(cluster.leader()).toBe(successor);
      expect(readRegister(cluster.node(leader).view, "a")).toBe("new");
    },
  );
});

describe("a peer that takes nothing", () => {
  it("while it fetches a snapshot: the others write on under the same leader, and it goes on afterwards", async () => {
    const { cluster, leader, followers } = await started({
      seed: 3,
      network: "memory",
      trailingEntries: 2,
      snapshotPartBytes: 40,
    });
    const [away = "", other = ""] = followers;
    cluster.crash(away);
    for (let i = 0; i < 40; i++) await cluster.propose(leader, set(`k${i}`));
    await cluster.clock.run(1_000);
    await cluster.start(away);
    await cluster.clock.until("it fetches", () => cluster.node(away).status().snapshotFrom === leader);
    const { term } = cluster.node(leader).status();
    cluster.isolate(away);
    for (let i = 0; i < 100; i++) {
      const begun = cluster.clock.monotonicMs();
      expect((await cluster.propose(leader, set("x".repeat(1000), `${i}`))).kind).toBe("applied");
      expect(cluster.clock.monotonicMs() - begun).toBeLessThan(50);
      await cluster.clock.run(50);
    }
    for (const id of [leader, other]) expect(cluster.node(id).status()).toMatchObject({ term, leader });
    cluster.heal();
    await cluster.clock.until(
      "it has caught up",
      () => cluster.node(away).status().applied >= cluster.node(leader).status().applied,
      60_000,
    );
    expect(readRegister(cluster.node(away).view, "k39")).toBe("1");
    expect(cluster.node(leader).status()).toMatchObject({ term, role: "leader" });
    expect(cluster.fatal).toEqual([]);
  });
});

describe("more than there is room for", () => {
  it("1 GiB for a leader that is cut off: it keeps 64 MiB, refuses the rest by name, and executes none", async () => {
    const { cluster, leader, followers } = await started({ seed: 4 });
    cluster.isolate(leader);
    const big = encodeOp(set("big", "x".repeat(MiB)));
    const calls = Array.from({ length: 1024 }, () => cluster.begin(leader, big));
    await cluster.clock.run(100);
    const waiting = calls.filter(({ outcome }) => outcome === undefined).length;
    expect(waiting).toBeGreaterThan(50);
    expect(waiting).toBeLessThanOrEqual(64);
    for (const { outcome } of calls) {
      if (outcome !== undefined) expect(outcome).toEqual({ kind: "refused", reason: "overloaded" });
    }
    expect(executedIn(cluster.node(leader).view)).toBe(0);
    const successor = await cluster.untilLeader(followers);
    await cluster.propose(successor, set("big", "small"));
    cluster.heal();
    await cluster.clock.until("all end", () => calls.every(({ times }) => times === 1));
    const kinds = new Set(calls.map(({ outcome }) => outcome?.kind));
    expect([...kinds].sort()).toEqual(["lost", "refused"]);
    expect(readRegister(cluster.node(leader).view, "big")).toBe("small");
  });

  it("ten times as much as a leader takes: no election, no call without an end, then all is as before", async () => {
    const { cluster, leader } = await started({ seed: 5 });
    const { term } = cluster.node(leader).status();
    const batch = async (): Promise<number> => {
      const begun = cluster.clock.monotonicMs();
      const calls = Array.from({ length: 100 }, (_, i) => cluster.begin(leader, set(`k${i}`)));
      await cluster.clock.until("all end", () => calls.every(({ times }) => times === 1));
      for (const { outcome } of calls) expect(outcome?.kind).toBe("applied");
      return cluster.clock.monotonicMs() - begun;
    };
    const before = Math.max(await batch(), await batch(), await batch());
    const big = encodeOp(set("big", "x".repeat(MiB)));
    const flood = Array.from({ length: 640 }, () => cluster.begin(leader, big));
    await cluster.clock.until("the flood ends", () => flood.every(({ times }) => times === 1));
    const refused = flood.filter(({ outcome }) => outcome?.kind === "refused");
    expect(refused.length).toBeGreaterThan(500);
    expect(flood.length - refused.length).toBeGreaterThan(50);
    await cluster.clock.run(1_000);
    expect(await batch()).toBeLessThanOrEqual(2 * before);
    for (const id of cluster.ids) expect(cluster.node(id).status()).toMatchObject({ term, leader });
  });

  it("so many entries to execute that it takes seconds: heartbeats go out between them", async () => {
    const clock: { virtual: VirtualClock | null } = { virtual: null };
    const machine = (): StateMachine<RegisterResult> => {
      const inner = new RegisterMachine();
      return {
        ...strikes,
        apply: (entry, view) => {
          clock.virtual?.spend(0.2);
          return inner.apply(entry, view);
        },
      };
    };
    const { cluster, leader } = await started({ seed: 6, machine });
    clock.virtual = cluster.clock;
    const { term } = cluster.node(leader).status();
    const { sent } = cluster.loopback(leader);
    const calls = Array.from({ length: 10_000 }, (_, i) => cluster.begin(leader, set(`k${i % 100}`)));
    const begun = cluster.clock.monotonicMs();
    const beats = () => sent.filter(({ type }) => type === "heartbeat").length;
    let gap = 0;
    let lastBeat = begun;
    let seen = beats();
    while (!calls.every(({ times }) => times === 1)) {
      await cluster.clock.run(5);
      const now = cluster.clock.monotonicMs();
      if (beats() > seen) lastBeat = now;
      gap = Math.max(gap, now - lastBeat);
      seen = beats();
    }
    expect(cluster.clock.monotonicMs() - begun).toBeGreaterThan(2_000);
    expect(gap).toBeLessThan(electionTimeoutMs / 2);
    for (const id of cluster.ids) expect(cluster.node(id).status()).toMatchObject({ term, leader });
  });
});

it("a new leader that has the log and not yet the state answers no read before it has", async () => {
  const held: (() => void)[] = [];
  let slow: string | null = null;
  const names: string[] = [];
  const machine = (): StateMachine<RegisterResult> => {
    const id = `n${names.length + 1}`;
    names.push(id);
    const inner = new RegisterMachine();
    return {
      ...strikes,
      apply: (entry, view) => {
        if (id !== slow) return inner.apply(entry, view);
        return new Promise((resolve) => held.push(() => resolve(inner.apply(entry, view))));
      },
    };
  };
  const { cluster, leader, followers } = await started({ seed: 7, machine });
  const [stale = "", other = ""] = followers;
  slow = stale;
  for (let i = 0; i < 5; i++) await cluster.propose(leader, set("a", `${i}`));
  await cluster.clock.run(200);
  expect(readRegister(cluster.node(stale).view, "a")).toBe(null);
  cluster
    .node(leader)
    .transfer(stale)
    .catch(() => undefined);
  await cluster.clock.until("it leads", () => cluster.node(stale).status().role === "leader");
  let read: string | null = null;
  cluster.node(stale).readBarrier(({ kind }) => {
    read = kind === "ready" ? readRegister(cluster.node(stale).view, "a") : kind;
  });
  await cluster.clock.run(200);
  expect([read, cluster.node(stale).status().canServe]).toEqual([null, false]);
  slow = null;
  while (held.length > 0) {
    held.shift()?.();
    await cluster.clock.run(10);
  }
  await cluster.clock.until("the read is answered", () => read !== null);
  expect(read).toBe("4");
  expect(cluster.node(other).status().leader).toBe(stale);
});
