import { Double, Fault, struct, type Value } from "@quorate/protocol";
import { createService } from "@quorate/server";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Key, RangeOptions, Transaction, View } from "../../packages/server/src/state/context.js";
import { encodeTuple } from "../../packages/server/src/state/tuple-key.js";
import { OneNode } from "./one-node.js";

type Handler = (tx: Transaction, ...params: Value[]) => unknown;

/** A node whose service has these commands, and `q…` names as queries. */
function nodeWith(handlers: Record<string, Handler>): OneNode {
  const service = createService("test");
  for (const [name, handler] of Object.entries(handlers)) {
    service.registerFunction(handler, name, { kind: name.startsWith("q") ? "query" : "command" });
  }
  return new OneNode(service);
}

const applicationError = [-32500, "application error; the log of the server has the details"];

describe("a command", () => {
  it("sees its own writes, and leaves them when it succeeds", async () => {
    const node = nodeWith({
      run: (tx) => {
        const before = [tx.has(["a"]), tx.get(["a"]) ?? "none"];
        tx.set(["a"], { b: [1] });
        tx.set(["gone"], 1);
        const existed = [tx.delete(["gone"]), tx.delete(["gone"])];
        return [before, tx.has(["a"]), tx.get(["a"]), existed, tx.has(["gone"])];
      },
      qRead: (view) => [view.get(["a"]), view.has(["gone"])],
    });
    expect(await node.call("run")).toEqual([[false, "none"], true, { b: [1] }, [true, false], false]);
    expect(await node.call("qRead")).toEqual([{ b: [1] }, false]);
  });

  it("leaves nothing when it throws a Fault, which is its result", async () => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        throw new Fault(409, "no");
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual([409, "no"]);
    expect(await node.call("qRead")).toBe(false);
  });

  it("leaves nothing when it throws anything else, which only the log hears", async () => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        throw new Error("a secret");
      },
      throwsNull: () => {
        throw null;
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual(applicationError);
    expect(await node.call("throwsNull")).toEqual(applicationError);
    expect(await node.call("qRead")).toBe(false);
    expect(node.warnings[0]).toMatchObject({ fields: { method: "run", err: { message: "a secret" } } });
  });

  it("may catch what it threw itself, but not undo what it wrote", async () => {
    const node = nodeWith({
      run: (tx) => {
        try {
          tx.set(["a"], 1);
          throw new Fault(1, "x");
        } catch {
          return tx.get(["a"]);
        }
      },
    });
    expect(await node.call("run")).toBe(1);
  });

  it("returning a promise is a fault, and its rejection does no harm", async () => {
    const node = nodeWith({ run: () => Promise.reject(new Error("late")) });
    expect(await node.call("run")).toEqual([-32500, "run returned a promise; handlers are synchronous"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.warnings).toMatchObject([{ message: "the promise that run returned was rejected" }]);
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "run: result: expected a value (null is nil), got nothing"],
    ["NaN", [Number.NaN], "run: result[0]: expected a finite number, got double NaN"],
    ["a function", { f: () => 1 }, "run: result.f: expected a value (null is nil), got function"],
    ["a class", new Map(), 'run: result: expected a plain object for a struct, got string "instance of Map"'],
    [
      "a forbidden character",
      "a\u{1}",
      'run: result: expected characters that XML allows, got string "U+0001"',
    ],
    [
      "half a surrogate pair",
      "\u{1F600}"[0],
      'run: result: expected characters that XML allows, got string "U+D83D"',
    ],
    [
      "an integer beyond 64 bits",
      2n ** 63n,
      "run: result: expected an integer of at most 64 bits, got i8 9223372036854775808",
    ],
    [
      "a Date with milliseconds",
      new Date(1),
      "run: result: expected a valid Date without milliseconds, got int 1",
    ],
  ])("returning %s is a fault that says so, and leaves nothing", async (_, returned, sentence) => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        return returned;
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual([-32500, sentence]);
    expect(await node.call("qRead")).toBe(false);
  });

  it("returning a cycle or a very deep value is a fault", async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const node = nodeWith({ run: () => cycle });
    expect(await node.call("run")).toEqual([-32500, expect.stringContaining("at most 128 containers")]);
  });

  it("gets copies: what it changes in a value it read changes nothing stored", async () => {
    const node = nodeWith({
      run: (tx) => {
        const given = [1];
        tx.set(["a"], given);
        given.push(2);
        (tx.get(["a"]) as number[]).push(3);
        return tx.get(["a"]);
      },
    });
    expect(await node.call("run")).toEqual([1]);
  });

  it("replaces characters in a fault's text that XML cannot carry", async () => {
    const node = nodeWith({
      run: () => {
        throw new Fault(1, "a\0b\u{D800}c");
      },
    });
    expect(await node.call("run")).toEqual([1, "a\u{FFFD}b\u{FFFD}c"]);
  });

  it("cannot be reached through its transaction once it is over", async () => {
    let kept: Transaction | undefined;
    let rest: (() => unknown) | undefined;
    const node = nodeWith({
      run: (tx) => {
        kept = tx;
        rest = () => [tx.range({}), tx.uuid()];
        return true;
      },
    });
    await node.call("run");
    const size = node.state.size;
    for (const use of [
      () => kept?.get(["a"]),
      () => kept?.set(["a"], 1),
      () => kept?.delete(["a"]),
      () => rest?.(),
    ]) {
      expect(use).toThrow("the call is over");
    }
    expect(node.state.size).toBe(size);
  });
});

describe("what a command knows", () => {
  it("is the same on every node and in every run", async () => {
    const handlers = {
      run: (tx: Transaction) => [tx.now, tx.index, tx.caller, tx.uuid(), tx.random(), tx.random()],
    };
    const [one, other] = [nodeWith(handlers), nodeWith(handlers)];
    one.context = other.context = { ...one.context, caller: "alice" };
    const first = await one.call("run");
    expect(first).toEqual(await other.call("run"));
    expect(first).toEqual([
      1_000_000,
      1,
      "alice",
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.any(Number),
      expect.any(Number),
    ]);
  });

  it("is time that never goes back, and stands still rather", async () => {
    const node = nodeWith({ run: (tx) => tx.now });
    const at = (nowMs: number) => {
      node.context = { ...node.context, nowMs };
      return node.call("run");
    };
    expect([await at(500), await at(400), await at(501), await at(0)]).toEqual([500, 500, 501, 501]);
  });
});

describe("budgets", () => {
  it("bound the operations of a command, even one that catches the fault", async () => {
    const node = nodeWith({
      run: (tx) => {
        for (;;) tx.has(["a"]);
      },
      stubborn: (tx) => {
        tx.set(["a"], 1);
        try {
          for (;;) tx.has(["a"]);
        } catch {
          return "done";
        }
      },
      qRead: (view) => view.has(["a"]),
    });
    const tooLarge = [-32005, "the call is too large: more than 100000 operations"];
    expect(await node.call("run")).toEqual(tooLarge);
    expect(await node.call("stubborn")).toEqual(tooLarge);
    expect(await node.call("qRead")).toBe(false);
  });

  it("bound what a command writes", async () => {
    const node = nodeWith({
      run: (tx, pieces) => {
        for (let at = 0; at < Number(pieces); at++) tx.set([at], "x".repeat(1024 * 1024));
        return true;
      },
      qCount: (view) => view.count({}),
    });
    expect(await node.call("run", 7)).toBe(true);
    expect(await node.call("run", 8)).toEqual([
      -32005,
      "the call is too large: more than 8388608 bytes written",
    ]);
    expect(await node.call("qCount")).toBe(7);
  });

  it("begin anew with every run of a handler that was suspended", async () => {
    const node = nodeWith({
      run: (tx) => {
        for (let at = 0; at < 20_000; at++) tx.has(["a"]);
        for (let at = 0; at < 10; at++) tx.range({ prefix: [at] });
        return true;
      },
    });
    expect(await node.call("run")).toBe(true);
  });

  it("hold for a batch as a whole", async () => {
    const node = nodeWith({
      run: (tx, name) => {
        tx.set([String(name)], "x".repeat(5 * 1024 * 1024));
        return name;
      },
    });
    expect(await node.batch({ method: "run", params: ["a"] }, { method: "run", params: ["b"] })).toEqual([
      ["a"],
      { faultCode: -32005, faultString: expect.stringContaining("bytes written") },
    ]);
  });
});

describe("ranges", () => {
  const fill: Handler = (tx, ...names) => {
    for (const name of names) tx.set(["n", String(name)], name as string);
    return true;
  };
  const names = (pairs: readonly [readonly unknown[], unknown][]) => pairs.map(([key]) => key[1]);

  it("come in key order, within every bound that is given", async () => {
    const ranges: ((view: View) => unknown)[] = [
      (view) => names(view.range({ prefix: ["n"] })),
      (view) => names(view.range({ prefix: ["n"], reverse: true, limit: 2 })),
      (view) => names(view.range({ prefix: ["n"], gte: ["n", "b"], lt: ["n", "d"] })),
      (view) => names(view.range({ gt: ["n", "b"], lte: ["n", "d"] })),
      (view) => names(view.range({ gt: ["n", "d"], lt: ["n", "b"] })),
      (view) => names(view.range({ prefix: ["n"], startsWith: "c" })),
      (view) => names(view.range({ prefix: ["other"] })),
      (view) => view.count({ prefix: ["n"], gt: ["n", "a"] }),
    ];
    const node = nodeWith({ fill, qRun: (view, at) => ranges[Number(at)]?.(view) });
    await node.call("fill", "d", "b", "a", "c", "ca");
    const results: Value[] = [];
    for (const at of ranges.keys()) results.push(await node.call("qRun", at));
    expect(results).toEqual([
      ["a", "b", "c", "ca", "d"],
      ["d", "ca"],
      ["b", "c", "ca"],
      ["c", "ca", "d"],
      [],
      ["c", "ca"],
      [],
      4,
    ]);
  });

  it("show a command its own writes and deletes over what is stored, in either direction", async () => {
    const node = nodeWith({
      fill,
      run: (tx, reverse, limit) => {
        tx.set(["n", "aa"], "new");
        tx.set(["n", "c"], "changed");
        tx.delete(["n", "b"]);
        tx.delete(["n", "a"]);
        const pairs = tx.range({ prefix: ["n"], reverse: reverse === true, limit: Number(limit) });
        const count = tx.count({ prefix: ["n"] });
        throw new Fault(1, JSON.stringify([pairs.map(([key, value]) => `${key[1]}=${value}`), count]));
      },
    });
    await node.call("fill", "a", "b", "c", "d", "e");
    const seen = async (reverse: boolean, limit: number) => {
      const [, text] = (await node.call("run", reverse, limit)) as [number, string];
      return JSON.parse(text);
    };
    expect(await seen(false, 10)).toEqual([["aa=new", "c=changed", "d=d", "e=e"], 4]);
    expect(await seen(false, 2)).toEqual([["aa=new", "c=changed"], 4]);
    expect(await seen(false, 3)).toEqual([["aa=new", "c=changed", "d=d"], 4]);
    expect(await seen(true, 3)).toEqual([["e=e", "d=d", "c=changed"], 4]);
    expect(node.state.open).toBe(0);
  });

  it("are what a plain sorted list would give, whatever is stored and written", async () => {
    const name = fc.stringMatching(/^[ab]{0,3}$/);
    const key = fc.oneof(
      name.map((text) => ["n", text]),
      fc.tuple(fc.constantFrom("m", "n", "o"), name, fc.integer()),
    );
    const bound = fc.option(key, { nil: undefined });
    const options = fc.record({ gte: bound, gt: bound, lt: bound, lte: bound }, { noNullPrototype: true });
    const more = fc.record({
      prefix: fc.constantFrom<Key | undefined>(undefined, [], ["n"], ["n", "a"]),
      reverse: fc.boolean(),
      limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    });
    const changes = fc.array(fc.tuple(key, fc.boolean()), { maxLength: 12 });
    const change = (tx: Transaction, list: readonly (readonly [Key, boolean])[], value: string) => {
      for (const [at, keep] of list) keep ? tx.set(at, value) : tx.delete(at);
    };
    await fc.assert(
      fc.asyncProperty(
        changes,
        changes,
        options,
        more,
        async (before, own, bounds, { prefix, reverse, limit }) => {
          const given = Object.entries({ ...bounds, prefix, limit }).filter(([, each]) => each !== undefined);
          const range: RangeOptions = { ...Object.fromEntries(given), reverse };
          const { limit: _, reverse: __, ...counted } = range;
          const node = nodeWith({
            fill: (tx) => {
              change(tx, before, "stored");
              return true;
            },
            run: (tx) => {
              change(tx, own, "own");
              return [tx.range(range).map(([at, value]) => [...at, value]), tx.count(counted)] as Value;
            },
          });
          const model = new Map<string, [Uint8Array, Value[]]>();
          for (const [list, value] of [
            [before, "stored"],
            [own, "own"],
          ] as const) {
            for (const [at, keep] of list) {
              if (keep) model.set(JSON.stringify(at), [encodeTuple(at), [...at, value]]);
              else model.delete(JSON.stringify(at));
            }
          }
          const compare = (at: Uint8Array, other: Key) => Buffer.compare(at, encodeTuple(other));
          const within = [...model.values()]
            .filter(([at]) => bounds.gte === undefined || compare(at, bounds.gte) >= 0)
            .filter(([at]) => bounds.gt === undefined || compare(at, bounds.gt) > 0)
            .filter(([at]) => bounds.lt === undefined || compare(at, bounds.lt) < 0)
            .filter(([at]) => bounds.lte === undefined || compare(at, bounds.lte) <= 0)
            .filter(([, parts]) =>
              (prefix ?? []).every((part, at) => parts[at] === part && at < parts.length - 1),
            )
            .sort(([a], [b]) => (reverse ? -1 : 1) * Buffer.compare(a, b))
            .map(([, parts]) => parts);
          await node.call("fill");
          expect(await node.call("run")).toEqual([within.slice(0, limit), within.length]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("run the handler again from the start, with the same time and chance and without earlier effects", async () => {
    const runs: unknown[][] = [];
    const node = nodeWith({
      fill,
      run: (tx) => {
        const facts = [tx.now, tx.uuid(), tx.has(["mark"])];
        runs.push(facts);
        tx.set(["mark"], 1);
        return tx.range({ prefix: ["n"] }).length + tx.range({ prefix: ["mark"] }).length;
      },
    });
    await node.call("fill", "a", "b");
    expect(await node.call("run")).toBe(3);
    expect(runs).toHaveLength(3);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    expect(runs[0]?.[2]).toBe(false);
  });

  it("give the handler its parameters as they came, whatever an earlier run made of them", async () => {
    const node = nodeWith({
      run: (tx, list, bytes, members) => {
        (list as number[]).push(1);
        (bytes as Uint8Array).fill(9);
        (members as Record<string, Value>).added = true;
        tx.range({ prefix: ["n"] });
        return [list, bytes, members] as Value;
      },
    });
    expect(await node.call("run", [], Uint8Array.of(0), struct())).toEqual([
      [1],
      Uint8Array.of(9),
      { added: true },
    ]);
  });

  it("suspend a handler that tries to catch the suspension", async () => {
    const node = nodeWith({
      fill,
      run: (tx) => {
        try {
          return tx.range({ prefix: ["n"] }).length;
        } catch {
          tx.set(["wrong"], 1);
          return "caught";
        }
      },
      qRead: (view) => view.has(["wrong"]),
    });
    await node.call("fill", "a");
    expect(await node.call("run")).toBe(1);
    expect(await node.call("qRead")).toBe(false);
  });

  it("of a query are of one moment, whatever is applied while it waits", async () => {
    const node = nodeWith({
      set: (tx, value) => {
        tx.set(["a"], value as number);
        tx.set(["n", "x"], value as number);
        return true;
      },
      qRun: (view) => [
        view.get(["a"]),
        view.range({ prefix: ["n"] })[0]?.[1],
        view.range({ prefix: ["n"], limit: 5 })[0]?.[1],
        view.get(["a"]),
      ],
    });
    await node.call("set", 1);
    const waiting = node.machine.runQuery("qRun", [], node.state);
    expect(waiting).toBeInstanceOf(Promise);
    await node.call("set", 2);
    expect(await waiting).toEqual({ ok: true, value: [1, 1, 1, 1] });
    expect(node.state.open).toBe(0);
  });

  it("beyond 10,000 pairs need a limit", async () => {
    const node = nodeWith({
      fill: (tx, from, to) => {
        for (let at = Number(from); at < Number(to); at++) tx.set(["n", at], at);
        return true;
      },
      qAll: (view) => view.range({ prefix: ["n"] }).length,
      qSome: (view) => view.range({ prefix: ["n"], limit: 10_000 }).length,
      qCount: (view) => view.count({ prefix: ["n"] }),
    });
    await node.call("fill", 0, 10_000);
    expect(await node.call("qAll")).toBe(10_000);
    await node.call("fill", 10_000, 10_001);
    expect(await node.call("qAll")).toEqual([
      -32005,
      expect.stringContaining("more than 10000 pairs; give a limit"),
    ]);
    expect(await node.call("qSome")).toBe(10_000);
    expect(await node.call("qCount")).toBe(10_001);
    expect(
      Math.max(...node.state.scans.map(({ limit }) => limit ?? Number.POSITIVE_INFINITY)),
    ).toBeLessThanOrEqual(1024);
  });

  it("hold 16 MiB at most, read in small slices", async () => {
    const node = nodeWith({
      fill: (tx, at) => {
        tx.set(["n", Number(at)], "x".repeat(4 * 1024 * 1024));
        return true;
      },
      qAll: (view) => view.range({ prefix: ["n"] }).length,
    });
    for (let at = 0; at < 40; at++) await node.call("fill", at);
    expect(await node.call("qAll")).toEqual([-32005, expect.stringContaining("16777216 bytes")]);
    expect(node.state.scans).toHaveLength(1);
    expect(node.state.open).toBe(0);
  });

  it("of different bounds are 64 at most in one call", async () => {
    const node = nodeWith({
      run: (tx, count) => {
        for (let at = 0; at < Number(count); at++) tx.range({ prefix: [at] });
        return true;
      },
    });
    expect(await node.call("run", 64)).toBe(true);
    expect(await node.call("run", 65)).toEqual([-32005, "the call is too large: more than 64 ranges"]);
  });

  it.each<[string, object]>([
    ["a limit of 0", { limit: 0 }],
    ["a broken limit", { limit: 1.5 }],
    ["startsWith without prefix", { startsWith: "a" }],
    ["NaN in a bound", { gt: [Number.NaN] }],
  ])("with %s are the author's mistake", async (_, options) => {
    const node = nodeWith({ run: (tx) => tx.range(options).length });
    expect(await node.call("run")).toEqual(applicationError);
  });

  it("never leave the service's own keys", async () => {
    const node = nodeWith({ run: (tx) => tx.range({}).length + tx.range({ prefix: [] }).length });
    // The machine's own metadata is there after the first command.
    await node.call("run");
    expect(await node.call("run")).toBe(0);
    expect(node.state.size).toBe(1);
  });
});

describe("a query", () => {
  it("has no way to write", async () => {
    const node = nodeWith({
      qRun: (view) => Object.keys(view).concat(typeof (view as Partial<Transaction>).set),
    });
    expect(await node.call("qRun")).toEqual(["undefined"]);
  });

  it("that exhausts the stack is an internal fault for its caller alone", async () => {
    const overflow = (): number => overflow() + 1;
    const node = nodeWith({ qRun: () => overflow() });
    expect(await node.call("qRun")).toEqual([-32603, "qRun needs more memory or stack than there is"]);
  });

  it("fails when the storage does", async () => {
    const node = nodeWith({
      qGet: (view) => {
        try {
          return view.get(["a"]) ?? null;
        } catch {
          return "caught";
        }
      },
      qRange: (view) => view.range({}).length,
    });
    node.state.failure = new Error("disk");
    await expect(node.call("qGet")).rejects.toThrow("disk");
    await expect(node.call("qRange")).rejects.toThrow("disk");
    expect(node.state.open).toBe(0);
  });

  it("tells a double from an int only where its type says so", async () => {
    const node = nodeWith({ qRun: () => [new Double(1), 1, struct()] });
    expect(await node.call("qRun")).toStrictEqual([new Double(1), 1, struct()]);
  });
});
