/**
 * The survey of large documents: it refuses nothing that can be read, what passes a limit it refuses before anything
 * is made of the bytes, and it looks at each byte a fixed number of times at most.
 */
import { decodeCall, defaultLimits, survey } from "@quorate/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostileDocument } from "../fuzz/hostile-documents.js";
import { canonicalDocument } from "./canonical-documents.js";
import { damaged, variants } from "./damage.js";
import { limitDocuments, otherDocuments } from "./limit-documents.js";
import { limitsNear } from "./limits-near.js";
import { gentlyMutatedDocument, mutatedDocument } from "./mutations.js";
import { stockDocuments } from "./stock-documents.js";
import { surveyAgrees, surveyed } from "./survey-agrees.js";
import { bodyOf, loadVectors } from "./vectors.js";

const numRuns = Number(process.env.SURVEY_RUNS ?? 3000);
const seed = Number(process.env.SURVEY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const timeout = 60_000 + numRuns * 5;

describe("what the survey refuses, nobody reads", () => {
  test.each([
    ["documents that are calls", gentlyMutatedDocument, fc.constant({}), 0],
    ["canonical documents near the limits", canonicalDocument, limitsNear, 5],
    ["damaged documents near the limits", damaged(canonicalDocument), limitsNear, 5],
    ["mutated documents near the limits", fc.oneof(mutatedDocument, gentlyMutatedDocument), limitsNear, 5],
    ["expensive documents near the limits", hostileDocument, limitsNear, 5],
    [
      "damaged stock documents near the limits",
      damaged(fc.constantFrom(...stockDocuments.map(({ document }) => document))),
      limitsNear,
      5,
    ],
  ])(`%s (seed ${seed})`, { timeout }, (_, documents, limits, percentMin) => {
    let refused = 0;
    let all = 0;
    fc.assert(
      fc.property(documents, limits, (document, near) => {
        all++;
        if (surveyAgrees(document, near)) refused++;
      }),
      { numRuns, seed },
    );
    expect((100 * refused) / all, "percent that the survey refused").toBeGreaterThanOrEqual(percentMin);
  });

  test("every vector, cut at every offset, each token deleted, doubled, swapped", () => {
    for (const vector of [...loadVectors("xmlrpc.json"), ...loadVectors("validator1.json")]) {
      for (const document of variants(bodyOf(vector).toString())) {
        surveyAgrees(document);
        surveyAgrees(document, { depth: 1, values: 2, nameLength: 6, digits: 2 });
      }
    }
  }, 600_000);
});

describe("8 MB that pass a limit", () => {
  // Bytes that are in no encoding: to make a text of them is -32702.
  const noText = Buffer.from([0xff]);

  test.each(limitDocuments)("$name, at the $place: before there is a text", ({ make, code }) => {
    expect(() => decodeCall(make())).toThrow(expect.objectContaining({ code }));
    const document = Buffer.concat([make(), noText]);
    expect(() => decodeCall(document)).toThrow(expect.objectContaining({ code }));
  });

  test.each(otherDocuments)("$name: left to the whole reading", ({ make, code }) => {
    const document = make();
    if (document[0] === 0x3c) expect(surveyed(document)).toBeNull();
    expect(() => decodeCall(document)).toThrow(expect.objectContaining({ code }));
  });
});

/** A document that counts how many of its bytes are looked at, also by `indexOf`. */
function counted(document: Buffer): { readonly bytes: Buffer; looked: () => number } {
  let count = 0;
  const bytes = new Proxy(document, {
    get(target, key) {
      if (key === "indexOf") {
        return (what: number | string, from: number) => {
          const found = target.indexOf(what, from);
          count += (found === -1 ? target.length : found + 1) - from;
          return found;
        };
      }
      if (key === "toString") {
        return (encoding: BufferEncoding, start: number, end: number) => {
          count += Math.min(end, target.length) - start;
          return target.toString(encoding, start, end);
        };
      }
      if (typeof key === "string" && /^[0-9]+$/.test(key)) count++;
      const found: unknown = Reflect.get(target, key, target);
      return found;
    },
  });
  return { bytes, looked: () => count };
}

function work(document: string): { readonly share: number; readonly refused: boolean } {
  const { bytes, looked } = counted(Buffer.from(document));
  let refused = false;
  try {
    survey(bytes, { name: "utf-8", start: 0 }, "methodCall", defaultLimits);
  } catch {
    refused = true;
  }
  return { share: looked() / bytes.length, refused };
}

describe("how many bytes are looked at", () => {
  const size = 40_000;
  const head = "<methodCall><methodName>m</methodName><params><param><value>";
  /** Among them what tempts a scan to look twice: openings without an end, quotes, references. */
  test.each([
    "<value/>",
    "<i4></i4>",
    "<int>1</int>",
    "x",
    `${"x".repeat(300)}<nil/>`,
    "<!---->",
    "<!--",
    "<![CDATA[]]>",
    "<![CDATA[",
    "]]>",
    "-->",
    "-",
    "<?p?>",
    "<?",
    "<",
    ">",
    "<value '' '' '' >",
    "<value a='>'",
    "<int>&",
    "<int>&#32;</int>",
    `<name>${" ".repeat(5000)}</name>`,
    `<name>${"&lt;".repeat(2000)}</name>`,
    `<double>${"é".repeat(600)}`,
  ])("%j over and over: a few times its length", (piece) => {
    expect(work(head + piece.repeat(Math.ceil(size / piece.length))).share).toBeLessThan(8);
  });

  test("nothing behind what is refused", () => {
    const filling = "<value/>".repeat(size / 8);
    for (const wrong of [
      "<value><array><data>".repeat(129),
      `<int>${"9".repeat(1025)}</int>`,
      "<biginteger>",
      "<!DOCTYPE a>",
    ]) {
      const { share, refused } = work(head + wrong + filling);
      expect([refused, share < 0.3]).toEqual([true, true]);
    }
  });
});
