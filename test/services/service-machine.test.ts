import { Fault } from "@quorate/protocol";
import { EntryType } from "@quorate/raft/core";
import { command, createService, defineService, query, type Transaction, t } from "@quorate/server";
import {
  EngineFailure,
  encodeBatch,
  encodeCommand,
  encodeTuple,
  kvRegistry,
  LogEntryError,
  readMetadata,
  UnknownServiceVersion,
} from "@quorate/server/testing";
import { describe, expect, it } from "vitest";
import { nodeWith, OneNode } from "./one-node.js";

const entryOf = (data: Uint8Array, index = 1) => ({ index, term: 1, type: EntryType.application, data });

describe("what stops a node before anything is stored", () => {
  it("is an entry for another version of the service, naming both", () => {
    const node = new OneNode(kvRegistry());
    const other = new OneNode(
      defineService({ name: "kv", methods: { "kv.set": command({}, () => true) } }),
      "cd".repeat(32),
    );
    const data = encodeCommand(other.registry, "kv.set", [], other.context);
    expect(() => node.machine.apply(entryOf(data, 7), node.state)).toThrow(UnknownServiceVersion);
    expect(() => node.machine.apply(entryOf(data, 7), node.state)).toThrow(
      `log entry 7 must be executed by service "kv" version ${"cd".repeat(32)}, but this node runs "kv" version ${node.registry.sha256}`,
    );
  });

  it("is an entry that cannot be read", () => {
    const node = new OneNode(kvRegistry());
    expect(() => node.machine.apply(entryOf(Uint8Array.of(1, 2, 3)), node.state)).toThrow(LogEntryError);
  });

  it("is a command that exhausts the stack: where that happens differs between nodes", async () => {
    const overflow = (): number => overflow() + 1;
    const node = new OneNode(createService("s").registerFunction(() => overflow(), "run"));
    await expect(node.call("run")).rejects.toThrow(EngineFailure);
    expect(node.state.size).toBe(0);
  });

  it.each([
    ["a string beyond V8's limit", () => "x".repeat(2 ** 28).repeat(16)],
    ["memory that is not there", () => new ArrayBuffer(2 ** 52)],
  ])("is a command that asks for %s", async (_, run) => {
    const node = new OneNode(createService("s").registerFunction(() => run(), "run"));
    await expect(node.call("run")).rejects.toThrow(EngineFailure);
  });

  it("is not a RangeError of the author's", async () => {
    const node = new OneNode(createService("s").registerFunction(() => new Array(-1), "run"));
    expect(await node.call("run")).toEqual([-32500, expect.any(String)]);
  });

  it("is a storage that fails, even when the handler catches it", async () => {
    const service = createService("s").registerFunction((tx) => {
      try {
        tx.get(["a"]);
      } catch {
        return "caught";
      }
      return true;
    }, "run");
    const node = new OneNode(service);
    const data = encodeCommand(node.registry, "run", [], node.context);
    const failing = { ...stateOf(node), get: (key: Uint8Array) => (key[0] === 0 ? undefined : fail()) };
    expect(() => node.machine.apply(entryOf(data), failing)).toThrow("disk");
  });
});

describe("damage in the state stops a node, too", () => {
  const read = (tx: Transaction) => {
    try {
      return [tx.get(["a"]), tx.range({ prefix: ["a"] }).length];
    } catch {
      return "caught";
    }
  };

  it.each([
    ["a value that cannot be read", encodeTuple(["s", "a"]), Uint8Array.of(9, 9)],
    ["a value that cannot be read, in a range", encodeTuple(["s", "a", 1]), Uint8Array.of(1)],
    ["a key that cannot be read", Uint8Array.of(...encodeTuple(["s", "a"]), 0x77), Uint8Array.of(1, 1)],
  ])("%s", async (_, key, value) => {
    const node = new OneNode(createService("s").registerFunction(read, "run"));
    node.state.write([{ key, value }], 0);
    await expect(node.call("run")).rejects.toThrow(/unknown|expected|begins no part/);
    expect(node.state.open).toBe(0);
  });
});

function stateOf(node: OneNode) {
  return { index: 0, snapshot: () => node.state.snapshot() };
}

function fail(): never {
  throw new Error("disk");
}

describe("proposing", () => {
  const node = new OneNode(kvRegistry());

  it("refuses unknown methods, among them the names of every object", () => {
    for (const name of ["kv.nonsense", "__proto__", "toString", "constructor", "_x", ""]) {
      expect(() => encodeCommand(node.registry, name, [], node.context)).toThrow(Fault);
      expect(() => encodeCommand(node.registry, name, [], node.context)).toThrow(`no such method: ${name}`);
    }
  });

  it("refuses wrong parameters before they enter the log", () => {
    expect(() => encodeCommand(node.registry, "kv.set", ["k"], node.context)).toThrow(
      'kv.set: parameter 2 "value": expected any, got nothing',
    );
  });

  it("never proposes a query", () => {
    expect(() => encodeCommand(node.registry, "kv.get", ["k"], node.context)).toThrow(TypeError);
  });

  it("never runs a command as a query", async () => {
    expect(await node.machine.runQuery("kv.set", ["k", 1], node.state)).toMatchObject({
      fault: { code: -32603 },
    });
    expect(await node.machine.runQuery("__proto__", [], node.state)).toMatchObject({
      fault: { code: -32601 },
    });
  });
});

describe("a batch", () => {
  it("executes in order, each call on its own: a fault takes back that call alone", async () => {
    const node = new OneNode(kvRegistry());
    const answers = await node.batch(
      { method: "kv.set", params: ["a", 1] },
      { method: "kv.incr", params: ["a", "x"] },
      { method: "kv.nonsense", params: [] },
      { method: "kv.incr", params: ["a"] },
      { method: "kv.get", params: ["a"] },
      { method: "kv.list", params: [""] },
      { method: "kv.delete", params: ["a"] },
      { method: "kv.count", params: [] },
    );
    expect(answers).toEqual([
      [true],
      { faultCode: -32602, faultString: expect.stringContaining('parameter 2 "by"') },
      { faultCode: -32601, faultString: "no such method: kv.nonsense" },
      [2],
      [2],
      [[{ key: "a", value: 2 }]],
      [true],
      [0],
    ]);
    expect(node.state.open).toBe(0);
  });

  it("gives each call chance of its own", async () => {
    const node = new OneNode(createService("s").registerFunction((tx) => tx.uuid(), "run"));
    const call = { method: "run", params: [] };
    const [[first], [second]] = (await node.batch(call, call)) as [[string], [string]];
    expect(first).not.toBe(second);
  });

  it("may be empty", async () => {
    expect(await new OneNode(kvRegistry()).batch()).toEqual([]);
  });

  it("is refused when it is not made of calls", () => {
    const node = new OneNode(kvRegistry());
    const data = encodeBatch(node.registry, [{ method: 7 as unknown as string, params: [] }], node.context);
    expect(() => node.machine.apply(entryOf(data), node.state)).toThrow(LogEntryError);
  });
});

describe("a batch of queries alone", () => {
  it("answers each in its place, unknown methods and commands too", async () => {
    const node = new OneNode(kvRegistry());
    await node.call("kv.set", "a", 1);
    const answers = await node.readBatch(
      { method: "kv.get", params: ["a"] },
      { method: "kv.get", params: ["b"] },
      { method: "kv.nonsense", params: [] },
      { method: "kv.set", params: ["a", 2] },
      { method: "kv.get", params: [] },
      { method: "kv.count", params: [] },
    );
    expect(answers).toEqual([
      [1],
      { faultCode: 404, faultString: "key not found: b" },
      { faultCode: -32601, faultString: "no such method: kv.nonsense" },
      { faultCode: -32603, faultString: "kv.set is a command and must be proposed" },
      { faultCode: -32602, faultString: expect.any(String) },
      [1],
    ]);
    expect(await node.call("kv.get", "a")).toBe(1);
    expect(node.state.open).toBe(0);
  });

  it("sees one moment of the state, whatever is executed while it waits for a range", async () => {
    const node = new OneNode(kvRegistry());
    await node.call("kv.set", "a", 1);
    const waiting = node.readBatch(
      { method: "kv.get", params: ["a"] },
      { method: "kv.list", params: [""] },
      { method: "kv.get", params: ["a"] },
      { method: "kv.count", params: [] },
    );
    await node.batch({ method: "kv.set", params: ["a", 2] }, { method: "kv.set", params: ["b", 2] });
    expect(await waiting).toEqual([[1], [[{ key: "a", value: 1 }]], [1], [1]]);
  });

  it("keeps the exhaustion of the engine to the query that caused it", async () => {
    const overflow = (): number => overflow() + 1;
    const node = nodeWith({ qDeep: () => overflow(), qCount: (tx) => tx.count({}) });
    expect(
      await node.readBatch(
        { method: "qCount", params: [] },
        { method: "qDeep", params: [] },
        { method: "qCount", params: [] },
      ),
    ).toEqual([[0], { faultCode: -32603, faultString: expect.stringContaining("qDeep") }, [0]]);
  });
});

describe("the results of a batch", () => {
  const mebibyte = 1024 * 1024;
  const node = nodeWith({
    fill: (tx, key) => {
      tx.set([String(key)], 1);
      return "x".repeat(7 * mebibyte);
    },
    qHas: (tx, key) => tx.has([String(key)]),
    qMuch: () => "x".repeat(7 * mebibyte),
    qMany: () => Array.from({ length: 600 }, () => Array.from({ length: 999 }, () => true)),
  });
  const tooMuch = { faultCode: -32005, faultString: expect.stringContaining("16777216") };

  it("are bounded together; a command whose result has no room leaves nothing behind", async () => {
    const keys = ["a", "b", "c"];
    const results = (await node.batch(
      ...keys.map((key) => ({ method: "fill", params: [key] })),
      ...keys.map((key) => ({ method: "qHas", params: [key] })),
    )) as unknown[];
    expect(results.slice(2)).toEqual([tooMuch, [true], [true], [false]]);
    expect(await node.call("qHas", "c")).toBe(false);
  });

  it("are bounded without commands, too", async () => {
    const call = { method: "qMuch", params: [] };
    const results = (await node.readBatch(call, call, call)) as unknown[];
    expect(results[2]).toEqual(tooMuch);
    const many = (await node.readBatch(
      { method: "qMany", params: [] },
      { method: "qMany", params: [] },
      { method: "qHas", params: ["a"] },
    )) as unknown[];
    expect(many.slice(1)).toEqual([tooMuch, [true]]);
  });
});

describe("the digest", () => {
  const run = async (...calls: [string, ...(string | number)[]][]) => {
    const node = new OneNode(kvRegistry());
    for (const [method, ...params] of calls) await node.call(method, ...params);
    return Buffer.from(readMetadata(node.state).digest).toString("hex");
  };

  it("is the same for the same history", async () => {
    const history: [string, ...(string | number)[]][] = [
      ["kv.set", "a", 1],
      ["kv.incr", "a"],
      ["kv.incr", "b", 7],
    ];
    expect(await run(...history)).toBe(await run(...history));
  });

  it("differs when an effect, a result, or the order differs", async () => {
    const digests = await Promise.all([
      run(),
      run(["kv.set", "a", 1]),
      run(["kv.set", "a", 2]),
      run(["kv.set", "a", 1], ["kv.set", "b", 1]),
      run(["kv.set", "b", 1], ["kv.set", "a", 1]),
      run(["kv.set", "a", 1], ["kv.delete", "b"]),
      run(["kv.set", "a", 1], ["kv.create", "c", 2]),
      run(["kv.set", "a", 1], ["kv.cas", "a", 9, 9], ["kv.cas", "a", 9, 9]),
    ]);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("is stored as it always has been", async () => {
    expect(await run(["kv.set", "a", 1], ["kv.incr", "a"])).toBe(
      "41028183acd72667726fcf8d2b7efa7004b09f0a53395c25dc1413bd1e15cda8",
    );
  });

  it("holds what the queries of a batch answered", async () => {
    const digestOf = async (...keys: string[]) => {
      const node = new OneNode(kvRegistry());
      await node.batch(
        { method: "kv.set", params: ["a", 1] },
        ...keys.map((key) => ({ method: "kv.get", params: [key] })),
      );
      return Buffer.from(readMetadata(node.state).digest).toString("hex");
    };
    const digests = await Promise.all([digestOf(), digestOf("a"), digestOf("b"), digestOf("a", "a")]);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("does not depend on texts of thrown errors, which differ between versions of Node", async () => {
    const digestOf = async (text: string) => {
      const service = createService("s").registerFunction(() => {
        throw new Error(text);
      }, "run");
      const node = new OneNode(service);
      await node.call("run");
      return readMetadata(node.state).digest;
    };
    expect(await digestOf("one")).toEqual(await digestOf("two"));
  });
});

describe("types of parameters and results", () => {
  const service = defineService({
    name: "types",
    methods: {
      "types.all": query(
        {
          params: [t.double("factor"), t.i8("big"), t.array("list", t.int(), { max: 2 }), t.rest(t.string())],
          returns: t.struct({ product: t.double(), count: t.i8(), rest: t.array(t.string()) }),
        },
        (_, factor, big, list, ...rest) => ({ product: factor * list.length, count: big, rest }),
      ),
      "types.lies": query({ returns: t.int() }, () => "text" as unknown as number),
    },
  });
  const node = new OneNode(service);

  it("turn ints into doubles and i8s, and doubles out stay doubles", async () => {
    expect(await node.call("types.all", 3, 5, [1, 2], "a", "b")).toMatchObject({
      product: { value: 6 },
      count: 5n,
      rest: ["a", "b"],
    });
  });

  it("name the parameter, what was expected and what came", async () => {
    const fault = async (...params: Parameters<OneNode["call"]> extends [string, ...infer P] ? P : never) =>
      node.call("types.all", ...params);
    expect(await fault("x")).toEqual([
      -32602,
      'types.all: parameter 1 "factor": expected double, got string "x"',
    ]);
    expect(await fault(1)).toEqual([-32602, 'types.all: parameter 2 "big": expected i8, got nothing']);
    expect(await fault(1, 1, [1, "x"])).toEqual([
      -32602,
      'types.all: parameter 3 "list"[1]: expected int, got string "x"',
    ]);
    expect(await fault(1, 1, [1, 2, 3])).toEqual([
      -32602,
      'types.all: parameter 3 "list": expected array of at most 2 items, got array of 3',
    ]);
    expect(await fault(1, 1, [], "a", 2)).toEqual([
      -32602,
      "types.all: parameter 5: expected string, got int 2",
    ]);
  });

  it("turn a result that is not what was declared into a fault that says so", async () => {
    expect(await node.call("types.lies")).toEqual([
      -32500,
      'types.lies: result: expected int, got string "text"',
    ]);
  });
});
