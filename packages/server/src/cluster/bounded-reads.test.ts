import { beforeEach, describe, expect, it } from "vitest";
import type { Call } from "../rpc/ports.js";
import { encodeValue } from "../state/value-encoding.js";
import { forwardVersion } from "./forwarding.js";
import { executorRig, leaderWaitMs } from "./testing-rig.js";

const query: Call = { kind: "query", method: "kv.get", params: ["a"] };
const command: Call = { kind: "command", method: "kv.set", params: ["a", 1] };
const readAt = (index: number) => ({
  kind: "result",
  result: { ok: true, value: ["read", "a"] },
  index,
});

/** Lets the promises of answered requests run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

let r: ReturnType<typeof executorRig>;
beforeEach(() => {
  r = executorRig();
  r.raft.lead("n2");
});

describe("a stale read with min_index", () => {
  it("is answered here once this node has applied that much", () => {
    r.readStale(query, { minIndex: 40 });
    expect(r.outcomes).toEqual([readAt(40)]);
    expect(r.raft.barriers).toEqual([]);
  });

  it("goes to the leader as a linearizable read before that", async () => {
    r.readStale(query, { minIndex: 41 });
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
    r.raft.requests[0]?.answer(encodeValue([forwardVersion, "value", 41, "new"]));
    await settled();
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: "new" }, index: 41 }]);
  });

  it("is sent away by its route before that", () => {
    r.readStale(query, { minIndex: 41, route: "redirect" });
    expect(r.outcomes).toMatchObject([{ kind: "notLeader", leader: "n2" }]);
  });

  it("waits for the barrier on the leader itself before that", () => {
    r.raft.lead("n1");
    r.readStale(query, { minIndex: 41 });
    expect(r.outcomes).toEqual([]);
    r.raft.applied = 41;
    r.raft.barriers[0]?.({ kind: "ready", index: 41 });
    expect(r.outcomes).toEqual([readAt(41)]);
  });

  it("says without a leader what this node lacks", () => {
    r.raft.lead(null);
    r.readStale(query, { minIndex: 41 });
    r.clock.advance(leaderWaitMs);
    expect(r.outcomes).toMatchObject([{ kind: "noLeader", why: expect.stringContaining("min_index") }]);
  });
});

describe("an index that nobody has reached", () => {
  it.each(["linearizable", "stale"] as const)("is not met by a %s read on the leader", (consistency) => {
    r.raft.lead("n1");
    const context = { minIndex: 999, consistency };
    if (consistency === "stale") r.readStale(query, context);
    else r.execute(query, context);
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(r.outcomes).toEqual([{ kind: "unmet", why: expect.stringMatching(/c0ffee00:999.*c0ffee00:40/) }]);
  });

  it("does not change how a command ended", () => {
    r.raft.lead("n1");
    r.execute(command, { minIndex: 999 });
    r.raft.proposals[0]?.({ kind: "applied", index: 41, result: { ok: true, value: true } });
    expect(r.outcomes).toMatchObject([{ kind: "result", index: 41 }]);
  });
});

describe("a stale read with max_staleness", () => {
  it("is answered here after a probe, and without one while it is young enough", () => {
    r.readStale(query, { maxStalenessMs: 500 });
    expect(r.outcomes).toEqual([]);
    r.raft.applied = 45;
    r.raft.barriers[0]?.({ kind: "ready", index: 45 });
    r.clock.advance(500);
    r.readStale(query, { maxStalenessMs: 500 });
    expect(r.outcomes).toEqual([readAt(45), readAt(45)]);
    expect(r.raft.barriers).toHaveLength(1);
    expect(r.executor.pending).toBe(0);
    expect(r.clock.timers).toBe(0);
  });

  it("goes to the leader when the probe came too late", () => {
    r.readStale(query, { maxStalenessMs: 500 });
    r.clock.advance(501);
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
  });

  it("is never answered from a state of unknown age", () => {
    r.raft.lead(null);
    r.readStale(query, { maxStalenessMs: 3_600_000 });
    r.raft.barriers[0]?.({ kind: "refused" });
    r.clock.advance(leaderWaitMs);
    expect(r.outcomes).toMatchObject([{ kind: "noLeader", why: expect.stringContaining("max_staleness") }]);
  });

  it("must meet min_index as well", () => {
    r.readStale(query, { maxStalenessMs: 500, minIndex: 41 });
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(r.raft.requests).toHaveLength(1);
    r.raft.applied = 41;
    r.readStale(query, { maxStalenessMs: 500, minIndex: 41 });
    expect(r.outcomes).toEqual([readAt(41)]);
  });

  it("is refused as overloaded when too much waits already", () => {
    const small = executorRig({ pendingMax: 2 });
    for (let read = 0; read < 3; read++) small.readStale(query, { maxStalenessMs: 500 });
    expect(small.outcomes).toEqual([{ kind: "overloaded" }]);
    small.raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(small.outcomes).toHaveLength(3);
    expect(small.executor.pending).toBe(0);
  });
});

describe("reads.followers", () => {
  beforeEach(() => {
    r = executorRig({ followerReads: true });
    r.raft.lead("n2");
  });

  it.each(["forward", "redirect", "fault"] as const)(
    "answers queries here after the barrier (%s)",
    (route) => {
      r.start(query, route);
      expect(r.outcomes).toEqual([]);
      r.raft.barriers[0]?.({ kind: "ready", index: 40 });
      expect(r.outcomes).toEqual([readAt(40)]);
      expect(r.raft.requests).toEqual([]);
      expect(r.clock.timers).toBe(0);
    },
  );

  it("leaves commands to the leader", () => {
    r.start(command);
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
  });

  it("falls back to the route when the leader does not confirm", () => {
    r.start(query, "redirect");
    r.raft.barriers[0]?.({ kind: "refused" });
    expect(r.outcomes).toMatchObject([{ kind: "notLeader", leader: "n2" }]);
    r.start(query, "forward");
    r.raft.barriers[1]?.({ kind: "refused" });
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
    expect(r.raft.barriers).toHaveLength(2);
  });

  it("falls back to the route when no answer comes, and answers once", async () => {
    r.start(query, "forward");
    r.clock.advance(leaderWaitMs);
    expect(r.raft.requests).toMatchObject([{ peer: "n2" }]);
    r.raft.barriers[0]?.({ kind: "refused" });
    expect(r.raft.requests).toHaveLength(1);
    r.raft.requests[0]?.answer(encodeValue([forwardVersion, "value", 41, "new"]));
    await settled();
    r.raft.barriers[0]?.({ kind: "ready", index: 41 });
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: "new" }, index: 41 }]);
    expect(r.clock.timers).toBe(0);
  });

  it("waits for a leader where there is none", () => {
    r.raft.lead(null);
    r.start(query);
    expect(r.raft.barriers).toEqual([]);
    r.raft.lead("n3");
    expect(r.raft.barriers).toHaveLength(1);
  });
});

describe("barriers that nothing ends", () => {
  it("do not gather without bound", () => {
    r = executorRig({ pendingMax: 20_000 });
    r.raft.lead("n1");
    for (let read = 0; read < 10_001; read++) r.start(query);
    expect(r.raft.barriers).toHaveLength(10_000);
    expect(r.outcomes).toEqual([{ kind: "overloaded" }]);
    r.raft.barriers[0]?.({ kind: "ready", index: 40 });
    r.start(query);
    expect(r.raft.barriers).toHaveLength(10_001);
  });
});
