import { decodeResponse, encodeCall, Fault, faultCodes, type Value } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import type { Answer } from "./answer.js";
import { Dispatcher } from "./dispatcher.js";
import { itemsMax } from "./multicall.js";
import type { Call, CallContext, CallOutcome, Executor, LocalMethod, Method, MethodTable } from "./ports.js";
import { plainContext as plain } from "./testing-context.js";

const methods = new Map<string, Method>([
  ["note.set", { kind: "command", help: "", signatures: [] }],
  ["note.get", { kind: "query", help: "", signatures: [] }],
]);

const table: MethodTable = {
  list: () => [...methods.keys()],
  find: (name) => methods.get(name),
  checkParams: (_method, params) => {
    if (params.length !== 1) throw new Fault(faultCodes.invalidParams, "expected 1 parameter");
  },
};

/** Answers every call of a batch with its method and parameters, or ends as it was told. */
class EchoingExecutor implements Executor {
  readonly seen: { readonly how: "execute" | "readStale"; readonly call: Call }[] = [];
  outcome: CallOutcome | null = null;
  /** Instead of the results of a batch. */
  value: Value | null = null;

  execute(call: Call, _context: CallContext, end: (outcome: CallOutcome) => void): void {
    this.#run("execute", call, end);
  }

  readStale(call: Call, _context: CallContext, end: (outcome: CallOutcome) => void): void {
    this.#run("readStale", call, end);
  }

  #run(how: "execute" | "readStale", call: Call, end: (outcome: CallOutcome) => void): void {
    this.seen.push({ how, call });
    const calls = "calls" in call ? call.calls : [];
    const value = this.value ?? calls.map(({ method, params }) => [[method, ...params]]);
    end(this.outcome ?? { kind: "result", result: { ok: true, value }, index: 7 });
  }
}

const status: LocalMethod = { help: "", signatures: [], call: () => "well" };
const long: LocalMethod = { help: "", signatures: [], call: () => "x".repeat(1024 * 1024) };
const broken: LocalMethod = {
  help: "",
  signatures: [],
  call: () => {
    throw new Error("disk at /secret/path");
  },
};

function rig() {
  const executor = new EchoingExecutor();
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({
    service: table,
    localMethods: new Map([
      ["cluster.status", status],
      ["cluster.long", long],
      ["cluster.broken", broken],
    ]),
    executor,
    maxBody: 1024 * 1024,
    onFailure: (error) => failures.push(error),
  });
  const answer = (params: readonly Value[], context = plain): Answer => {
    const answers: Answer[] = [];
    const document = encodeCall("system.multicall", params);
    dispatcher.dispatch(document, undefined, context, (given) => answers.push(given));
    const [only] = answers;
    if (only === undefined || answers.length !== 1) throw new Error(`${answers.length} answers`);
    return only;
  };
  const multicall = (items: readonly Value[], context = plain) =>
    decodeResponse(answer([[...items]], context).body);
  return { executor, failures, answer, multicall };
}

const item = (methodName: string, ...params: Value[]): Value => ({ methodName, params });
const faulty = (faultCode: number, text = "") => ({ faultCode, faultString: expect.stringContaining(text) });
const set = item("note.set", "a");
const get = item("note.get", "a");

describe("the parameters of a multicall", () => {
  it.each([[[]], [[1]], [["text"]], [[{}]], [[[], []]]])("%j fault the whole call", (params) => {
    const { answer, executor } = rig();
    expect(decodeResponse(answer(params).body)).toMatchObject({ faultCode: faultCodes.invalidParams });
    expect(executor.seen).toEqual([]);
  });

  it("are an array of at most 1,000 calls", () => {
    const { multicall, executor } = rig();
    const many = Array.from({ length: itemsMax }, () => get);
    expect(multicall(many)).toHaveLength(itemsMax);
    expect(multicall([...many, get])).toMatchObject({
      faultCode: faultCodes.tooLarge,
      faultString: expect.stringContaining("1001 calls in one system.multicall, at most 1000"),
    });
    expect(executor.seen).toHaveLength(1);
  });

  it("may be an empty array, which is answered here with another one", () => {
    const { answer, executor } = rig();
    const given = answer([[]]);
    expect(decodeResponse(given.body)).toEqual([]);
    expect(given).toMatchObject({ ending: "value", method: "system.multicall", kind: "local", items: 0 });
    expect(executor.seen).toEqual([]);
  });
});

describe("a call inside a multicall", () => {
  it("that is wrong has its fault in its own slot, and is not executed", () => {
    const { multicall, executor } = rig();
    expect(
      multicall([
        1,
        {},
        { methodName: 5, params: [] },
        { methodName: "note.get", params: "a" },
        { methodName: "note.get", params: null },
        item("nope"),
        item("__proto__"),
        item("note.set"),
        item("system.multicall", []),
        item("cluster.broken"),
        set,
      ]),
    ).toEqual([
      faulty(-32602, "item 1: expected a struct"),
      faulty(-32602, "item 2: expected methodName"),
      faulty(-32602, "item 3: expected methodName"),
      faulty(-32602, "item 4: expected params"),
      faulty(-32602, "item 5: expected params"),
      faulty(-32601, "nope"),
      faulty(-32601, "__proto__"),
      faulty(-32602, "expected 1 parameter"),
      faulty(-32602, "cannot be called inside"),
      faulty(-32603, "its log says why"),
      [["note.set", "a"]],
    ]);
    const { call } = executor.seen[0] ?? {};
    expect(call).toEqual({
      kind: "command",
      method: "system.multicall",
      calls: [{ kind: "command", method: "note.set", params: ["a"] }],
    });
  });

  it("keeps its slot between calls that are answered here", () => {
    const { multicall } = rig();
    const missing = { methodName: "cluster.status" };
    expect(multicall([missing, set, item("nope"), get, item("cluster.status"), set])).toEqual([
      ["well"],
      [["note.set", "a"]],
      faulty(-32601),
      [["note.get", "a"]],
      ["well"],
      [["note.set", "a"]],
    ]);
  });

  it("of the server itself needs no executor", () => {
    const { answer, executor } = rig();
    const given = answer([[item("cluster.status"), item("system.listMethods")]]);
    expect(decodeResponse(given.body)).toEqual([["well"], [expect.arrayContaining(["note.set"])]]);
    expect(given).toMatchObject({ kind: "local", index: null, items: 2 });
    expect(executor.seen).toEqual([]);
  });

  it("of the server itself cannot make an answer of any length from a short document", () => {
    const { multicall } = rig();
    const slots = multicall(Array.from({ length: 50 }, () => item("cluster.long"))) as Value[];
    expect(slots[2]).toEqual([expect.any(String)]);
    expect(slots.slice(3)).toEqual(Array.from({ length: 47 }, () => faulty(-32005, "4194304 bytes")));
  });

  it("whose result has no XML form loses that alone", () => {
    const { multicall, executor } = rig();
    executor.value = [["fine"], ["\u0000"], ["fine, too"]];
    expect(multicall([get, get, get])).toEqual([
      ["fine"],
      faulty(-32603, "the call was executed"),
      ["fine, too"],
    ]);
  });
});

describe("how a multicall is executed", () => {
  it("is as a query while all of its calls are queries, stale if that is asked for", () => {
    const { answer, executor } = rig();
    const stale: CallContext = { ...plain, consistency: "stale" };
    expect(answer([[get, get]]).kind).toBe("query");
    answer([[get, item("nope")]], stale);
    expect(answer([[get, set]], stale).kind).toBe("command");
    expect(executor.seen.map(({ how, call }) => `${how} ${call.kind}`)).toEqual([
      "execute query",
      "readStale query",
      "execute command",
    ]);
  });

  it("is not at all with a key and a command: nothing would keep the key's promise", () => {
    const { multicall, executor } = rig();
    const keyed: CallContext = { ...plain, idempotencyKey: "k1" };
    expect(multicall([get, set], keyed)).toMatchObject({
      message: expect.stringContaining("Idempotency-Key"),
    });
    expect(executor.seen).toEqual([]);
    expect(multicall([get], keyed)).toHaveLength(1);
  });

  it("tells of its index, its number of calls, and how it ended", () => {
    const { answer, executor } = rig();
    expect(answer([[set, item("nope")]])).toMatchObject({ ending: "value", index: 7, items: 2 });
    executor.outcome = { kind: "notLeader", leader: "n2", url: "http://n2:8000" };
    const refused = answer([[set, item("nope")]]);
    expect(refused).toMatchObject({ ending: "notLeader", leaderUrl: "http://n2:8000", index: null });
    expect(decodeResponse(refused.body)).toMatchObject({ faultCode: faultCodes.notLeader });
  });

  it.each([["text"], [[]], [[["one"], ["one too many"]]]])(
    "is a failure of this node when the results are %j, which fit no slots",
    (value) => {
      const { multicall, executor, failures } = rig();
      executor.value = value as Value;
      expect(multicall([get])).toMatchObject({ faultCode: faultCodes.internalError });
      expect(failures).toHaveLength(1);
    },
  );
});
