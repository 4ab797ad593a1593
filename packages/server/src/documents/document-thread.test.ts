import {
  DateTime,
  type DecodeError,
  Double,
  decodeCall,
  decodeResponse,
  EncodeError,
  encodeCall,
  encodeResponse,
  Fault,
  faultCodes,
  struct,
  type Value,
} from "@quorate/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { DocumentThread } from "./document-thread.js";

const threads: DocumentThread[] = [];
const failures: unknown[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.close();
  failures.length = 0;
});

function start(heapMiB?: number): DocumentThread {
  const thread = new DocumentThread({
    bytesMax: 8 * 1024 * 1024,
    onFailure: (error) => failures.push(error),
    ...(heapMiB === undefined ? {} : { heapMiB }),
  });
  threads.push(thread);
  return thread;
}

type Call = { readonly method: string; readonly params: readonly Value[] };

const read = (thread: DocumentThread, document: string | Uint8Array, charset?: string) =>
  new Promise<Call | Error>((resolve) =>
    thread.readCall(Buffer.from(document as string), { charset }, resolve),
  );
const write = (thread: DocumentThread, value: Value, dialect?: "strict") =>
  new Promise<Uint8Array | Error>((resolve) => thread.writeResponse(value, { dialect }, resolve));

const everyKind: Value[] = [
  1,
  new Double(-0),
  2.5,
  9007199254740993n,
  true,
  "a\r\n😀",
  new DateTime("1998-07-17T14:08:55Z"),
  new Uint8Array([0, 255]),
  null,
  [[], struct()],
  struct([["__proto__", struct([["", 1]])]]),
];
const wrap = (content: string) =>
  `<methodCall><methodName>m</methodName><params><param><value>${content}</value></param></params></methodCall>`;

describe("a call read in the other thread", () => {
  it("is the same, type by type, on the fast and on the full path", async () => {
    const thread = start();
    const document = encodeCall("a.b", everyKind).toString();
    for (const text of [document, document.replace("<params>", "<!-- leaves the fast path --><params>")]) {
      expect(await read(thread, text)).toStrictEqual(decodeCall(Buffer.from(text)));
    }
  });

  it.each([
    ["not well-formed", wrap("<int>1</int>").slice(0, -1)],
    ["a DOCTYPE", `<!DOCTYPE x>${wrap("")}`],
    ["unknown types", wrap("<biginteger>1</biginteger>")],
    ["too deep", wrap("<array><data><value>".repeat(10_000))],
  ])("is refused alike: %s", async (_, document) => {
    let expected: DecodeError | undefined;
    try {
      decodeCall(Buffer.from(document));
    } catch (error) {
      expected = error as DecodeError;
    }
    const refused = await read(start(), document);
    expect(refused).toBeInstanceOf(Fault);
    expect(refused).toMatchObject({ faultCode: expected?.code, message: expected?.message });
  });

  it("is read in the character set that was named", async () => {
    const document = Buffer.from(wrap("caf\u00e9"), "latin1");
    expect(await read(start(), document, "iso-8859-1")).toMatchObject({ params: ["café"] });
  });

  it("leaves the event loop free meanwhile", async () => {
    const thread = start();
    let turns = 0;
    let ended = false;
    const turn = () => {
      turns++;
      if (!ended) setImmediate(turn);
    };
    setImmediate(turn);
    const member = "<value><int>1</int></value>";
    const call = await read(thread, wrap(`<!-- c --><array><data>${member.repeat(50_000)}</data></array>`));
    ended = true;
    expect(call).toMatchObject({ method: "m" });
    expect(turns).toBeGreaterThan(10);
  });
});

describe("an answer written in the other thread", () => {
  it("has the same bytes", async () => {
    expect(Buffer.from((await write(start(), everyKind)) as Uint8Array)).toStrictEqual(
      encodeResponse(everyKind),
    );
  });

  it("fails alike where the dialect has no form for it", async () => {
    const failed = await write(start(), [null], "strict");
    expect(failed).toBeInstanceOf(EncodeError);
    expect((failed as Error).message).toContain("result[0]");
  });
});

describe("a value to be written", () => {
  const watched = (read: () => Value) =>
    Object.defineProperty(struct(), "a", { enumerable: true, get: read }) as Value;

  it("is packed in a later turn than the one that made it", async () => {
    let reads = 0;
    const writing = write(
      start(),
      watched(() => ++reads),
    );
    expect(reads).toBe(0);
    expect(decodeResponse((await writing) as Uint8Array)).toMatchObject({ a: 1 });
    expect(reads).toBe(1);
  });

  it("that cannot be packed fails alone", async () => {
    const thread = start();
    const failing = watched(() => {
      throw new RangeError("Array buffer allocation failed");
    });
    expect(await write(thread, failing)).toBeInstanceOf(RangeError);
    expect(decodeResponse((await write(thread, "next")) as Uint8Array)).toBe("next");
  });
});

describe("a multicall's answer written in the other thread", () => {
  it("loses only the slots that the dialect has no form for", async () => {
    const slots: Value[] = [["a"], [null], ["b"]];
    const written = await new Promise<Uint8Array | Error>((resolve) =>
      start().writeSlots(slots, { dialect: "strict" }, resolve),
    );
    expect(decodeResponse(written as Uint8Array)).toMatchObject([["a"], { faultCode: -32603 }, ["b"]]);
  });
});

describe("bounds", () => {
  it("refuses a call as not executed when too much waits, and reads what waited", async () => {
    const thread = start();
    const document = wrap("x".repeat(8 * 1024 * 1024 - 200));
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => read(thread, document)));
    const refused = outcomes.filter((outcome) => outcome instanceof Fault);
    expect(refused.length).toBe(2);
    for (const fault of refused) expect(fault).toMatchObject({ faultCode: faultCodes.overloaded });
    expect(await read(thread, document)).toMatchObject({ method: "m" });
  });

  it("ends the thread, not the process, when a document needs more memory than it has; the next one is read", async () => {
    const thread = start(24);
    // The instruction takes it off the fast path, which would need no tree.
    const items = "<value><i4>1</i4></value>".repeat(300_000);
    const document = wrap(`<array><?tree needed?><data>${items}</data></array>`);
    expect(await read(thread, document)).toMatchObject({ faultCode: faultCodes.tooLarge });
    expect(failures).toHaveLength(1);
    expect(await read(thread, wrap("small"))).toMatchObject({ params: ["small"] });
  });
});
