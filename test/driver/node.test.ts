import type { StateMachine } from "@quorate/raft";
import type { PendingWrite } from "@quorate/raft/memory";
import { describe, expect, it } from "vitest";
import type { RegisterResult } from "../linearizability/register-model.js";
import { encodeOp, RegisterMachine, readRegister, strikes } from "./register-machine.js";
import { TestCluster } from "./test-cluster.js";

const set = (key: string, value = "1") => ({ kind: "set", key, value }) as const;

async function started(
  size: number,
  seed: number,
  options: { machine?: () => StateMachine<RegisterResult> } = {},
) {
  const cluster = new TestCluster({ size, seed, ...options });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  await cluster.clock.run(500);
  return { cluster, leader, followers: cluster.ids.filter((id) => id !== leader) };
}

describe("a turn", () => {
  it("proposes, stores and sends together what arrived together", async () => {
    const { cluster, leader, followers } = await started(3, 1);
    const transport = cluster.loopback(leader);
    const batches: number[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader && write.batch.entries.length > 0) batches.push(write.batch.entries.length);
      cluster.clock.after(1, () => write.complete());
    });
    transport.sent.length = 0;
    const calls = Array.from({ length: 50 }, (_, at) => cluster.begin(leader, set(`k${at}`)));
    await cluster.clock.until("all end", () => calls.every(({ times }) => times === 1));
    expect(batches).toEqual([50]);
    for (const to of followers) {
      const appends = transport.sent.filter(
        (message) => message.type === "appendEntries" && message.to === to,
      );
      expect(appends.map((message) => "entries" in message && message.entries.length)).toContain(50);
    }
  });

  it("goes without further proposals while more is under way, and takes all of them with the news of a commit", async () => {
    const { cluster, leader, followers } = await started(3, 18);
    const transport = cluster.loopback(leader);
    const held: PendingWrite[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader) cluster.clock.after(1, () => write.complete());
      else held.push(write);
    });
    const rounds = () => {
      const appends = transport.sent.filter(
        (message) => message.type === "appendEntries" && message.to === followers[0],
      );
      return appends.map((message) => ("entries" in message ? message.entries.length : 0));
    };
    transport.sent.length = 0;
    const first = Array.from({ length: 5 }, (_, at) => cluster.begin(leader, set(`a${at}`)));
    await cluster.clock.until("the first round is under way", () => held.length === 2);
    const later: (typeof first)[number][] = [];
    for (let at = 0; at < 4; at++) {
      later.push(cluster.begin(leader, set(`b${at}`)));
      await cluster.clock.run(5);
    }
    expect(rounds()).toEqual([5]);
    cluster.onWrite((_id, write) => cluster.clock.after(1, () => write.complete()));
    for (const write of held) write.complete();
    await cluster.clock.until("all end", () => [...first, ...later].every(({ times }) => times === 1));
    // One message, with the commit index of the round before it.
    expect(rounds().slice(0, 2)).toEqual([5, 4]);
    expect([...first, ...later].map(({ outcome }) => outcome?.kind)).toEqual(Array(9).fill("applied"));
  });

  it("hands entries to the peers before the disk gets them, and news of a commit after the answers, if nothing else tells it", async () => {
    const { cluster, leader } = await started(3, 20);
    const transport = cluster.loopback(leader);
    const entriesLeft: boolean[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader && write.batch.entries.length > 0)
        entriesLeft.push(transport.flushed === transport.sent.length);
      cluster.clock.after(1, () => write.complete());
    });
    const appends = () =>
      transport.sent.flatMap((message) =>
        message.type === "appendEntries" ? [message.silent ? "news" : "entries"] : [],
      );
    const told = async (...ops: readonly string[]) => {
      transport.sent.length = 0;
      let atAnswer: readonly string[] = [];
      let ended = 0;
      const propose = () =>
        cluster.node(leader).propose(encodeOp(set("a")), () => {
          ended++;
          atAnswer = appends();
          if (ended < ops.length) propose();
        });
      propose();
      await cluster.clock.until("the proposals end", () => ended === ops.length);
      await cluster.clock.run(3);
      return [atAnswer, appends()];
    };
    const one = ["entries", "entries"];
    const news = ["news", "news"];
    expect(await told("a lone one")).toEqual([one, [...one, ...news]]);
    expect(await told("one", "and another behind it")).toEqual([
      [...one, ...one],
      [...one, ...one, ...news],
    ]);
    expect(entriesLeft).toEqual([true, true, true]);
    expect(transport.flushed).toBe(transport.sent.length);
  });

  it("leaves no proposal waiting when the leader loses its majority: it was not executed, and says so", async () => {
    const { cluster, leader, followers } = await started(3, 19);
    for (const follower of followers) cluster.cut(leader, follower);
    const first = [cluster.begin(leader, set("a")), cluster.begin(leader, set("b"))];
    await cluster.clock.run(20);
    const waiting = cluster.begin(leader, set("c"));
    await cluster.clock.until("the leader gives up", () => waiting.times === 1);
    expect(waiting.outcome).toEqual({ kind: "refused", reason: "notLeader" });
    expect(first.map(({ times }) => times)).toEqual([0, 0]);
  });

  it("asks once for all reads that arrived together", async () => {
    const { cluster, leader } = await started(3, 2);
    const transport = cluster.loopback(leader);
    transport.sent.length = 0;
    let ready = 0;
    for (let read = 0; read < 50; read++) cluster.node(leader).readBarrier(() => ready++);
    await cluster.clock.until("all reads are ready", () => ready === 50);
    const rounds = new Set(
      transport.sent.flatMap((message) => (message.type === "heartbeat" ? [message.round] : [])),
    );
    expect(rounds.size).toBeLessThanOrEqual(2);
  });

  it("never settles inside the call, nor twice, and a settle may call again or throw", async () => {
    const { cluster, leader } = await started(1, 3);
    const node = cluster.node(leader);
    const order: string[] = [];
    node.propose(encodeOp(set("a")), () => {
      order.push("first");
      node.propose(encodeOp(set("b")), () => order.push("second"));
      node.readBarrier(() => order.push("read"));
      order.push("inside");
      throw new Error("the caller's own fault");
    });
    order.push("called");
    await cluster.clock.run(1_000);
    expect(order.slice(0, 3)).toEqual(["called", "first", "inside"]);
    expect(order.slice(3).sort()).toEqual(["read", "second"]);
    expect(cluster.lines.some(({ message }) => message === "a callback given to the Raft node threw")).toBe(
      true,
    );
    expect(cluster.fatal).toEqual([]);
  });
});

describe("the disk", () => {
  it("of the leader is not waited for, once a majority has the entry", async () => {
    const { cluster, leader } = await started(3, 4);
    const held: PendingWrite[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader) held.push(write);
      else cluster.clock.after(1, () => write.complete());
    });
    expect((await cluster.propose(leader, set("a"))).kind).toBe("applied");
    expect(held).toHaveLength(1);
    expect(await cluster.barrier(leader)).toMatchObject({ kind: "ready" });
    expect(readRegister(cluster.node(leader).view, "a")).toBe("1");
    // Nothing but the log went to that disk, and the effects follow it.
    expect(held[0]?.batch.applied).toBeNull();
    held[0]?.complete();
    await cluster.clock.until("the effects follow", () => held.length === 2);
    expect(held[1]?.batch).toMatchObject({ entries: [], applied: held[0]?.batch.entries.at(-1)?.index });
  });

  it("that is slow pauses execution when 8 MiB of effects wait for it, and never the log", async () => {
    const { cluster, leader } = await started(3, 17);
    const held: PendingWrite[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader) held.push(write);
      else cluster.clock.after(1, () => write.complete());
    });
    const before = cluster.node(leader).status().commit;
    const big = "x".repeat(1 << 20);
    const calls = Array.from({ length: 12 }, (_, at) => cluster.begin(leader, set(`k${at}`, big)));
    await cluster.clock.run(1_000);
    expect(cluster.node(leader).status().commit).toBe(before + 12);
    expect(calls.filter(({ times }) => times === 1)).toHaveLength(8);
    cluster.onWrite(undefined);
    for (const write of held) write.complete();
    await cluster.clock.until("all end", () => calls.every(({ outcome }) => outcome?.kind === "applied"));
    for (let at = 0; at < 12; at++) expect(readRegister(cluster.node(leader).view, `k${at}`)).toBe(big);
  });

  it("of a leader that hangs costs it the lead, although it is heard; writes go on elsewhere", async () => {
    const { cluster, leader, followers } = await started(3, 16);
    const held: PendingWrite[] = [];
    cluster.onWrite((id, write) => {
      if (id === leader) held.push(write);
      else cluster.clock.after(1, () => write.complete());
    });
    await cluster.propose(leader, set("a"));
    const hungAt = cluster.clock.monotonicMs();
    const successor = await cluster.untilLeader(followers);
    expect(cluster.clock.monotonicMs() - hungAt).toBeLessThan(2_000);
    expect((await cluster.propose(successor, set("b"))).kind).toBe("applied");
    // Its disk answers again: it catches up, and keeps what it had promised.
    cluster.onWrite(undefined);
    for (const write of held) write.complete();
    await cluster.clock.run(2_000);
    expect(readRegister(cluster.node(leader).view, "b")).toBe("1");
    expect(cluster.leader()).toBe(successor);
    expect(cluster.fatal).toEqual([]);
  });

  it("gets the effects of an idle node after 100 ms", async () => {
    const { cluster, leader } = await started(3, 5);
    await cluster.propose(leader, set("a"));
    await cluster.clock.run(400);
    for (const id of cluster.ids) cluster.crash(id, "lost");
    for (const id of cluster.ids) {
      expect(readRegister({ get: (key) => cluster.disk(id).state.get(key) }, "a")).toBe("1");
    }
  });

  it.each([false, true])(
    "fails once and for all; nothing is acknowledged afterwards (reached: %s)",
    async (reached) => {
      const { cluster, leader, followers } = await started(3, 6);
      const node = cluster.node(leader);
      const transport = cluster.loopback(leader);
      let failing = true;
      cluster.onWrite((id, write) => {
        if (id === leader && failing) {
          failing = false;
          cluster.clock.after(0.1, () => write.fail(new Error("I/O error"), reached));
        } else cluster.clock.after(1, () => write.complete());
      });
      const call = cluster.begin(leader, set("a"));
      await cluster.clock.until("the failure", () => cluster.fatal.length > 0);
      const sent = transport.sent.length;
      expect(call).toEqual({ outcome: { kind: "unknown" }, times: 1 });
      expect(await cluster.propose(leader, set("b"))).toEqual({ kind: "refused", reason: "stopped" });
      expect(await cluster.barrier(leader)).toEqual({ kind: "refused" });
      await expect(node.request(followers[0] ?? "", new Uint8Array(), 1)).rejects.toThrow("has stopped");
      await expect(node.transfer(followers[0] ?? "")).rejects.toThrow("has stopped");
      await cluster.untilLeader(followers);
      expect(transport.sent.length).toBe(sent);
      expect(cluster.fatal).toHaveLength(1);
      expect(cluster.fatal[0]?.error.message).toMatch(/I\/O error/);
      await cluster.stop(leader);
      expect(cluster.fatal).toHaveLength(1);
    },
  );
});

describe("the state machine", () => {
  it("that throws ends the node before anything of that entry is stored", async () => {
    const machine = () => {
      const good = new RegisterMachine();
      const apply: RegisterMachine["apply"] = (entry, view) => {
        if (Buffer.from(entry.data).includes("poison")) throw new Error("stack overflow");
        return good.apply(entry, view);
      };
      return { ...strikes, apply };
    };
    const { cluster, leader } = await started(1, 7, { machine });
    await cluster.propose(leader, set("a"));
    const applied = cluster.node(leader).view.index;
    expect(await cluster.propose(leader, set("poison"))).toEqual({ kind: "unknown" });
    expect(cluster.fatal).toHaveLength(1);
    expect(cluster.fatal[0]?.error).toMatchObject({
      message: `the state machine failed at entry ${applied + 1}, which was not kept`,
      cause: new Error("stack overflow"),
    });
    await cluster.clock.run(1_000);
    cluster.crash(leader);
    expect(cluster.disk(leader).open().restored.applied).toBeLessThanOrEqual(applied);
  });

  it("may wait for data; later entries and reads wait with it", async () => {
    const good = new RegisterMachine();
    const waiting: (() => void)[] = [];
    const machine = (): StateMachine<RegisterResult> => ({
      ...strikes,
      apply: (entry, view) =>
        Buffer.from(entry.data).includes("slow")
          ? new Promise((resolve) => waiting.push(() => resolve(good.apply(entry, view))))
          : good.apply(entry, view),
    });
    const { cluster, leader } = await started(1, 8, { machine });
    const slow = cluster.begin(leader, set("slow"));
    const next = cluster.begin(leader, set("next"));
    let read = false;
    await cluster.clock.run(300);
    cluster.node(leader).readBarrier(() => {
      read = true;
    });
    await cluster.clock.run(300);
    expect([slow.times, next.times, read, waiting.length]).toEqual([0, 0, false, 1]);
    waiting[0]?.();
    await cluster.clock.run(300);
    expect([slow.outcome?.kind, next.outcome?.kind, read]).toEqual(["applied", "applied", true]);
  });
});

describe("leadership", () => {
  it("moves when the leader dies; the lost connection is noticed long before the election timeout", async () => {
    const { cluster, leader, followers } = await started(5, 9);
    await cluster.propose(leader, set("a"));
    const diedAt = cluster.clock.monotonicMs();
    cluster.crash(leader);
    const successor = await cluster.untilLeader(followers);
    expect(cluster.clock.monotonicMs() - diedAt).toBeLessThan(450);
    expect((await cluster.barrier(successor)).kind).toBe("ready");
    expect(readRegister(cluster.node(successor).view, "a")).toBe("1");
    expect(cluster.node(successor).status().failureTolerance).toBe(1);
  });

  it("is handed over on request", async () => {
    const { cluster, leader, followers } = await started(3, 10);
    const to = followers[0] ?? "";
    let moved = false;
    const moving = cluster
      .node(leader)
      .transfer(to)
      .then(() => {
        moved = true;
      });
    await cluster.clock.until("leadership moved", () => moved);
    await moving;
    expect(await cluster.untilLeader()).toBe(to);
    let refused: unknown;
    cluster
      .node(leader)
      .transfer(to)
      .catch((error: unknown) => {
        refused = error;
      });
    await cluster.clock.run(1);
    expect(String(refused)).toMatch(`leadership cannot be handed to ${to}: this node does not lead`);
  });

  it("is not handed to a dead node, and the caller learns it", async () => {
    const { cluster, leader, followers } = await started(3, 11);
    const to = followers[0] ?? "";
    cluster.crash(to);
    let failure: unknown;
    cluster
      .node(leader)
      .transfer(to)
      .catch((error: unknown) => {
        failure = error;
      });
    await cluster.clock.until("the transfer is given up", () => failure !== undefined);
    expect(String(failure)).toMatch(`TransferFailed: ${to} did not take over leadership in time`);
    expect((await cluster.propose(leader, set("a"))).kind).toBe("applied");
    await expect(cluster.node(leader).transfer("n9")).rejects.toThrow(/"n9": it must be one of/);
    await expect(cluster.node(leader).transfer(leader)).rejects.toThrow(/must be one of/);
  });

  it("is lost with the majority: reads and writes that wait end as refused and, later, lost", async () => {
    const { cluster, leader, followers } = await started(3, 12);
    cluster.isolate(leader);
    const calls = [1, 2, 3].map((at) => cluster.begin(leader, set(`k${at}`)));
    expect(await cluster.barrier(leader)).toEqual({ kind: "refused" });
    const successor = await cluster.untilLeader(followers);
    for (let at = 0; at < 5; at++) await cluster.propose(successor, set("a", `${at}`));
    expect(calls.map(({ times }) => times)).toEqual([0, 0, 0]);
    cluster.heal();
    await cluster.clock.until("the calls end", () => calls.every(({ times }) => times === 1));
    expect(calls.map(({ outcome }) => outcome)).toEqual([1, 2, 3].map(() => ({ kind: "lost" })));
    expect(cluster.node(leader).status().proposalsPending).toBe(0);
  });

  it("tells listeners what can be seen from outside, until they unsubscribe", async () => {
    const { cluster, leader, followers } = await started(3, 13);
    const seen: (string | null)[] = [];
    const follower = cluster.node(followers[0] ?? "");
    const unsubscribe = follower.onChange(() => seen.push(follower.status().leader));
    cluster.crash(leader);
    await cluster.untilLeader(followers);
    await cluster.clock.run(200);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.at(-1)).toBe(cluster.leader());
    unsubscribe();
    const times = seen.length;
    await cluster.start(leader);
    await cluster.clock.run(500);
    expect(seen).toHaveLength(times);
  });
});

describe("stop", () => {
  it("makes the effects of everything executed durable and ends every call", async () => {
    const { cluster, leader } = await started(1, 14);
    expect((await cluster.propose(leader, set("a"))).kind).toBe("applied");
    const { node } = cluster.get(leader);
    const held: PendingWrite[] = [];
    cluster.onWrite((_id, write) => held.push(write));
    const inTheLog = cluster.begin(leader, set("b"));
    await cluster.clock.until("it is being written", () => held[0]?.batch.entries.length === 1);
    cluster.onWrite(undefined);
    const waiting = cluster.begin(leader, set("c"));
    const stopped = cluster.stop(leader);
    held[0]?.complete();
    await stopped;
    expect(inTheLog).toEqual({ outcome: { kind: "unknown" }, times: 1 });
    expect(waiting).toEqual({ outcome: { kind: "refused", reason: "stopped" }, times: 1 });
    let refused: unknown;
    node.propose(encodeOp(set("c")), (outcome) => {
      refused = outcome;
    });
    await cluster.clock.run(1);
    expect(refused).toEqual({ kind: "refused", reason: "stopped" });
    const storage = cluster.disk(leader).open();
    expect(readRegister(storage, "a")).toBe("1");
    expect(storage.restored.applied).toBe(node.view.index);
    await node.stop();
  });

  it("closes connections, so that the others elect at once", async () => {
    const { cluster, leader, followers } = await started(3, 15);
    await cluster.stop(leader);
    const stoppedAt = cluster.clock.monotonicMs();
    await cluster.untilLeader(followers);
    expect(cluster.clock.monotonicMs() - stoppedAt).toBeLessThan(450);
  });
});
