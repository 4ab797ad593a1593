import { DateTime, type Double, type Struct, type Value } from "@quorate/protocol";
import {
  command,
  createService,
  defineService,
  type Infer,
  query,
  ServiceDefinitionError,
  type Transaction,
  type Type,
  t,
  type View,
} from "@quorate/server";
import { Registry } from "@quorate/server/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { OneNode } from "./one-node.js";

const hash = "ab".repeat(32);

describe("types, as TypeScript sees them", () => {
  it("parameters become the handler's arguments", () => {
    command(
      {
        params: [t.string("a"), t.int("b", { min: 1 }), t.i8("c"), t.double("d"), t.boolean("e"), t.nil("f")],
      },
      (tx, a, b, c, d, e, f) => {
        expectTypeOf(tx).toEqualTypeOf<Transaction>();
        expectTypeOf(a).toEqualTypeOf<string>();
        expectTypeOf(b).toEqualTypeOf<number>();
        expectTypeOf(c).toEqualTypeOf<bigint>();
        expectTypeOf(d).toEqualTypeOf<number>();
        expectTypeOf(e).toEqualTypeOf<boolean>();
        expectTypeOf(f).toEqualTypeOf<null>();
        return true;
      },
    );
    query(
      {
        params: [
          t.any("a"),
          t.dateTime("b"),
          t.base64("c"),
          t.array("d", t.string()),
          t.array("e"),
          t.struct("f"),
          t.int("g", { default: 1 }),
          t.int("h", { optional: true }),
          t.rest(t.array(t.int())),
        ],
      },
      (view, a, b, c, d, e, f, g, h, ...rest) => {
        expectTypeOf(view).toEqualTypeOf<View>();
        expectTypeOf(a).toEqualTypeOf<Value>();
        expectTypeOf(b).toEqualTypeOf<DateTime>();
        expectTypeOf(c).toEqualTypeOf<Uint8Array>();
        expectTypeOf(d).toEqualTypeOf<string[]>();
        expectTypeOf(e).toEqualTypeOf<Value[]>();
        expectTypeOf(f).toEqualTypeOf<Struct>();
        expectTypeOf(g).toEqualTypeOf<number>();
        expectTypeOf(h).toEqualTypeOf<number | undefined>();
        expectTypeOf(rest).toEqualTypeOf<number[][]>();
        return null;
      },
    );
    command({}, (...all) => {
      expectTypeOf(all).toEqualTypeOf<[tx: Transaction]>();
      return 1;
    });
  });

  it("a struct's members that may be left out may be left out", () => {
    const order = t.struct({
      sku: t.string(),
      units: t.int({ default: 1 }),
      note: t.string({ optional: true }),
    });
    expectTypeOf<Infer<typeof order>>().toEqualTypeOf<{
      sku: string;
      units: number;
      note?: string | undefined;
    }>();
  });

  it("a declared result is what the handler must return", () => {
    command({ returns: t.int() }, () => 1);
    // @ts-expect-error a string is no int
    command({ returns: t.int() }, () => "1");
    // @ts-expect-error undefined has no XML-RPC form
    command({}, () => undefined);
    // @ts-expect-error handlers are synchronous
    command({ returns: t.int() }, async () => 1);
    query({ returns: t.struct({ a: t.int() }) }, () => ({ a: 1 }));
    // @ts-expect-error a member is missing
    query({ returns: t.struct({ a: t.int() }) }, () => ({}));
  });

  it("a view has no way to write", () => {
    expectTypeOf<View>().not.toHaveProperty("set");
    expectTypeOf<View>().not.toHaveProperty("delete");
    expectTypeOf<View>().not.toHaveProperty("random");
    expectTypeOf<Transaction>().toHaveProperty("set");
  });

  it("what is read has the type that is asked for", () => {
    query({ params: [t.string("k")] }, (view, k) => {
      expectTypeOf(view.get([k])).toEqualTypeOf<Value | undefined>();
      expectTypeOf(view.get([k], t.int())).toEqualTypeOf<number | undefined>();
      expectTypeOf(view.range({}, t.double())[0]?.[1]).toEqualTypeOf<number | undefined>();
      return 1;
    });
    expectTypeOf<Double>().not.toEqualTypeOf<number>();
  });
});

describe("defineService", () => {
  const one = { a: command({}, () => 1) };

  it.each<[string, () => unknown, RegExp]>([
    [
      "no name",
      () => defineService({ name: "", methods: one }),
      /service's name is a lower-case letter.*got ""/,
    ],
    ["a bad name", () => defineService({ name: "Stock!", methods: one }), /got "Stock!"/],
    ["no methods", () => defineService({ name: "s", methods: {} }), /service "s" has no methods/],
    [
      "a reserved prefix",
      () => defineService({ name: "s", methods: { "cluster.x": one.a } }),
      /belong to Quorate/,
    ],
    [
      "a private name",
      () => defineService({ name: "s", methods: { _x: one.a } }),
      /a method's name is a letter or digit/,
    ],
    [
      "a name with a space",
      () => defineService({ name: "s", methods: { "a b": one.a } }),
      /a method's name is/,
    ],
    [
      "no method",
      () => defineService({ name: "s", methods: { a: (() => 1) as never } }),
      /command\(…\) or query\(…\)/,
    ],
    [
      "async",
      () => defineService({ name: "s", methods: { a: command({}, (async () => 1) as never) } }),
      /AsyncFunction/,
    ],
    [
      "a generator",
      () =>
        defineService({
          name: "s",
          methods: {
            a: command({}, function* () {
              yield 1;
            } as never),
          },
        }),
      /GeneratorFunction/,
    ],
    [
      "a parameter without name",
      () => defineService({ name: "s", methods: { a: command({ params: [t.int()] }, () => 1) } }),
      /parameter 1 has no name/,
    ],
    [
      "a required one behind an optional one",
      () =>
        defineService({
          name: "s",
          methods: { a: command({ params: [t.int("x", { default: 1 }), t.int("y")] }, () => 1) },
        }),
      /parameter "y" is required but follows "x"/,
    ],
    [
      "something behind rest",
      () =>
        defineService({
          name: "s",
          methods: { a: command({ params: [t.rest(t.int()), t.int("y")] }, () => 1) },
        }),
      /t\.rest\(…\) must be the last/,
    ],
    [
      "an optional result",
      () =>
        defineService({
          name: "s",
          methods: { a: command({ returns: t.int({ optional: true }) as never }, () => 1) },
        }),
      /a result cannot be optional/,
    ],
  ])("refuses %s with a sentence", (_, define, sentence) => {
    expect(define).toThrow(ServiceDefinitionError);
    expect(define).toThrow(sentence);
  });

  it("feeds introspection", () => {
    const service = defineService({
      name: "s",
      methods: {
        b: command(
          {
            help: "Does b.",
            params: [t.string("x"), t.int("y", { default: 1 }), t.rest(t.any())],
            returns: t.array(t.int()),
          },
          () => [],
        ),
        a: query({}, () => 1),
      },
    });
    const registry = new Registry(service, hash);
    expect(registry.list()).toEqual(["a", "b"]);
    expect(registry.find("b")).toMatchObject({
      kind: "command",
      help: "Does b.",
      signatures: [
        ["array", "string"],
        ["array", "string", "int"],
        ["array", "string", "int", "any"],
      ],
    });
    expect(registry.find("a")).toMatchObject({ kind: "query", help: "", signatures: [["any"]] });
    expect(registry.find("toString")).toBeUndefined();
    expect(registry.find("__proto__")).toBeUndefined();
  });
});

describe("the vocabulary of types", () => {
  const node = (type: Type<unknown>) => {
    const echo = query({ params: [type] }, (_, x) => (x ?? "left out") as Value);
    return new OneNode(defineService({ name: "s", methods: { f: echo } }));
  };

  it.each<[string, Type<unknown>, Value, Value | RegExp]>([
    ["int", t.int("x"), 7n, 7],
    ["int", t.int("x"), 2n ** 31n, /expected int, got i8 2147483648/],
    ["int", t.int("x"), -0, /expected int, got double -0/],
    ["int with limits", t.int("x", { min: 1, max: 2 }), 3, /expected int of at most 2, got int 3/],
    ["i8", t.i8("x"), 7, 7n],
    ["i8 with limits", t.i8("x", { min: 0n }), -1n, /i8 of at least 0, got i8 -1/],
    ["double", t.double("x"), 7, 7],
    ["double with limits", t.double("x", { max: 0.5 }), 0.75, /double of at most 0.5, got double 0.75/],
    ["boolean", t.boolean("x"), 1, /expected boolean, got int 1/],
    ["string", t.string("x", { min: 2 }), "\u{1F600}", /string of at least 2 characters, got string/],
    [
      "string",
      t.string("x", { pattern: /^a+$/g }),
      "aab",
      /expected string matching \/\^a\+\$\/, got string "aab"/,
    ],
    ["string", t.string("x"), "y".repeat(99), "y".repeat(99)],
    ["dateTime", t.dateTime("x"), "19980717T14:08:55", /expected dateTime.iso8601, got string/],
    [
      "base64",
      t.base64("x", { max: 1 }),
      Uint8Array.of(1, 2),
      /base64 of at most 1 bytes, got base64 of 2 bytes/,
    ],
    ["nil", t.nil("x"), 0, /expected nil, got int 0/],
    ["array", t.array("x", t.array(t.int())), [[1], [2, "x"]], /"x"\[1\]\[1\]: expected int, got string "x"/],
    ["struct", t.struct("x", { a: t.int() }), { a: 1, b: 2 }, /struct with no members but a, got string "b"/],
    ["struct", t.struct("x", { a: t.int() }), {}, /"x"\.a: expected int, got nothing/],
    ["struct", t.struct("x", { a: t.int({ default: 5 }), b: t.int({ optional: true }) }), {}, { a: 5 }],
    ["struct", t.struct("x", { a: t.any() }), { a: null }, { a: null }],
    ["struct", t.struct("x"), [], /expected struct, got array of 0/],
  ])("%s", async (_, type, given, expected) => {
    const answer = await node(type).call("f", given);
    if (expected instanceof RegExp) expect(answer).toEqual([-32602, expect.stringMatching(expected)]);
    else expect(answer).toEqual(expected);
  });

  it("does not let a pattern with state depend on the calls before", async () => {
    const service = node(t.string("x", { pattern: /a/g }));
    for (let call = 0; call < 4; call++) expect(await service.call("f", "a")).toBe("a");
  });

  it("fills in defaults, which handlers cannot change for later calls", async () => {
    const service = defineService({
      name: "s",
      methods: {
        f: query({ params: [t.array("x", t.int(), { default: [1] })] }, (_, x) => {
          x.push(2);
          return x;
        }),
      },
    });
    const shared = new OneNode(service);
    expect(await shared.call("f")).toEqual([-32500, expect.any(String)]);
    expect(await shared.call("f", [5])).toEqual([5, 2]);
  });

  it("writes dates given as Date", async () => {
    const service = defineService({ name: "s", methods: { f: query({}, () => new Date(0) as never) } });
    expect(await new OneNode(service).call("f")).toStrictEqual(new DateTime("19700101T00:00:00"));
  });
});

describe("createService, the porting aid", () => {
  it("registers functions: commands unless they are said to be queries", async () => {
    function add(tx: Transaction, a: number, b = 10) {
      tx.set(["last"], a + b);
      return a + b;
    }
    const service = createService("calc")
      .registerFunction(add)
      .registerFunction((view: View) => view.get(["last"]), "last", { kind: "query", help: "The last sum." });
    const node = new OneNode(service);
    expect(await node.call("add", 1)).toBe(11);
    expect(await node.call("add", 1, 2)).toBe(3);
    expect(await node.call("last")).toBe(3);
    expect(node.registry.find("add")).toMatchObject({ kind: "command", signatures: [] });
    expect(node.registry.find("last")).toMatchObject({ kind: "query", help: "The last sum." });
  });

  it("registers an instance's own methods and nothing else", async () => {
    class Base {
      inherited() {
        return 1;
      }
    }
    class Counter extends Base {
      readonly step = 2;
      add(tx: Transaction, by: number) {
        return this._store(tx, by * this.step);
      }
      value(view: View) {
        return view.get(["value"]) ?? 0;
      }
      _store(tx: Transaction, by: number) {
        const value = (tx.get(["value"], t.int()) ?? 0) + by;
        tx.set(["value"], value);
        return value;
      }
      get computed() {
        return () => 1;
      }
    }
    const node = new OneNode(
      createService("c").registerInstance(new Counter(), { prefix: "c.", queries: ["value"] }),
    );
    expect(node.registry.list()).toEqual(["c.add", "c.value"]);
    expect(await node.call("c.add", 4)).toBe(8);
    expect(await node.call("c.value")).toBe(8);
  });

  it("freezes instances, deep down: state lives in the transaction only", async () => {
    const instance = {
      seen: { count: 0 },
      list: [1],
      bump(_tx: Transaction) {
        this.seen.count++;
        return 1;
      },
      grow(_tx: Transaction) {
        return this.list.push(2);
      },
    };
    const node = new OneNode(createService("c").registerInstance(instance));
    expect(await node.call("bump")).toEqual([-32500, expect.any(String)]);
    expect(await node.call("grow")).toEqual([-32500, expect.any(String)]);
    expect(instance.seen.count).toBe(0);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a taken name",
      () =>
        createService("s")
          .registerFunction(() => 1, "a")
          .registerFunction(() => 2, "a"),
      /"a": registered twice/,
    ],
    [
      "a function without name",
      () => createService("s").registerFunction(() => 1),
      /method "": a method's name is/,
    ],
    [
      "an async method",
      () => createService("s").registerInstance({ a: async () => 1 }),
      /"a" is AsyncFunction/,
    ],
    [
      "a query that is none",
      () => createService("s").registerInstance({ a: () => 1 }, { queries: ["b"] }),
      /query "b" is no method/,
    ],
    [
      "a name with dots of the system",
      () => createService("s").registerFunction(() => 1, "system.listMethods"),
      /belong to Quorate/,
    ],
    ["a bad service name", () => createService("No Good"), /got "No Good"/],
  ])("refuses %s", (_, register, sentence) => {
    expect(register).toThrow(ServiceDefinitionError);
    expect(register).toThrow(sentence);
  });
});
