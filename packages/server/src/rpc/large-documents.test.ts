/** Which documents the dispatcher leaves to others, and what becomes of theirs. */
import {
  decodeCall,
  decodeResponse,
  EncodeError,
  encodeCall,
  encodeResponse,
  Fault,
  type Value,
} from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { type Answer, Dispatcher } from "./dispatcher.js";
import { isLarge } from "./is-large.js";
import type { Executor, LargeDocuments } from "./ports.js";
import { plainContext as plain } from "./testing-context.js";

const bytesMin = 1000;

/** Keeps what it is given until it is told to go on. */
class HeldDocuments implements LargeDocuments {
  readonly bytesMin = bytesMin;
  readonly held: (() => void)[] = [];
  failure: Error | undefined;

  readCall: LargeDocuments["readCall"] = (document, options, done) => {
    this.held.push(() => done(this.failure ?? decodeCall(document, options)));
  };

  writeResponse: LargeDocuments["writeResponse"] = (value, options, done) => {
    this.held.push(() => done(this.failure ?? encodeResponse(value, options)));
  };
}

function rig(result: Value) {
  const documents = new HeldDocuments();
  const execute: Executor["execute"] = (_call, _context, end) =>
    end({ kind: "result", result: { ok: true, value: result }, index: 7 });
  const echo = { kind: "command", help: "", signatures: [] } as const;
  const dispatcher = new Dispatcher({
    service: {
      list: () => ["echo"],
      find: (name) => (name === "echo" ? echo : undefined),
      checkParams: () => [],
    },
    localMethods: new Map(),
    executor: { execute, readStale: execute },
    maxBody: 1_000_000,
    largeDocuments: documents,
    onFailure: (error) => {
      throw error;
    },
  });
  const answers: Answer[] = [];
  const send = (param: Value) =>
    dispatcher.dispatch(encodeCall("echo", [param]), undefined, plain, (answer) => answers.push(answer));
  return { documents, answers, send };
}

const long = "x".repeat(2 * bytesMin);

describe("a large call", () => {
  it("is read elsewhere and then goes its way", () => {
    const { documents, answers, send } = rig(true);
    send(long);
    expect(answers).toEqual([]);
    documents.held.shift()?.();
    expect(answers.map(({ ending, method, index }) => [ending, method, index])).toEqual([
      ["value", "echo", 7],
    ]);
    send("short");
    expect([answers.length, documents.held.length]).toEqual([2, 0]);
  });

  it("that is refused there is answered with that fault", () => {
    const { documents, answers, send } = rig(true);
    documents.failure = new Fault(-32700, "not well-formed");
    send(long);
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toMatchObject({ faultCode: -32700 });
  });
});

describe("a large answer", () => {
  it("is written elsewhere", () => {
    const { documents, answers, send } = rig([long]);
    send("short");
    expect(answers).toEqual([]);
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toEqual([long]);
    expect(answers[0]).toMatchObject({ ending: "value", index: 7 });
  });

  it("that cannot be written says that the call was executed", () => {
    const { documents, answers, send } = rig([long]);
    documents.failure = new EncodeError("it takes too much memory");
    send("short");
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toMatchObject({
      message: expect.stringContaining("the call was executed"),
    });
  });
});

describe("what is large", () => {
  it.each<[boolean, Value]>([
    [false, null],
    [false, "x".repeat(bytesMin - 40)],
    [true, "x".repeat(bytesMin)],
    [true, new Uint8Array(bytesMin)],
    [false, [1, [2, [3]]]],
    [true, Array.from({ length: 100 }, () => 1)],
    [true, { a: { b: Array.from({ length: 10 }, () => ({ c: "x".repeat(100) })) } }],
    [true, { ["n".repeat(bytesMin)]: 1 }],
  ])("%s", (large, value) => {
    expect(isLarge(value, bytesMin)).toBe(large);
  });
});
