import { Fault, struct, type Value } from "@quorate/protocol";
import type { Key, RangeOptions, Transaction, View } from "@quorate/server";
import { encodeTuple } from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applicationError, type Handler, nodeWith } from "./one-node.js";

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

  it("do so in every call of a batch, in every run, and in entries that are read in slices", async () => {
    const node = nodeWith({
      run: (tx, list, name) => {
        (list as Value[]).push(name as Value);
        tx.range({ prefix: ["n"] });
        (list as Value[]).push(name as Value);
        tx.range({ prefix: ["m"] });
        return (list as Value[]).slice(-3);
      },
    });
    const long = Array.from({ length: 100_000 }, (_, at) => at);
    for (const list of [[0], long]) {
      expect(
        await node.batch({ method: "run", params: [list, "a"] }, { method: "run", params: [list, "b"] }),
      ).toEqual([[[list.at(-1), "a", "a"]], [[list.at(-1), "b", "b"]]]);
    }
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
