import type { Value } from "@quorate/protocol";
import type { ProposalOutcome, ReadOutcome, StateView } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { batchOf } from "../rpc/batch.js";
import type { Call, CallResult, MethodCall } from "../rpc/ports.js";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { ForwardedCalls } from "./forwarder.js";
import {
  callFromValue,
  callToValue,
  outcomeFromValue,
  outcomeToValue,
  serviceQuestion,
} from "./forwarding.js";
import { type LeaderOutcome, LocalExecution } from "./local-execution.js";
import type { Raft, Service } from "./ports.js";

const view: StateView = {
  index: 40,
  get: () => undefined,
  snapshot: () => {
    throw new Error("no snapshot here");
  },
};

/** Settles what is proposed and read when the test says so. */
class ScriptedRaft implements Pick<Raft, "propose" | "readBarrier" | "view"> {
  readonly view = view;
  readonly entries: Uint8Array[] = [];
  readonly proposals: ((outcome: ProposalOutcome<CallResult>) => void)[] = [];
  readonly barriers: ((outcome: ReadOutcome) => void)[] = [];

  propose(data: Uint8Array, settle: (outcome: ProposalOutcome<CallResult>) => void): void {
    this.entries.push(data);
    this.proposals.push(settle);
  }

  readBarrier(settle: (outcome: ReadOutcome) => void): void {
    this.barriers.push(settle);
  }
}

/** Timers that run out when the test says so. */
class OneTimer {
  readonly #timers = new Set<{ readonly delayMs: number; readonly callback: () => void }>();

  after(delayMs: number, callback: () => void): () => void {
    const timer = { delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  expire(afterMs: number): void {
    for (const { delayMs, callback } of this.#timers) if (delayMs <= afterMs) callback();
  }
}

const service: Service = {
  encodeCommand: (method) => encodeValue(method),
  encodeBatch: (calls) => encodeValue(calls.map(({ method }) => method)),
  runQuery: (_method, params) => ({ ok: true, value: ["read", ...params] }),
  runBatch: (calls) => ({ ok: true, value: calls.map(({ params }) => ["read", ...params]) }),
  encodeValue,
  decodeValue,
  decodeLargeValue: decodeValue,
};

const command: MethodCall = { kind: "command", method: "kv.set", params: ["a", 1] };
const query: MethodCall = { kind: "query", method: "kv.get", params: ["a"] };
const done: CallResult = { ok: true, value: true };

describe("what travels", () => {
  const outcomes: LeaderOutcome[] = [
    { kind: "result", index: 7, result: { ok: true, value: [1, { a: null }] } },
    { kind: "result", index: 8, result: { ok: false, fault: { code: 409, message: "no" } } },
    { kind: "refused", why: "w" },
    { kind: "tooLarge", why: "w" },
    { kind: "lost" },
    { kind: "unknown" },
    { kind: "overloaded" },
    { kind: "failed" },
  ];

  it.each(outcomes)("comes back as it was: $kind", (outcome) => {
    expect(outcomeFromValue(decodeValue(encodeValue(outcomeToValue(outcome))))).toEqual(outcome);
  });

  it.each<Call>([command, query, batchOf([query, command]), batchOf([query])])(
    "is a call with its time and its caller",
    (call) => {
      const forwarded = { call, remainingMs: 123, caller: "anna" };
      expect(callFromValue(decodeValue(encodeValue(callToValue(forwarded))))).toEqual(forwarded);
    },
  );
});

describe("a forwarded call at the leader", () => {
  const methods = {
    list: () => ["kv.set", "kv.get"],
    find: (name: string) => {
      const found = [command, query].find(({ method }) => method === name);
      return found === undefined ? undefined : { kind: found.kind, help: "", signatures: [] };
    },
    checkParams: () => undefined,
  };

  function leader(leads: boolean) {
    const raft = new ScriptedRaft();
    const clock = new OneTimer();
    const local = new LocalExecution(raft, service, () => undefined);
    const calls = new ForwardedCalls({
      methods,
      version: { service: "kv", sha256: "ab" },
      questions: [],
      knowledge: () => ({ leader: leads ? "n1" : null, stopping: !leads, members: ["n1", "n2"] }),
      local,
      service,
      clock,
      leads: () => leads,
    });
    const ask = async (message: Value): Promise<Value> =>
      decodeValue(await calls.answer(encodeValue(message)));
    return { raft, clock, calls, ask };
  }

  const sent = (call: Call, remainingMs = 500): Value => callToValue({ call, remainingMs, caller: "" });

  it("may be a question for the leader as this node knows it", async () => {
    expect(await leader(true).ask([2, "leader"])).toEqual([2, "leader", "n1", false, ["n1", "n2"]]);
    expect(await leader(false).ask([2, "leader"])).toEqual([2, "leader", "", true, ["n1", "n2"]]);
  });

  it("is proposed and answered with its index", async () => {
    const { raft, ask } = leader(true);
    const answer = ask(sent(command));
    raft.proposals[0]?.({
      kind: "applied",
      index: 43,
      result: { ok: false, fault: { code: 409, message: "no" } },
    });
    expect(await answer).toEqual([2, "fault", 43, 409, "no"]);
  });

  it("is read behind a barrier", async () => {
    const { raft, ask } = leader(true);
    const answer = ask(sent(query));
    raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(await answer).toEqual([2, "value", 40, ["read", "a"]]);
  });

  it("is refused by a node that does not lead, never forwarded again", async () => {
    const { raft, ask } = leader(false);
    expect(await ask(sent(command))).toEqual([2, "refused", "this node does not lead"]);
    expect(raft.proposals).toEqual([]);
  });

  it("is refused when its time is over before it starts", async () => {
    const { raft, ask } = leader(true);
    expect(await ask(sent(command, 0))).toEqual([2, "refused", "the call's time had run out"]);
    expect(raft.proposals).toEqual([]);
  });

  it("ends at its deadline: unknown for a command, refused for a query", async () => {
    const { clock, ask } = leader(true);
    const answers = Promise.all([ask(sent(command)), ask(sent(query))]);
    clock.expire(500);
    expect(await answers).toEqual([
      [2, "unknown"],
      [2, "refused", "the call's time ran out"],
    ]);
  });

  it("does not believe the sender about what is a query", async () => {
    const { raft, ask } = leader(true);
    expect(await ask([2, "query", command.method, [], 500, ""])).toEqual([
      2,
      "refused",
      "this node has no query kv.set",
    ]);
    expect(raft.barriers).toEqual([]);
    const disguised = batchOf([query, { ...command, kind: "query" }]);
    expect(await ask(sent(disguised))).toEqual([2, "refused", "this node has no query kv.set"]);
    expect(raft.barriers).toEqual([]);
  });

  it("may be a batch: one proposal with a command in it, one read without", async () => {
    const { raft, ask } = leader(true);
    const written = ask(sent(batchOf([query, command])));
    raft.proposals[0]?.({ kind: "applied", index: 43, result: { ok: true, value: [[1], [true]] } });
    expect(await written).toEqual([2, "value", 43, [[1], [true]]]);
    expect(raft.entries.map(decodeValue)).toEqual([["kv.get", "kv.set"]]);
    const read = ask(sent(batchOf([query, query])));
    raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(await read).toEqual([
      2,
      "value",
      40,
      [
        ["read", "a"],
        ["read", "a"],
      ],
    ]);
  });

  it("may be the question what this node executes", async () => {
    const { ask } = leader(false);
    expect(await ask(serviceQuestion)).toEqual([2, "service", "kv", "ab"]);
  });

  it("is finished before the node closes, and none is taken any more", async () => {
    const { raft, calls, ask } = leader(true);
    const answer = ask(sent(command));
    let closed = false;
    const closing = calls.close().then(() => {
      closed = true;
    });
    expect(await ask(sent(command))).toEqual([2, "refused", "this node is stopping"]);
    expect(closed).toBe(false);
    raft.proposals[0]?.({ kind: "applied", index: 43, result: done });
    expect(await answer).toEqual([2, "value", 43, true]);
    await closing;
    await calls.close();
  });

  it.each([
    [[]],
    [[1, "command", "kv.set", ["a", 1], 500, ""]],
    [[2, "other", "kv.set", [], 5, ""]],
    ["text"],
    [[2, "query", "kv.get", 3, 5, ""]],
    [[2, "batch", [], 5, ""]],
    [[2, "batch", [["query", "kv.get"]], 5, ""]],
    [[2, "batch", ["kv.get"], 5, ""]],
    [[2, "batch", 3, 5, ""]],
  ])("rejects %j, which is no call", async (message) => {
    await expect(leader(true).ask(message as Value)).rejects.toThrow(/peer/);
  });
});
