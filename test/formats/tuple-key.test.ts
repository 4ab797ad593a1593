import {
  compareKeys,
  decodeTuple,
  encodeTuple,
  prefixRange,
  type TupleElement,
  TupleKeyError,
  TupleKeyTooLong,
} from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { text, tuple } from "./arbitraries.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const unhex = (digits: string) => Uint8Array.from(Buffer.from(digits, "hex"));

/** Stored bytes of format v1. A change here is a change of format: it needs a new version, not a new fixture. */
const golden: readonly (readonly [string, readonly TupleElement[], string])[] = [
  ["the empty key", [], ""],
  ["false and true", [false, true], "1011"],
  ["0", [0], "208000000000000000"],
  ["1.5", [1.5], "20bff8000000000000"],
  ["-1.5", [-1.5], "204007ffffffffffff"],
  [
    "infinities",
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    "20000fffffffffffff20fff0000000000000",
  ],
  ["bigint 0", [0n], "2880"],
  ["bigint 256", [256n], "28820100"],
  ["bigint -256", [-256n], "287efeff"],
  ["strings", ["", "a\0b"], "3000306100ff6200"],
  ["text beyond 16 bits", ["\u{10000}"], "30f090808000"],
  ["bytes", [Uint8Array.of(0, 255)], "4000ffff00"],
  ["several", ["user", 7, true], "30757365720020c01c00000000000011"],
];

/** The obvious order: by type, then by value, part by part; a shorter key first. */
function compareTuples(a: readonly TupleElement[], b: readonly TupleElement[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = compareElements(a[at] as TupleElement, b[at] as TupleElement);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const kinds = ["boolean", "number", "bigint", "string", "object"];

function compareElements(a: TupleElement, b: TupleElement): number {
  const byType = kinds.indexOf(typeof a) - kinds.indexOf(typeof b);
  if (byType !== 0) return byType;
  if (typeof a === "string") return compareLists(codePoints(a), codePoints(b as string));
  if (a instanceof Uint8Array) return compareLists([...a], [...(b as Uint8Array)]);
  return a < b ? -1 : a > b ? 1 : 0;
}

const codePoints = (each: string) => Array.from(each, (character) => character.codePointAt(0) ?? 0);

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = (a[at] ?? 0) - (b[at] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const without0 = (each: readonly TupleElement[]) => each.map((part) => (Object.is(part, -0) ? 0 : part));

describe("tuple keys v1", () => {
  it.each(golden)("store %s as they always have", (_, each, bytes) => {
    expect(hex(encodeTuple(each))).toBe(bytes);
    expect(decodeTuple(unhex(bytes))).toStrictEqual([...each]);
  });

  it("give back what they were made of, with -0 as 0", () => {
    fc.assert(
      fc.property(tuple, (each) => {
        expect(decodeTuple(encodeTuple(each))).toStrictEqual(without0(each));
      }),
      { numRuns: 1000 },
    );
  });

  it("compare as bytes as their tuples compare", () => {
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        expect(Math.sign(compareKeys(encodeTuple(a), encodeTuple(b)))).toBe(Math.sign(compareTuples(a, b)));
      }),
      { numRuns: 5000 },
    );
  });

  it("compare so when they share a beginning", () => {
    fc.assert(
      fc.property(tuple, tuple, tuple, (start, a, b) => {
        const [left, right] = [
          [...start, ...a],
          [...start, ...b],
        ];
        expect(Math.sign(compareKeys(encodeTuple(left), encodeTuple(right)))).toBe(
          Math.sign(compareTuples(left, right)),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("compare so when strings differ near 00 and FF", () => {
    const near = fc.string({
      unit: fc.constantFrom("\0", "\u{1}", "\u{FF}", "\u{FFFF}", "\u{10FFFF}", "a"),
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(near, { maxLength: 3 }), fc.array(near, { maxLength: 3 }), (a, b) => {
        expect(Math.sign(compareKeys(encodeTuple(a), encodeTuple(b)))).toBe(Math.sign(compareTuples(a, b)));
      }),
      { numRuns: 5000 },
    );
  });

  it("begin with a prefix exactly when they lie in its range", () => {
    fc.assert(
      fc.property(tuple, tuple, fc.boolean(), (prefix, other, extend) => {
        const each = extend ? [...prefix, ...other] : other;
        const { gte, lt } = prefixRange(prefix);
        const key = encodeTuple(each);
        const within = compareKeys(key, gte) >= 0 && compareKeys(key, lt) < 0;
        const begins =
          each.length >= prefix.length && compareTuples(prefix, each.slice(0, prefix.length)) === 0;
        expect(within).toBe(begins);
      }),
      { numRuns: 2000 },
    );
  });

  it("have ranges that end inside a string", () => {
    fc.assert(
      fc.property(tuple, text, text, tuple, fc.boolean(), (prefix, start, rest, more, extend) => {
        const part = extend ? start + rest : rest;
        const { gte, lt } = prefixRange(prefix, start);
        const key = encodeTuple([...prefix, part, ...more]);
        expect(compareKeys(key, gte) >= 0 && compareKeys(key, lt) < 0).toBe(part.startsWith(start));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["half a surrogate pair", "a\u{DFFF}"],
    ["null", null],
    ["undefined", undefined],
    ["an object", {}],
    ["an array", []],
  ])("refuse %s by name", (_, part) => {
    expect(() => encodeTuple([part as TupleElement])).toThrow(TupleKeyError);
  });

  it("are at most 8192 bytes long", () => {
    const longest = encodeTuple(["a".repeat(8190)]);
    expect(longest).toHaveLength(8192);
    expect(() => encodeTuple(["a".repeat(8191)])).toThrow(TupleKeyTooLong);
    expect(() => encodeTuple(["\0".repeat(5000)])).toThrow(TupleKeyTooLong);
    expect(() => encodeTuple([2n ** 1008n])).toThrow(TupleKeyTooLong);
    expect(prefixRange(["a".repeat(8190)]).lt).toHaveLength(8193);
  });

  it.each([
    ["an unknown tag", "50"],
    ["a cut number", "2080"],
    ["a string without end", "3061"],
    ["a string that is not UTF-8", "30c300"],
    ["NaN", "20fff8000000000000"],
    ["-0", "207fffffffffffffff"],
    ["a bigint with a leading zero", "288100"],
    ["a cut bigint", "2882"],
    ["a bigint without length", "28"],
  ])("are not made of %s", (_, bytes) => {
    expect(() => decodeTuple(unhex(bytes))).toThrow(TupleKeyError);
  });

  it("are canonical: bytes that can be read are those that would be written", () => {
    const tags = [0x10, 0x11, 0x20, 0x28, 0x30, 0x40, 0x00, 0x01, 0x7f, 0x80, 0x81, 0xff];
    const hostile = fc.array(fc.oneof(fc.constantFrom(...tags), fc.nat({ max: 255 })), { maxLength: 20 });
    fc.assert(
      fc.property(hostile, (bytes) => {
        try {
          expect(hex(encodeTuple(decodeTuple(Uint8Array.from(bytes))))).toBe(hex(Uint8Array.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(TupleKeyError);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
