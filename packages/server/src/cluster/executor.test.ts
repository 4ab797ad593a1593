import {
  type NodeStatus,
  type ProposalOutcome,
  type ReadOutcome,
  RequestFailed,
  type StateView,
} from "@quorate/raft";
import { beforeEach, describe, expect, it } from "vitest";
import type { Call, CallContext, CallOutcome, CallResult, Route } from "../rpc/ports.js";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { ClusterWatch } from "./cluster-watch.js";
import { ClusterExecutor } from "./executor.js";
import { Forwarder } from "./forwarder.js";
import { LocalExecution } from "./local-execution.js";
import type { Raft, Service } from "./ports.js";

const members = ["n1", "n2", "n3"].map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000` }));

/** Time that moves only when the test says so. */
class ManualClock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  nextTurn(callback: () => void): void {
    this.after(0, callback);
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(byMs: number): void {
    const end = this.#now + byMs;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}

const view: StateView = {
  index: 40,
  get: () => undefined,
  snapshot: () => {
    throw new Error("no snapshot here");
  },
};

/** A Raft node whose every answer is given by the test. */
class ScriptedRaft implements Raft {
  readonly view = view;
  readonly proposals: ((outcome: ProposalOutcome<CallResult>) => void)[] = [];
  readonly barriers: ((outcome: ReadOutcome) => void)[] = [];
  readonly requests: {
    readonly peer: string;
    readonly payload: Uint8Array;
    readonly timeoutMs: number;
    answer(bytes: Uint8Array): void;
    fail(sent: boolean): void;
  }[] = [];
  #leader: string | null = null;
  #term = 1;
  #listeners = new Set<() => void>();

  lead(leader: string | null): void {
    if (leader !== null) this.#term += 1;
    this.#leader = leader;
    this.touch();
  }

  touch(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  propose(_data: Uint8Array, settle: (outcome: ProposalOutcome<CallResult>) => void): void {
    this.proposals.push(settle);
  }

  readBarrier(settle: (outcome: ReadOutcome) => void): void {
    this.barriers.push(settle);
  }

  request(peer: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.requests.push({
        peer,
        payload,
        timeoutMs,
        answer: resolve,
        fail: (sent) => reject(new RequestFailed("connection refused", sent)),
      });
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): NodeStatus {
    return {
      id: "n1",
      role: this.#leader === "n1" ? "leader" : "follower",
      term: this.#term,
      leader: this.#leader,
      commit: 40,
      applied: 40,
      lastIndex: 40,
      firstIndex: 1,
      canServe: this.#leader === "n1",
      followers: [],
      born: true,
      missing: [],
      clusterId: "c0ffee00c0ffee00",
      membership: null,
      connected: ["n2", "n3"],
      proposalsPending: 0,
      failureTolerance: 1,
    };
  }
}

const service: Service = {
  encodeCommand: (method) => encodeValue(method),
  runQuery: (_method, params) => ({ ok: true, value: ["read", ...params] }),
  encodeValue,
  decodeValue,
};

const deadlineMs = 10_000;
const leaderWaitMs = 1_000;

function rig(pendingMax = 100) {
  const raft = new ScriptedRaft();
  const clock = new ManualClock();
  const watch = new ClusterWatch(raft, members);
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const local = new LocalExecution(raft, service, onFailure);
  const forwards: string[] = [];
  const executor = new ClusterExecutor({
    local,
    forwarder: new Forwarder(raft, service, onFailure),
    watch,
    clock,
    deadlineMs,
    leaderWaitMs,
    pendingMax,
    onForward: (ending) => forwards.push(ending),
  });
  const outcomes: CallOutcome[] = [];
  const start = (call: Call, route: Route = "forward") => {
    const context: CallContext = { caller: "", consistency: "linearizable", route, idempotencyKey: null };
    executor.execute(call, context, (outcome) => outcomes.push(outcome));
  };
  return { raft, clock, watch, executor, outcomes, start, forwards, failures, local };
}

const command: Call = { kind: "command", method: "kv.set", params: ["a", 1] };
const query: Call = { kind: "query", method: "kv.get", params: ["a"] };
const done: CallResult = { ok: true, value: true };

/** Lets the promises of answered requests run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

let r: ReturnType<typeof rig>;
beforeEach(() => {
  r = rig();
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
    const small = rig(2);
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
    r.raft.requests[0]?.answer(encodeValue([1, "value", 41, true]));
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
    r.raft.requests[0]?.answer(encodeValue([1, "value", 1, "old"]));
    r.raft.requests[1]?.answer(encodeValue([1, "value", 2, "new"]));
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
      r.raft.requests[tries - 1]?.answer(encodeValue([1, "refused", "this node does not lead"]));
      await settled();
      expect(r.raft.requests).toHaveLength(tries);
      r.clock.advance(25);
    }
  });

  it.each(["overloaded", "unknown", "failed"])("passes %s of the leader on", async (kind) => {
    r.start(command);
    r.raft.requests[0]?.answer(encodeValue([1, kind]));
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

describe("stale reads", () => {
  it("are answered from the state at hand, whoever leads", () => {
    r.executor.readStale(query, (outcome) => r.outcomes.push(outcome));
    expect(r.outcomes).toEqual([{ kind: "result", result: { ok: true, value: ["read", "a"] }, index: 40 }]);
  });
});
