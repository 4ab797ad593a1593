/** A small budget for every run of the tests; the long search is `npm run fuzz`. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requireProgram } from "../support/system.js";
import { CodecTarget } from "./codec.js";
import { search, type Target } from "./search.js";
import { searchTarget, targetNames } from "./targets.js";

const cases = 10_000;
const seed = Math.floor(Math.random() * 2 ** 30);

describe.runIf(requireProgram("python3", "python3"))(`seed ${seed}`, () => {
  test.each(targetNames)("%s", { timeout: 600_000 }, async (name) => {
    const result = await searchTarget(name, { cases, seed });
    expect(result.failure).toBeNull();
  });
});

test.runIf(requireProgram("python3", "python3"))(
  "expat judges a document in the encoding that it declares (seed 9346)",
  async () => {
    await using target = new CodecTarget();
    const params = "<params><param><value>\ufffe</value></param></params>";
    const document = `<?xml version="1.0" encoding="iso-8859-1"?><methodCall><methodName>a</methodName>${params}</methodCall>`;
    target.check({ document, charset: undefined, edits: [] });
    await target.settle();
  },
);

describe("the search itself", () => {
  const target = (check: (input: number) => void): Target<number> => ({
    name: "numbers",
    cases: fc.nat(),
    check,
    async [Symbol.asyncDispose]() {
      // It holds nothing.
    },
  });

  test("the same seed gives the same cases, and a batch can be reached by itself", async () => {
    const all: number[] = [];
    const again: number[] = [];
    await search(
      target((input) => all.push(input)),
      { cases: 1200, seed: 7 },
    );
    await search(
      target((input) => again.push(input)),
      { cases: 700, seed: 8 },
    );
    expect(again).toEqual(all.slice(500));
  });

  test("a crash is reported with its case and the seed that leads back to it", async () => {
    let count = 0;
    const { failure } = await search(
      target(() => {
        if (++count === 501) throw new Error("planted");
      }),
      { cases: 1000, seed: 3 },
    );
    expect(failure).toMatchObject({ target: "numbers", seed: 4, error: expect.stringContaining("planted") });
  });

  test("a hang is found, whichever case it strikes", async () => {
    const { failure } = await search(
      target(() => {
        const end = process.cpuUsage().user + 150_000;
        while (process.cpuUsage().user < end);
      }),
      { cases: 1, seed: 1 },
    );
    expect(failure?.error).toContain("ms of processor time");
  });
});
