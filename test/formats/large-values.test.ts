/** Large values take other ways than small ones, and come to the same. */
import { isDeepStrictEqual } from "node:util";
import { DateTime, Double, type Encodable, struct, type Value } from "@quorate/protocol";
import {
  decodeLargeValue,
  decodeValue,
  encodeStorable,
  encodeValue,
  isNormal,
  normalize,
  readInSlices,
  ValueEncodingError,
} from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { value } from "./arbitraries.js";

const many = (count: number): Value => Array.from({ length: count }, (_, id) => struct([["id", id]]));

async function ended(read: () => Value | Promise<Value>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    expect(error).toBeInstanceOf(ValueEncodingError);
    return String(error);
  }
}

describe("a value that is read in slices", () => {
  it("is the one that is read at once, member order and prototypes included", async () => {
    await fc.assert(
      fc.asyncProperty(value, async (each) => {
        const back = await readInSlices(encodeValue(each), 1);
        expect(isDeepStrictEqual(back, each)).toBe(true);
        expect(encodeValue(back)).toEqual(encodeValue(each));
      }),
      { numRuns: 500 },
    );
  });

  it("is refused where the other is, with the same words", async () => {
    await fc.assert(
      fc.asyncProperty(value, fc.nat(), fc.nat({ max: 255 }), async (each, at, byte) => {
        const bytes = encodeValue(each);
        bytes[at % bytes.length] = byte;
        for (const damaged of [bytes, bytes.subarray(0, 1 + (at % bytes.length))]) {
          if (damaged[0] !== 1) continue;
          const slices = await ended(() => readInSlices(damaged, 1));
          const atOnce = await ended(() => decodeValue(damaged));
          expect(isDeepStrictEqual(slices, atOnce)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["deep", Buffer.alloc(1_000_000, "91", "hex")],
    ["claims", Buffer.alloc(1_000_000, "dd000e0000", "hex")],
    ["an unknown version", Buffer.alloc(1_000_000, "02", "hex")],
  ])("costs no more than its own length: %s", async (_, bytes) => {
    const stored = Buffer.concat([Uint8Array.of(1), bytes]);
    const refused = await ended(() => decodeLargeValue(stored));
    expect(refused).toBe(await ended(() => decodeValue(stored)));
  });

  it("leaves the event loop turns; a small one is there at once", async () => {
    let turns = 0;
    let done = false;
    const turn = () => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);
    const large = many(50_000);
    expect(await decodeLargeValue(encodeValue(large))).toEqual(large);
    done = true;
    expect(turns).toBeGreaterThan(8);
    expect(decodeLargeValue(encodeValue(many(10)))).toEqual(many(10));
  });
});

describe("a text that is a slice by itself", () => {
  it("is followed by a turn before anything becomes of it", async () => {
    const text = "x".repeat(2 * 1024 * 1024);
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    expect(await decodeLargeValue(encodeValue(["a", text]))).toEqual(["a", text]);
    expect(turned).toBe(true);
  });
});

/** What handlers hand over: values, and what else JavaScript has. */
const handed = fc.oneof(
  { weight: 5, arbitrary: value },
  fc.date({ noInvalidDate: false }).map((date) => new Date(Math.floor(date.getTime() / 500) * 500)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.constantFrom<unknown>(
    undefined,
    Number.NaN,
    2n ** 63n,
    new Map(),
    Symbol.iterator,
    "\uD800",
    "\u0000",
    new Double(Number.POSITIVE_INFINITY),
    new DateTime("19980717T14:08:55"),
    // biome-ignore lint/suspicious/noSparseArray: a hole is what it is about
    [1, , 2],
    { "\u0001": 1 },
    Object.create({ inherited: 1 }),
  ),
);
const nested = fc.oneof(
  handed,
  fc.array(handed, { maxLength: 4 }),
  fc.dictionary(fc.string(), fc.oneof(handed, fc.array(handed, { maxLength: 3 }))),
);

describe("what needs no copy to be a value", () => {
  it("is every value that can be sent", () => {
    fc.assert(
      fc.property(value, (each) => {
        const copied = () => normalize(each, "it");
        if (isNormal(each)) expect(copied()).toEqual(each);
        else expect(copied).toThrow("characters that XML allows");
      }),
      { numRuns: 1000 },
    );
  });

  it("is nothing else: its copy would be the same", () => {
    fc.assert(
      fc.property(nested, (each) => {
        if (isNormal(each)) expect(isDeepStrictEqual(normalize(each, "it"), each)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it.each<[string, unknown]>([
    ["a plain object", {}],
    ["a hole", Object.assign([1], { length: 2 })],
    ["an array of a class", new (class extends Array {})()],
    ["a Buffer", Buffer.from("a")],
    ["a Date", new Date(0)],
    ["a character that XML forbids", ["\u0000"]],
    ["such a name", struct([["\uFFFE", 1]])],
    ["such a name, behind others", [struct([["a", 1]]), struct([["\u0001", 1]])]],
    ["infinity", [[Number.POSITIVE_INFINITY]]],
    ["an infinite Double", new Double(Number.NaN)],
    ["more than 64 bits", 2n ** 63n],
    ["nothing", undefined],
    ["a function", [() => 1]],
  ])("is not %s", (_, each) => {
    expect(isNormal(each)).toBe(false);
  });

  it("nests 128 deep and no deeper", () => {
    const deep = (levels: number): Encodable => (levels === 0 ? 1 : [deep(levels - 1)]);
    expect([isNormal(deep(128)), isNormal(deep(129))]).toEqual([true, false]);
    const circle: unknown[] = [];
    circle.push(circle);
    expect(isNormal(circle)).toBe(false);
  });
});

describe("what a handler stores", () => {
  it("is encoded as its normal form, and refused with the same words", () => {
    fc.assert(
      fc.property(nested, (each) => {
        const outcome = (encode: () => Uint8Array) => {
          try {
            return Buffer.from(encode()).toString("hex");
          } catch (error) {
            return String(error);
          }
        };
        expect(outcome(() => encodeStorable(each, "it"))).toBe(
          outcome(() => encodeValue(normalize(each, "it"))),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it.each<[string, unknown, string]>([
    ["an item", [1, [2, undefined]], "it[1][1]: expected a value"],
    ["a member of an item", [{ a: [{ b: Number.NaN }] }], "it[0].a[0].b: expected a finite number"],
    ["a name", { a: { "\u0000": 1 } }, "it.a: expected characters that XML allows"],
    ["an object of a class", { a: [new Map()] }, "it.a[0]: expected a plain object for a struct"],
  ])("is refused by its place: %s", (_, each, words) => {
    expect(() => encodeStorable(each, "it")).toThrow(words);
    expect(() => normalize(each, "it")).toThrow(words);
  });

  it("may nest 128 deep and no deeper", () => {
    const deep = (levels: number): Encodable => (levels === 0 ? 1 : [deep(levels - 1)]);
    expect(decodeValue(encodeStorable(deep(128), "it"))).toEqual(deep(128));
    expect(() => encodeStorable(deep(129), "it")).toThrow("at most 128 containers");
    expect(() => normalize(deep(129), "it")).toThrow("at most 128 containers");
  });

  it("may store something else while it is read", () => {
    let inner: Uint8Array = new Uint8Array();
    const outer = {
      a: "before",
      get b(): string {
        inner = encodeStorable(["inner"], "it");
        return "read";
      },
    };
    expect(decodeValue(encodeStorable(outer, "it"))).toEqual({ a: "before", b: "read" });
    expect(decodeValue(inner)).toEqual(["inner"]);
    expect(decodeValue(encodeStorable("after", "it"))).toBe("after");
  });
});
