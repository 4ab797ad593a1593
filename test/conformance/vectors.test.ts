import {
  type Call,
  DecodeError,
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeResponse,
  Fault,
} from "@quorate/protocol";
import { describe, expect, test } from "vitest";
import { fromTagged, normalised, type Tagged, toTagged } from "./tagged.js";
import { bodyOf, charsetOf, decidedOtherwise, loadVectors, type Vector } from "./vectors.js";

/** Vectors about HTTP or about methods: to the codec their bodies are ordinary calls, or not XML at all. */
const beyondTheCodec = new Set(["http-error", "fault"]);

describe("vectors: documents", () => {
  for (const vector of loadVectors("xmlrpc.json")) {
    test(title(vector), () => {
      const { expect: expected } = vector;
      if (decidedOtherwise.has(vector.name)) {
        expect(vector.strength).toBe("doubt");
        expect(refusal(vector)).toBe(-32600);
      } else if (expected.kind === "reject") {
        expect(expected.detail.codes).toContain(refusal(vector));
      } else if (expected.kind === "value" && expected.detail.params !== undefined) {
        expectParams(decode(vector), expected.detail.params);
      } else if (beyondTheCodec.has(expected.kind) && vector.headers?.["Content-Encoding"] === "gzip") {
        expect([-32700, -32702]).toContain(refusal(vector)); // corrupt gzip that came through is no document
      } else {
        expect(decode(vector).method).toMatch(/^(echo|no\.such\.method|toString|system\.multicall)$/);
      }
    });
  }

  test("no vector polluted Object.prototype", () => {
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("vectors: what was decoded is written so that it reads back the same", () => {
  for (const vector of loadVectors("xmlrpc.json")) {
    if (vector.expect.kind !== "value" || vector.expect.detail.params === undefined) continue;
    if (decidedOtherwise.has(vector.name)) continue;
    const { params } = vector.expect.detail;
    test(title(vector), () => {
      const values = params.map(fromTagged);
      expectParams(decodeCall(encodeCall("echo", values)), params);
      expectValue(decodeResponse(encodeResponse(values)), { array: params });
    });
  }
});

function title(vector: Vector): string {
  return `${vector.name}: ${vector.expect.kind} (${vector.strength})`;
}

function decode(vector: Vector): Call {
  return decodeCall(bodyOf(vector), { charset: charsetOf(vector) });
}

function refusal(vector: Vector): number {
  try {
    return expect.fail(`accepted as ${JSON.stringify(decode(vector).params.map(toTagged))}`);
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

function expectParams(call: Call, expected: Tagged[]): void {
  expect(call.params.map((value) => normalised(toTagged(value)))).toStrictEqual(expected.map(normalised));
}

function expectValue(answer: ReturnType<typeof decodeResponse>, expected: Tagged | undefined): void {
  if (answer instanceof Fault || expected === undefined) throw new Error("a value was expected");
  expect(normalised(toTagged(answer))).toStrictEqual(normalised(expected));
}
