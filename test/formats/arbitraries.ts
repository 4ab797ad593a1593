/** Arbitrary values and keys, weighted towards what encodings get wrong. */

import { DateTime, Double, type Struct, struct, type Value } from "@quorate/protocol";
import type { TupleElement } from "@quorate/server/testing";
import fc from "fast-check";

const awkwardText = fc.constantFrom(
  "",
  "__proto__",
  "constructor",
  "\u{FEFF}mark",
  "\0",
  "a\0b",
  "\u{FF}",
  "\u{FFFF}",
  "\u{10000}",
  "\u{10FFFF}",
  `\u{FEFF}${"long".repeat(100)}`,
  "é".repeat(70),
);

/** Any text that has a UTF-8 form. */
export const text = fc.oneof(
  awkwardText,
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
);

const awkwardNumber = fc.constantFrom(
  0,
  -0,
  1,
  -1,
  127,
  128,
  255,
  256,
  -32,
  -33,
  65535,
  65536,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  5e-324,
  1.7976931348623157e308,
);

export const finiteNumber = fc.oneof(
  awkwardNumber,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

export const bytes = fc.uint8Array({ maxLength: 300 });

const i8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const dateTime = fc
  .date({ noInvalidDate: true, min: new Date(Date.UTC(1, 0, 2)), max: new Date(Date.UTC(9998, 0, 1)) })
  .map((date) => new DateTime(`${date.toISOString().slice(0, 19)}Z`));

export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value; array: Value[]; struct: Struct }>(
  (tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      finiteNumber,
      finiteNumber.map((number) => new Double(number)),
      i8,
      fc.boolean(),
      text,
      dateTime,
      bytes,
      fc.constant(null),
      tie("array"),
      tie("struct"),
    ),
    array: fc.array(tie("value"), { maxLength: 20 }),
    struct: fc.array(fc.tuple(text, tie("value")), { maxLength: 20 }).map((members) => struct(members)),
  }),
).value;

export const element: fc.Arbitrary<TupleElement> = fc.oneof(
  text,
  fc.oneof(finiteNumber, fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)),
  fc.oneof(
    i8,
    fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
    fc.constantFrom(0n, 255n, 256n, -255n, -256n),
  ),
  fc.boolean(),
  fc.uint8Array({ maxLength: 12 }),
);

export const tuple = fc.array(element, { maxLength: 5 });
