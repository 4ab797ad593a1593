import type { Value } from "@quorate/protocol";
import type { ProposalOutcome, ReadOutcome, StateView } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import type { Call, CallResult } from "../rpc/ports.js";
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
  readonly proposals: ((outcome: ProposalOutcome<CallResult>) => void)[] = [];
  readonly barriers: ((outcome: ReadOutcome) => void)[] = [];

  propose(_data: Uint8Array, settle: (outcome: ProposalOutcome<CallResult>) => void): void {
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
  runQuery: (_method, params) => ({ ok: true, value: ["read", ...params] }),
  encodeValue,
  decodeValue,
};

const command: Call = { kind: "command", method: "kv.set", params: ["a", 1] };
const query: Call = { kind: "query", method: "kv.get", params: ["a"] };
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

  it("is a call with its time and its caller", () => {
    const call = { call: command, remainingMs: 123, caller: "anna" };
    expect(callFromValue(decodeValue(encodeValue(callToValue(call))))).toEqual(call);
  });
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
      knowledge: () => ({ leader: leads ? "n1" : null, stopping: !leads }),
      local,
      service,
      clock,
      leads: () => leads,
    });
    const ask = async (message: Value): Promise<Value> =>
      decodeValue(await calls.answer(encodeValue(message)));
    return { raft, clock, calls, ask };
  }

  const sent = (call: Call, remainingMs = 500): Value => [
    1,
    call.kind,
    call.method,
    [...call.params],
    remainingMs,
    "",
  ];

  it("may be a question for the leader as this node knows it", async () => {
    expect(await leader(true).ask([1, "leader"])).toEqual([1, "leader", "n1", false]);
    expect(await leader(false).ask([1, "leader"])).toEqual([1, "leader", "", true]);
  });

  it("is proposed and answered with its index", async () => {
    const { raft, ask } = leader(true);
    const answer = ask(sent(command));
    raft.proposals[0]?.({
      kind: "applied",
      index: 43,
      result: { ok: false, fault: { code: 409, message: "no" } },
    });
    expect(await answer).toEqual([1, "fault", 43, 409, "no"]);
  });

  it("is read behind a barrier", async () => {
    const { raft, ask } = leader(true);
    const answer = ask(sent(query));
    raft.barriers[0]?.({ kind: "ready", index: 40 });
    expect(await answer).toEqual([1, "value", 40, ["read", "a"]]);
  });

  it("is refused by a node that does not lead, never forwarded again", async () => {
    const { raft, ask } = leader(false);
    expect(await ask(sent(command))).toEqual([1, "refused", "this node does not lead"]);
    expect(raft.proposals).toEqual([]);
  });

  it("is refused when its time is over before it starts", async () => {
    const { raft, ask } = leader(true);
    expect(await ask(sent(command, 0))).toEqual([1, "refused", "the call's time had run out"]);
    expect(raft.proposals).toEqual([]);
  });

  it("ends at its deadline: unknown for a command, refused for a query", async () => {
    const { clock, ask } = leader(true);
    const answers = Promise.all([ask(sent(command)), ask(sent(query))]);
    clock.expire(500);
    expect(await answers).toEqual([
      [1, "unknown"],
      [1, "refused", "the call's time ran out"],
    ]);
  });

  it("does not believe the sender about what is a query", async () => {
    const { raft, ask } = leader(true);
    expect(await ask([1, "query", command.method, [], 500, ""])).toEqual([
      1,
      "refused",
      "this node has no query kv.set",
    ]);
    expect(raft.barriers).toEqual([]);
  });

  it("may be the question what this node executes", async () => {
    const { ask } = leader(false);
    expect(await ask(serviceQuestion)).toEqual([1, "service", "kv", "ab"]);
  });

  it("is finished before the node closes, and none is taken any more", async () => {
    const { raft, calls, ask } = leader(true);
    const answer = ask(sent(command));
    let closed = false;
    const closing = calls.close().then(() => {
      closed = true;
    });
    expect(await ask(sent(command))).toEqual([1, "refused", "this node is stopping"]);
    expect(closed).toBe(false);
    raft.proposals[0]?.({ kind: "applied", index: 43, result: done });
    expect(await answer).toEqual([1, "value", 43, true]);
    await closing;
    await calls.close();
  });

  it.each([
    [[]],
    [[2, "command"]],
    [[1, "other", "kv.set", [], 5, ""]],
    ["text"],
    [[1, "query", "kv.get", 3, 5, ""]],
  ])("rejects %j, which is no call", async (message) => {
    await expect(leader(true).ask(message as Value)).rejects.toThrow(/peer/);
  });
});
