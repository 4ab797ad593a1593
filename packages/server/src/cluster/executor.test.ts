import { beforeEach, describe, expect, it } from "vitest";
import { batchOf } from "../rpc/batch.js";
import type { CallResult, MethodCall } from "../rpc/ports.js";
import { encodeValue } from "../state/value-encoding.js";
import { forwardVersion } from "./forwarding.js";
import { deadlineMs, executorRig, leaderWaitMs } from "./testing-rig.js";

const command: MethodCall = { kind: "command", method: "kv.set", params: ["a", 1] };
const query: MethodCall = { kind: "query", method: "kv.get", params: ["a"] };
const done: CallResult = { ok: true, value: true };

/** Lets the promises of answered requests run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

let r: ReturnType<typeof executorRig>;
beforeEach(() => {
  r = executorRig();
});

describe("on the leader", () => {
  beforeEach(() => r.raft.lead("n1"));

  it("ends a command as its result, and leaves no timer behind", () => {
    r.start(command);
    r.raft.proposals[0]?.({ kind: "applied", index: 41, result: done });
    expect(r.outcomes).toEqual([{ kind: "result", result: done, index: 41 }]);
    expect(r.clock.timers).toBe(0);
    expect(r.executor.pending).toBe(0);
  });

  it("reads after the barrier only", () => {
    r.start(query);
    expect(r.outcomes).toEqual([]);
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: ["read", "a"] }, index: 40 }]);
  });

  it("tells an overloaded caller at once", () => {
    r.start(command);
    r.raft.proposals[0]?.({ kind: "refused", reason: "overloaded" });
    expect(r.outcomes).toEqual([{ kind: "overloaded" }]);
  });

  it("refuses an entry that could never travel to a majority, before proposing it", () => {
    const { length } = r.raft.proposals;
    r.start({ ...command, method: "x".repeat(33 * 1024 * 1024) });
    expect(r.outcomes).toMatchObject([{ kind: "tooLarge" }]);
    expect(r.raft.proposals).toHaveLength(length);
  });

  it("tries a lost command again: another entry committed in its place", () => {
    r.start(command);
    r.raft.proposals[0]?.({ kind: "lost" });
    r.clock.advance(50);
    r.raft.proposals[1]?.({ kind: "applied", index: 44, result: done });
    expect(r.outcomes).toEqual([{ kind: "result", result: done, index: 44 }]);
  });

  it("ends as unknown when the deadline passes after proposing", () => {
    r.start(command);
    r.clock.advance(deadlineMs);
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
    r.raft.proposals[0]?.({ kind: "applied", index: 41, result: done });
    expect(r.outcomes).toHaveLength(1);
  });

  it("ends as unknown when this node stops after proposing", () => {
    r.start(command);
    r.raft.proposals[0]?.({ kind: "unknown" });
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
  });

  it("ends a query as not executed when its barrier never came", () => {
    r.start(query);
    r.clock.advance(deadlineMs);
    expect(r.outcomes).toMatchObject([{ kind: "noLeader" }]);
  });

  it("refuses more calls than may wait", () => {
    const small = executorRig({ pendingMax: 2 });
    small.raft.lead("n1");
    for (let i = 0; i < 3; i++) small.start(command);
    expect(small.outcomes).toEqual([{ kind: "overloaded" }]);
    expect(small.raft.proposals).toHaveLength(2);
  });
});

describe("a command that was proposed once", () => {
  it.each(["redirect", "fault", "forward"] as const)(
    "is never answered as not executed (%s)",
    async (route) => {
      r.raft.lead("n1");
      r.start(command, route);
      r.raft.lead("n2");
      r.raft.proposals[0]?.({ kind: "lost" });
      r.clock.advance(50);
      // It goes on inside, as a forwarded call, whatever the caller's route is.
      expect(r.raft.requests).toHaveLength(1);
      r.raft.requests[0]?.fail(false);
      await settled();
      r.raft.lead(null);
      r.clock.advance(deadlineMs);
      expect(r.outcomes).toEqual([{ kind: "unknown" }]);
    },
  );

  it("is not refused as overloaded either", () => {
    r.raft.lead("n1");
    r.start(command);
    r.raft.proposals[0]?.({ kind: "lost" });
    r.clock.advance(50);
    r.raft.proposals[1]?.({ kind: "refused", reason: "overloaded" });
    r.clock.advance(50);
    r.raft.proposals[2]?.({ kind: "applied", index: 50, result: done });
    expect(r.outcomes).toEqual([{ kind: "result", result: done, index: 50 }]);
  });
});

describe("without a leader", () => {
  it("waits two election timeouts, then says so", () => {
    r.start(command);
    r.clock.advance(leaderWaitMs - 1);
    expect(r.outcomes).toEqual([]);
    r.clock.advance(1);
    expect(r.outcomes).toMatchObject([{ kind: "noLeader" }]);
    expect(r.clock.timers).toBe(0);
  });

  it("goes on as soon as there is one", () => {
    r.start(command);
    r.clock.advance(500);
    r.raft.touch();
    r.raft.lead("n1");
    expect(r.raft.proposals).toHaveLength(1);
  });

  it("waits while leadership moves, and follows it", () => {
    r.raft.lead("n1");
    r.start(command);
    r.raft.proposals[0]?.({ kind: "refused", reason: "transferring" });
    r.raft.lead("n2");
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
  });
});

describe("on another node", () => {
  beforeEach(() => r.raft.lead("n2"));

  it.each(["redirect", "fault"] as const)("names the leader to a caller of mode %s", (route) => {
    r.start(command, route);
    expect(r.outcomes).toEqual([{ kind: "notLeader", leader: "n2", url: "http://n2:8000" }]);
    expect(r.raft.requests).toEqual([]);
  });

  it("forwards with what is left of the deadline", async () => {
    r.raft.lead(null);
    r.start(command);
    r.clock.advance(600);
    r.raft.lead("n3");
    expect(r.raft.requests).toMatchObject([{ peer: "n3", timeoutMs: deadlineMs - 600 }]);
    r.raft.requests[0]?.answer(encodeValue([forwardVersion, "value", 41, true]));
    await settled();
    expect(r.outcomes).toEqual([{ kind: "result", result: done, index: 41 }]);
    expect(r.forwards).toEqual(["result"]);
  });

  it("does not send what could not travel", async () => {
    r.start({ ...command, method: "x".repeat(33 * 1024 * 1024) });
    await settled();
    expect(r.outcomes).toMatchObject([{ kind: "tooLarge" }]);
    expect(r.raft.requests).toEqual([]);
  });

  it("tries again what never left this node", async () => {
    r.start(command);
    r.raft.requests[0]?.fail(false);
    await settled();
    expect(r.outcomes).toEqual([]);
    r.raft.lead("n3");
    expect(r.raft.requests[1]?.peer).toBe("n3");
  });

  it("never sends a command twice that may have been executed", async () => {
    r.start(command);
    r.raft.requests[0]?.fail(true);
    await settled();
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
    r.clock.advance(deadlineMs);
    expect(r.raft.requests).toHaveLength(1);
  });

  it("ends a sent command as unknown at the deadline", () => {
    r.start(command);
    r.clock.advance(deadlineMs);
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
  });

  it("asks a query again when no answer came", async () => {
    r.start(query);
    r.raft.requests[0]?.fail(true);
    await settled();
    r.clock.advance(50);
    expect(r.raft.requests).toHaveLength(2);
  });

  it("does not wait with a query for a leader that is one no more", async () => {
    r.start(query);
    r.raft.lead("n3");
    expect(r.raft.requests.map(({ peer }) => peer)).toEqual(["n2", "n3"]);
    r.raft.requests[0]?.answer(encodeValue([forwardVersion, "value", 1, "old"]));
    r.raft.requests[1]?.answer(encodeValue([forwardVersion, "value", 2, "new"]));
    await settled();
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: "new" }, index: 2 }]);
  });

  it("does wait with a command: the old leader may have executed it", () => {
    r.start(command);
    r.raft.lead("n3");
    r.clock.advance(500);
    expect(r.raft.requests.map(({ peer }) => peer)).toEqual(["n2"]);
  });

  it("does not flood a leader that refuses", async () => {
    r.start(command);
    for (let tries = 1; tries <= 5; tries++) {
      expect(r.raft.requests).toHaveLength(tries);
      r.raft.requests[tries - 1]?.answer(encodeValue([forwardVersion, "refused", "this node does not lead"]));
      await settled();
      expect(r.raft.requests).toHaveLength(tries);
      r.clock.advance(25);
    }
  });

  it.each(["overloaded", "unknown", "failed"])("passes %s of the leader on", async (kind) => {
    r.start(command);
    r.raft.requests[0]?.answer(encodeValue([forwardVersion, kind]));
    await settled();
    expect(r.outcomes).toEqual([{ kind }]);
  });

  it("ends a command as unknown when the answer cannot be read", async () => {
    r.start(command);
    r.raft.requests[0]?.answer(encodeValue([99, "value", 1, true]));
    await settled();
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
    expect(r.failures).toHaveLength(1);
  });
});

describe("a batch", () => {
  const writing = batchOf([query, command]);
  const reading = batchOf([query, query]);

  it("with a command in it ends as one: as unknown when it was sent and not answered", async () => {
    r.raft.lead("n2");
    r.start(writing);
    r.raft.requests[0]?.fail(true);
    await settled();
    expect(r.outcomes).toEqual([{ kind: "unknown" }]);
    expect(r.raft.requests).toHaveLength(1);
  });

  it("of queries is asked again, and redirected like any other call", async () => {
    r.raft.lead("n2");
    r.start(reading);
    r.raft.requests[0]?.fail(true);
    await settled();
    r.clock.advance(50);
    expect(r.raft.requests).toHaveLength(2);
    r.start(writing, "redirect");
    expect(r.outcomes).toEqual([{ kind: "notLeader", leader: "n2", url: "http://n2:8000" }]);
  });

  it("is one proposal or one barrier on the leader", () => {
    r.raft.lead("n1");
    r.start(writing);
    r.start(reading);
    expect([r.raft.proposals.length, r.raft.barriers.length]).toEqual([1, 1]);
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    const value = [
      ["read", "a"],
      ["read", "a"],
    ];
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value }, index: 40 }]);
  });

  it("that fits no log entry is refused by its size", () => {
    r.raft.lead("n1");
    r.start(batchOf([{ ...command, method: "x".repeat(33 * 1024 * 1024) }]));
    expect(r.outcomes).toMatchObject([{ kind: "tooLarge" }]);
    expect(r.raft.proposals).toEqual([]);
  });
});

describe("stale reads", () => {
  it("are answered from the state at hand, whoever leads", () => {
    r.readStale(query);
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: ["read", "a"] }, index: 40 }]);
  });
});
