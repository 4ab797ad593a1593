import {
  checkWellFormed,
  DecodeError,
  decodeCall,
  decodeCallFast,
  defaultLimits,
  encodeCall,
} from "@quorate/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireProgram } from "../support/system.js";
import { pythonValue } from "./arbitraries.js";
import { gentlyMutatedDocument, mutatedDocument, prefixes } from "./mutations.js";
import { PythonWorker } from "./python-worker.js";
import { normalised, type Tagged, toTagged } from "./tagged.js";

const params = fc.array(pythonValue, { maxLength: 4 });

describe.runIf(requireProgram("python3", "python3"))("compared with CPython", () => {
  let python: PythonWorker;
  beforeAll(() => {
    python = new PythonWorker();
  });
  afterAll(async () => {
    await python[Symbol.asyncDispose]();
  });

  test("what we write, xmlrpc.client reads as the same values", async () => {
    await fc.assert(
      fc.asyncProperty(params, async (values) => {
        const read = await python.decode(encodeCall("echo", values).toString("utf8"));
        expect(read).toStrictEqual({ method: "echo", params: expect.anything() });
        if ("params" in read) expect(read.params.map(normalised)).toStrictEqual(tagAll(values));
      }),
      { numRuns: 1500 },
    );
  });

  test("what xmlrpc.client writes, we read as the same values, but for the CR that it leaves unescaped", async () => {
    await fc.assert(
      fc.asyncProperty(params, async (values) => {
        const tagged = values.map(toTagged);
        const document = await python.encode(tagged);
        const call = decodeCall(Buffer.from(document));
        expect(call.method).toBe("echo");
        const text = document.replace(/\r\n?/g, "\n");
        expect(decodeCallFast(text, defaultLimits), "the fast path gave up").toBeDefined();
        expect(tagAll(call.params)).toStrictEqual(tagged.map(withLineFeeds).map(normalised));
      }),
      { numRuns: 1500 },
    );
  });

  test("the guard and expat agree on every document cut short", async () => {
    for (const document of prefixes()) await agreesWithExpat(document);
  });

  test("the guard and expat agree on damaged documents; any DOCTYPE is refused", async () => {
    await fc.assert(fc.asyncProperty(mutatedDocument, agreesWithExpat), { numRuns: 8000 });
  });

  test("of damaged calls, what we accept xmlrpc.client reads as the same values", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(gentlyMutatedDocument, mutatedDocument), async (document) => {
        const call = attempt(() => decodeCall(Buffer.from(document)));
        if (call === undefined) return;
        accepted++;
        const read = await python.decode(document);
        expect(read).toStrictEqual({ method: call.method, params: expect.anything() });
        if ("params" in read)
          expect(read.params.map(normalised)).toStrictEqual(tagAll(call.params).map(i8AsInt));
      }),
      { numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(500); // else the mutations are too wild to say anything
  });

  async function agreesWithExpat(document: string): Promise<void> {
    const ours = attempt(() => checkWellFormed(document, defaultLimits)) !== undefined;
    if (document.includes("<!DOCTYPE")) {
      // Inside a comment or CDATA it is text, and both accept it: ours must never be the laxer one.
      if (ours) expect(await python.wellFormed(document)).toStrictEqual({ wellFormed: true });
      return;
    }
    const theirs = await python.wellFormed(document);
    expect({ document, wellFormed: ours }, theirs.error).toStrictEqual({
      document,
      wellFormed: theirs.wellFormed,
    });
  }
});

/** The result, or undefined when the document is refused; any other error is a bug and goes on. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function tagAll(values: Parameters<typeof toTagged>[0][]): Tagged[] {
  return values.map((value) => normalised(toTagged(value)));
}

/** XML reads CRLF and CR as LF (XML 1.0, section 2.11). */
function withLineFeeds(tagged: Tagged): Tagged {
  if ("string" in tagged) return { string: tagged.string.replace(/\r\n?/g, "\n") };
  if ("array" in tagged) return { array: tagged.array.map(withLineFeeds) };
  if ("struct" in tagged) {
    const members = new Map(
      tagged.struct.map(([name, value]) => [name.replace(/\r\n?/g, "\n"), withLineFeeds(value)]),
    );
    return { struct: [...members] };
  }
  return tagged;
}

/** Python has one type of integer. */
function i8AsInt(tagged: Tagged): Tagged {
  if ("i8" in tagged) return { int: tagged.i8 };
  if ("array" in tagged) return { array: tagged.array.map(i8AsInt) };
  if ("struct" in tagged) return { struct: tagged.struct.map(([name, value]) => [name, i8AsInt(value)]) };
  return tagged;
}
