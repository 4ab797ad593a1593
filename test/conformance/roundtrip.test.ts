import {
  DecodeError,
  Double,
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeResponse,
  type Value,
  valuesEqual,
} from "@quorate/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyValue } from "./arbitraries.js";
import { gentlyMutatedDocument, mutatedDocument } from "./mutations.js";
import { normalised, toTagged } from "./tagged.js";

describe("what is written reads back with the same values and types", () => {
  test.each(["standard", "apache"] as const)("dialect %s", (dialect) => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 3 }), (values) => {
        const answer = decodeResponse(encodeResponse(values, { dialect })) as Value;
        const { params } = decodeCall(encodeCall("m", values, { dialect }));
        for (const read of [answer, params]) {
          expect(normalised(toTagged(read))).toStrictEqual(normalised(toTagged(values)));
          expect(valuesEqual(read, values)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("a second writing gives the same bytes", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const written = encodeResponse(value);
        expect(encodeResponse(decodeResponse(written) as Value)).toStrictEqual(written);
      }),
      { numRuns: 1000 },
    );
  });
});

test("a double is written with a period and without an exponent, and reads back the same", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const document = encodeResponse(new Double(value)).toString();
      const text = /<double>(.*)<\/double>/.exec(document)?.[1];
      expect(text).toMatch(/^-?[0-9]+\.[0-9]+$/);
      expect(Object.is(Number(text), value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

describe("nothing but a DecodeError comes of bad input", () => {
  const charset = fc.constantFrom(
    undefined,
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "utf-16",
    "x",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.oneof(mutatedDocument, gentlyMutatedDocument).map((document) => Buffer.from(document)),
    fc.tuple(mutatedDocument, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([document, at, byte]) => {
      const damaged = Buffer.from(document);
      if (damaged.length > 0) damaged[at % damaged.length] = byte;
      return damaged;
    }),
    mutatedDocument.map((document) => Buffer.from(`\uFEFF${document}`, "utf16le")),
  );

  test.each([
    ["decodeCall", decodeCall],
    ["decodeResponse", decodeResponse],
  ])("%s", (_, decode) => {
    fc.assert(
      fc.property(bytes, charset, (document, encoding) => {
        try {
          decode(document, { charset: encoding });
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          expect((error as DecodeError).message.length).toBeLessThan(400);
          expect([-32700, -32701, -32702, -32600, -32005]).toContain((error as DecodeError).code);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
