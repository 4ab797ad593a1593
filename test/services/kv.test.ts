import { DateTime, Double, Fault, struct, type Value } from "@quorate/protocol";
import { kvRegistry } from "@quorate/server/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { OneNode } from "./one-node.js";

let node: OneNode;
beforeEach(() => {
  node = new OneNode(kvRegistry());
});

const kv = (method: string, ...params: Value[]) => node.call(`kv.${method}`, ...params);

describe("kv.get, kv.set, kv.delete, kv.create", () => {
  it.each<[string, Value]>([
    ["int", 7],
    ["double", 1.5],
    ["integral double", new Double(3)],
    ["i8", 2n ** 40n],
    ["string", "ä\u{1F600}"],
    ["nil", null],
    ["boolean", false],
    ["bytes", Uint8Array.of(0, 255)],
    ["date", new DateTime("19980717T14:08:55")],
    ["nested", [struct([["__proto__", [1, struct()]]])]],
  ])("gives back what was set: %s", async (_, value) => {
    expect(await kv("set", "k", value)).toBe(true);
    expect(await kv("get", "k")).toStrictEqual(value);
  });

  it("answers 404 for a missing key, or the default", async () => {
    expect(await kv("get", "no such")).toEqual([404, "key not found: no such"]);
    expect(await kv("get", "k", "fallback")).toBe("fallback");
    expect(await kv("get", "k", null)).toBe(null);
  });

  it("prefers a stored nil to the default", async () => {
    await kv("set", "k", null);
    expect(await kv("get", "k", 5)).toBe(null);
  });

  it("tells whether there was something to delete", async () => {
    await kv("set", "k", 1);
    expect(await kv("delete", "k")).toBe(true);
    expect(await kv("delete", "k")).toBe(false);
    expect(await kv("get", "k")).toEqual([404, "key not found: k"]);
  });

  it("creates only what is missing", async () => {
    expect(await kv("create", "k", 1)).toBe(true);
    expect(await kv("create", "k", 2)).toBe(false);
    expect(await kv("get", "k")).toBe(1);
  });

  it("takes any text as a key, the empty one too", async () => {
    for (const key of ["", "__proto__", "a\tb", "a\nb", "\u{10FFFF}"]) {
      await kv("set", key, key);
      expect(await kv("get", key)).toBe(key);
    }
  });

  it("refuses a key longer than 8 KiB as too large", async () => {
    expect(await kv("set", "k".repeat(9000), 1)).toEqual([-32005, expect.stringContaining("8192")]);
    expect(await kv("get", "k".repeat(9000))).toEqual([-32005, expect.stringContaining("8192")]);
  });
});

describe("kv.cas", () => {
  it("compares deeply", async () => {
    await kv(
      "set",
      "k",
      struct([
        ["a", [1, new Double(2)]],
        ["b", null],
      ]),
    );
    expect(
      await kv(
        "cas",
        "k",
        struct([
          ["b", null],
          ["a", [1, 2]],
        ]),
        "new",
      ),
    ).toBe(true);
    expect(await kv("get", "k")).toBe("new");
  });

  it("leaves a different value alone", async () => {
    await kv("set", "k", 1);
    expect(await kv("cas", "k", 2, 3)).toBe(false);
    expect(await kv("get", "k")).toBe(1);
  });

  it("is false for a missing key, even when nil is expected", async () => {
    expect(await kv("cas", "k", null, 1)).toBe(false);
    expect(await kv("get", "k")).toEqual([404, "key not found: k"]);
  });
});

describe("kv.incr", () => {
  it("counts from 0, by 1 or by what is given", async () => {
    expect(await kv("incr", "k")).toBe(1);
    expect(await kv("incr", "k", 10)).toBe(11);
    expect(await kv("incr", "k", -12)).toBe(-1);
    expect(await kv("incr", "k", 2n)).toBe(1);
  });

  it.each<[Value]>([["text"], [null], [1.5], [new Double(1)], [5n]])(
    "refuses %s with 409 and keeps it",
    async (value) => {
      await kv("set", "k", value);
      expect(await kv("incr", "k")).toEqual([409, "not an int: k"]);
      expect(await kv("get", "k")).toStrictEqual(value);
    },
  );

  it("refuses to leave 32 bits and keeps the value", async () => {
    await kv("set", "k", 2 ** 31 - 1);
    expect(await kv("incr", "k")).toEqual([409, "beyond 32 bits: k"]);
    expect(await kv("get", "k")).toBe(2 ** 31 - 1);
    await kv("set", "k", -(2 ** 31));
    expect(await kv("incr", "k", -1)).toEqual([409, "beyond 32 bits: k"]);
  });

  it("adds integers only", async () => {
    await expect(kv("incr", "k", 1.5)).rejects.toThrow(Fault);
    await expect(kv("incr", "k", 1.5)).rejects.toThrow(
      'kv.incr: parameter 2 "by": expected int, got double 1.5',
    );
  });
});

describe("kv.list, kv.count", () => {
  const keys = ["", "a", "a\t", "aa", "ab", "b", "ä", "\u{FFFD}", "\u{10000}"];
  beforeEach(async () => {
    for (const key of keys.toReversed()) await kv("set", key, `v:${key}`);
  });

  const listed = async (...params: Value[]) => {
    const pairs = await kv("list", ...params);
    return (pairs as { key: string }[]).map(({ key }) => key);
  };

  it("lists in code point order, which is not the order of UTF-16", async () => {
    expect(await listed("")).toEqual(keys);
    expect(await kv("list", "ab")).toEqual([{ key: "ab", value: "v:ab" }]);
  });

  it("lists what begins with the prefix and nothing else", async () => {
    expect(await listed("a")).toEqual(["a", "a\t", "aa", "ab"]);
    expect(await listed("c")).toEqual([]);
  });

  it("goes on behind `after`, a limit at a time", async () => {
    expect(await listed("a", 2)).toEqual(["a", "a\t"]);
    expect(await listed("a", 2, "a\t")).toEqual(["aa", "ab"]);
    expect(await listed("a", 2, "ab")).toEqual([]);
    expect(await listed("a", 9, "a")).toEqual(["a\t", "aa", "ab"]);
  });

  it("lists 100 by default and 1000 at most", async () => {
    for (let i = 0; i < 150; i++) await kv("set", `n${i}`, i);
    expect(await listed("n")).toHaveLength(100);
    expect(await listed("n", 1000)).toHaveLength(150);
    expect(await kv("list", "n", 1001)).toEqual([
      -32602,
      'kv.list: parameter 2 "limit": expected int of at most 1000, got int 1001',
    ]);
    expect(await kv("list", "n", 0)).toEqual([
      -32602,
      'kv.list: parameter 2 "limit": expected int of at least 1, got int 0',
    ]);
  });

  it("counts", async () => {
    expect(await kv("count")).toBe(keys.length);
    expect(await kv("count", "a")).toBe(4);
    expect(await kv("count", "zz")).toBe(0);
  });

  it("counts far more keys than a range may hold", async () => {
    const before = await kv("count");
    for (let i = 0; i < 12_000; i++) await kv("set", `many${i}`, i);
    expect(await kv("count")).toBe(Number(before) + 12_000);
  });

  it("closes every snapshot that it opens", async () => {
    await listed("");
    await kv("count");
    expect(node.state.open).toBe(0);
  });
});

it("has a version that does not change by accident", () => {
  expect(kvRegistry().sha256).toBe("4cc4cb6b1e0aa8fa29bfd8190adf399ec7ad6c33b93db59e3b48bcbc64bf9437");
});
