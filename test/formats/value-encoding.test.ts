import { isDeepStrictEqual } from "node:util";
import { DateTime, Double, struct, type Value } from "@quorate/protocol";
import { decodeValue, encodeValue, ValueEncodingError } from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { value } from "./arbitraries.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const unhex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

/** Stored bytes of format v1. A change here is a change of format: it needs a new version, not a new fixture. */
const golden: readonly (readonly [string, Value, string])[] = [
  ["nil", null, "01c0"],
  ["false", false, "01c2"],
  ["true", true, "01c3"],
  ["0", 0, "0100"],
  ["127", 127, "017f"],
  ["128", 128, "01cc80"],
  ["-1", -1, "01ff"],
  ["-33", -33, "01d0df"],
  ["int max", 2 ** 31 - 1, "01ce7fffffff"],
  ["int min", -(2 ** 31), "01d280000000"],
  ["2 ** 40, a double", 2 ** 40, "01cb4270000000000000"],
  ["1.5", 1.5, "01cb3ff8000000000000"],
  ["-0", -0, "01d40300"],
  ["Double 3", new Double(3), "01d7014008000000000000"],
  ["Double -0", new Double(-0), "01d7018000000000000000"],
  ["i8 5", 5n, "01d30000000000000005"],
  ["i8 min", -(2n ** 63n), "01d38000000000000000"],
  ["empty string", "", "01a0"],
  ["string", "ä\u{1F600}", "01a6c3a4f09f9880"],
  ["string of 32", "x".repeat(32), `01d920${"78".repeat(32)}`],
  ["string of 16 characters in 32 bytes", "é".repeat(16), `01d920${"c3a9".repeat(16)}`],
  ["string of 128 characters in 256 bytes", "é".repeat(128), `01da0100${"c3a9".repeat(128)}`],
  ["string of 32768 characters in 65536 bytes", "é".repeat(32768), `01db00010000${"c3a9".repeat(32768)}`],
  ["uint of 32 bits", 2 ** 32 - 1, "01ceffffffff"],
  ["array of 16", new Array<number>(16).fill(0), `01dc0010${"00".repeat(16)}`],
  ["bytes, 256", new Uint8Array(256), `01c50100${"00".repeat(256)}`],
  ["date", new DateTime("19980717T14:08:55"), "01c7110231393938303731375431343a30383a3535"],
  ["bytes", Uint8Array.of(0, 255), "01c40200ff"],
  ["array", [1, [2]], "0192019102"],
  [
    "struct",
    struct([
      ["b", 1],
      ["__proto__", null],
    ]),
    "0182a16201a95f5f70726f746f5f5fc0",
  ],
];

describe("value encoding v1", () => {
  it.each(golden)("stores %s as it always has", (_, each, bytes) => {
    expect(hex(encodeValue(each))).toBe(bytes);
    expect(decodeValue(unhex(bytes))).toStrictEqual(each);
  });

  it("gives back exactly what it was given", () => {
    fc.assert(
      fc.property(value, (each) => {
        const back = decodeValue(encodeValue(each));
        // Not toStrictEqual, which takes a member called "constructor" for the value's class.
        expect(isDeepStrictEqual(back, each)).toBe(true);
        expect(memberNames(back)).toEqual(memberNames(each));
      }),
      { numRuns: 500 },
    );
  });

  it("gives structs without a prototype and bytes of their own", () => {
    const encoded = encodeValue(struct([["bytes", Uint8Array.of(1, 2)]]));
    const back = decodeValue(encoded) as Record<string, Uint8Array>;
    expect(Object.getPrototypeOf(back)).toBe(null);
    expect(back.bytes?.constructor).toBe(Uint8Array);
    encoded.fill(0);
    expect(back.bytes).toEqual(Uint8Array.of(1, 2));
  });

  it("writes bytes that depend on the value alone, not on what was written before", () => {
    fc.assert(
      fc.property(value, value, (each, other) => {
        const first = hex(encodeValue(each));
        encodeValue(other);
        encodeValue([each, each, other]);
        expect(hex(encodeValue(each))).toBe(first);
        expect(hex(encodeValue(decodeValue(unhex(first))))).toBe(first);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["infinity", [Number.POSITIVE_INFINITY]],
    ["an infinite Double", new Double(Number.NEGATIVE_INFINITY)],
    ["an i8 beyond 64 bits", 2n ** 63n],
    ["undefined", struct([["a", undefined as unknown as Value]])],
    ["a function", () => 1],
    ["half a surrogate pair", "a\u{D800}"],
    ["half a surrogate pair in a name", struct([["\u{DC00}", 1]])],
  ])("refuses %s by name", (_, each) => {
    expect(() => encodeValue(each as Value)).toThrow(ValueEncodingError);
  });

  it("bounds depth on both sides", () => {
    const nested = (depth: number): Value => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(decodeValue(encodeValue(nested(136)))).toEqual(nested(136));
    expect(() => encodeValue(nested(137))).toThrow(ValueEncodingError);
    expect(() => decodeValue(unhex(`01${"91".repeat(137)}01`))).toThrow("more than 136 containers");
  });
});

describe("hostile bytes", () => {
  it.each([
    ["nothing", ""],
    ["an unknown version", "0201"],
    ["no value", "01"],
    ["bytes behind the value", "010101"],
    ["an unused token", "01c1"],
    ["a record definition of msgpackr", "0192d4724093a16193"],
    ["a date of msgpackr", "01d6ff00000000"],
    ["a Set of msgpackr", "01d47300"],
    ["a float 32", "01ca3f800000"],
    ["a uint 64", "01cf0000000000000001"],
    ["NaN", "01cb7ff8000000000000"],
    ["a Double that is infinite", "01d7017ff0000000000000"],
    ["an array longer than the bytes", "01dd7fffffff"],
    ["a map longer than the bytes", "01df7fffffff"],
    ["a string longer than the bytes", "01dbffffffff61"],
    ["a name that is no string", "01810101"],
    ["a string that is not UTF-8", "01a1ff"],
    ["a surrogate in UTF-8", "01a3eda080"],
    ["a date that does not exist", "01c7110231393938313331375431343a30383a3535"],
    ["a cut date", "01c71102313939"],
  ])("are refused by name: %s", (_, bytes) => {
    expect(() => decodeValue(unhex(bytes))).toThrow(ValueEncodingError);
  });

  it("never get anything but a value or a named error, whatever was read before", () => {
    const good = encodeValue([struct([["a", 1]])]);
    const refused = (bytes: Uint8Array) => {
      try {
        // What is accepted is a value: it can be written again.
        encodeValue(decodeValue(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(ValueEncodingError);
      }
      expect(decodeValue(good)).toEqual([{ a: 1 }]);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => refused(Uint8Array.of(1, ...bytes))),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 255 }), (each, at, byte) => {
        const bytes = encodeValue(each);
        bytes[at % bytes.length] = byte;
        refused(bytes);
        refused(bytes.subarray(0, at % bytes.length));
      }),
      { numRuns: 1000 },
    );
  });

  it("cost no more than their own length", () => {
    const deep = Buffer.alloc(1_000_000, "91", "hex");
    const claims = Buffer.alloc(1_000_000, "dd000e0000", "hex");
    for (const hostile of [deep, claims]) {
      const stored = Buffer.concat([Uint8Array.of(1), hostile]);
      const started = process.memoryUsage().heapUsed;
      expect(() => decodeValue(stored)).toThrow(ValueEncodingError);
      expect(process.memoryUsage().heapUsed - started).toBeLessThan(10_000_000);
    }
  });
});

function memberNames(each: Value): unknown {
  if (Array.isArray(each)) return each.map(memberNames);
  if (each === null || typeof each !== "object" || Object.getPrototypeOf(each) !== null) return null;
  return Object.entries(each).map(([name, member]) => [name, memberNames(member)]);
}
