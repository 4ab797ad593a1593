import {
  decodeCallFast,
  decodeResponseFast,
  defaultLimits,
  encodeCall,
  encodeFault,
  encodeResponse,
  Fault,
} from "@quorate/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyValue, xmlText } from "./arbitraries.js";
import { canonicalDocument } from "./canonical-documents.js";
import { damaged, variants } from "./damage.js";
import { limitsNear } from "./limits-near.js";
import { gentlyMutatedDocument, mutatedDocument } from "./mutations.js";
import { stockDocuments } from "./stock-documents.js";
import { agree, calls, outcome, responses, same, shown, textOf } from "./two-paths.js";
import { bodyOf, loadVectors } from "./vectors.js";

// Wherever the fast path yields a value, the full path yields the same. FAST_PATH_RUNS makes the search
// longer, FAST_PATH_SEED repeats one; the seed stands in the titles.

const numRuns = Number(process.env.FAST_PATH_RUNS ?? 4000);
const seed = Number(process.env.FAST_PATH_SEED ?? Math.floor(Math.random() * 2 ** 31));
const timeout = 60_000 + numRuns * 3;

/** How many of a hundred documents the fast path must read for a search to be worth its name. */
function expectShare(taken: number, all: number, percentMin: number): void {
  expect((100 * taken) / all, "percent of documents that took the fast path").toBeGreaterThan(percentMin);
}

describe("what the fast path reads, the full path reads the same", () => {
  test.each([
    ["canonical documents", canonicalDocument, fc.constant({}), 40],
    ["canonical documents near the limits", canonicalDocument, limitsNear, 15],
    ["damaged canonical documents", damaged(canonicalDocument), fc.constant({}), 3],
    ["damaged documents near the limits", damaged(canonicalDocument), limitsNear, 1.5],
    [
      "damaged stock documents",
      damaged(fc.constantFrom(...stockDocuments.map(({ document }) => document))),
      fc.constant({}),
      3,
    ],
    ["damaged documents of every kind", fc.oneof(mutatedDocument, gentlyMutatedDocument), fc.constant({}), 1],
  ])(`%s (seed ${seed})`, { timeout }, (_, documents, limits, percentMin) => {
    let taken = 0;
    let all = 0;
    fc.assert(
      fc.property(documents, limits, (document, near) => {
        all++;
        if (agree(document, near)) taken++;
      }),
      { numRuns, seed },
    );
    expectShare(taken, all, percentMin);
  });

  test("every vector, cut at every offset, each token deleted, doubled, swapped", () => {
    let taken = 0;
    let all = 0;
    for (const vector of [...loadVectors("xmlrpc.json"), ...loadVectors("validator1.json")]) {
      for (const document of variants(bodyOf(vector).toString())) {
        all++;
        if (agree(document)) taken++;
      }
    }
    expectShare(taken, all, 5);
  }, 600_000); // seconds, but many on a busy machine

  test.each(stockDocuments)(
    "$encoder, cut at every offset, each token deleted, doubled, swapped",
    ({ document }) => {
      let taken = 0;
      for (const variant of variants(document)) if (agree(variant)) taken++;
      expect(taken).toBeGreaterThan(0);
    },
  );
});

test(`an option that changes nothing but the time, refusals and damaged bytes included (seed ${seed})`, {
  timeout,
}, () => {
  const charset = fc.constantFrom(undefined, "utf-8", "us-ascii", "iso-8859-1", "windows-1252");
  const bytes = fc
    .tuple(
      fc.oneof(canonicalDocument, damaged(canonicalDocument)),
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.boolean(),
    )
    .map(([document, at, byte, damage]) => {
      const body = Buffer.from(document);
      if (damage && body.length > 0) body[at % body.length] = byte;
      return body;
    });
  fc.assert(
    fc.property(bytes, charset, fc.oneof(fc.constant({}), limitsNear), (body, encoding, limits) => {
      for (const { decode } of [calls, responses]) {
        const either = outcome(decode, body, { charset: encoding, limits });
        const full = outcome(decode, body, { charset: encoding, limits, fastPath: false });
        if (!same(either, full)) expect.fail(`${shown(either)}\n${shown(full)}`);
      }
    }),
    { numRuns, seed },
  );
});

describe("documents that take the fast path", () => {
  test.each(stockDocuments)("$encoder", ({ document, params, answer }) => {
    if (params === undefined) {
      expect(same(decodeResponseFast(textOf(document), defaultLimits), answer)).toBe(true);
    } else {
      expect(same(decodeCallFast(textOf(document), defaultLimits), { method: "echo", params })).toBe(true);
    }
    expect(agree(document)).toBe(true);
  });

  test.each(["standard", "apache"] as const)("all that is written here, dialect %s", (dialect) => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 3 }), (values) => {
        const call = decodeCallFast(encodeCall("a.b", values, { dialect }).toString(), defaultLimits);
        expect(same(call, { method: "a.b", params: values })).toBe(true);
        const answer = decodeResponseFast(encodeResponse(values, { dialect }).toString(), defaultLimits);
        expect(same(answer, values)).toBe(true);
      }),
      { numRuns: Math.min(numRuns, 2000), seed },
    );
  });

  test("faults that are written here", () => {
    fc.assert(
      fc.property(fc.integer(), xmlText, (code, message) => {
        const fault = new Fault(code, message);
        expect(same(decodeResponseFast(encodeFault(fault).toString(), defaultLimits), fault)).toBe(true);
      }),
      { seed },
    );
  });
});
