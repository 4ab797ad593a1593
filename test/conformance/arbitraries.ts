import { DateTime, Double, struct, type Value } from "@quorate/protocol";
import fc from "fast-check";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML cannot carry
const illegal = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** Any text that XML can carry: markup characters, line ends, every plane of Unicode. */
export const xmlText: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc
      .array(fc.constantFrom("<", ">", "&", "]]>", "\r", "\n", "\t", " ", "'", '"', "&amp;", "é", "😀"))
      .map((parts) => parts.join("")),
  )
  .map((text) => text.replace(illegal, ""));

export const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)));

/** Doubles as decoding yields them: integral ones and -0 in a `Double`. */
export const double: fc.Arbitrary<Value> = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(-0, 0, 1, 5e-324, 1.7976931348623157e308, 2 ** 53, 1e21, 0.1, 1e-7),
  )
  .map((value) => (Number.isInteger(value) ? new Double(value) : value));

const two = (value: number) => String(value).padStart(2, "0");

/** Dates in XML-RPC's basic form, the only one that every peer keeps as it is. */
export const dateTime: fc.Arbitrary<Value> = fc
  .tuple(
    fc.integer({ min: 1, max: 9999 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 0, max: 59 }),
  )
  .map(([year, month, day, hour, minute, second]) => {
    const date = `${String(year).padStart(4, "0")}${two(month)}${two(day)}`;
    return new DateTime(`${date}T${two(hour)}:${two(minute)}:${two(second)}`);
  });

export const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** The names that JavaScript treats in a special way, among any others. */
const memberName = fc.oneof(
  xmlText,
  fc.constantFrom("", "__proto__", "constructor", "toString", "0", "10", "2", "a"),
);

const scalar: fc.Arbitrary<Value> = fc.oneof(
  int32,
  double,
  fc.boolean(),
  xmlText,
  dateTime,
  fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
  fc.constant(null),
);

/** Any value of the kinds given, nested. */
function nested(leaf: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.array(fc.tuple(memberName, tie("value")), { maxLength: 5 }).map(struct),
    ),
  })).value;
}

/** Values that CPython can write: everything but i8. */
export const pythonValue = nested(scalar);

export const anyValue = nested(fc.oneof(scalar, int64));
