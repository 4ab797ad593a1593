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
import { afterEach, describe, expect, it } from "vitest";
import type { Answer } from "./answer.js";
import { Dispatcher } from "./dispatcher.js";
import { isLarge } from "./is-large.js";
import { encodeSlots } from "./multicall-answer.js";
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

  writeSlots: LargeDocuments["writeSlots"] = (slots, options, done) => {
    this.held.push(() => done(this.failure ?? encodeSlots(slots, options.dialect)));
  };
}

const failures: unknown[] = [];

function rig(result: Value) {
  const documents = new HeldDocuments();
  const execute: Executor["execute"] = (call, _context, end) => {
    const value = "calls" in call ? call.calls.map(() => [result]) : result;
    end({ kind: "result", result: { ok: true, value }, index: 7 });
  };
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
    onFailure: (error) => failures.push(error),
  });
  const answers: Answer[] = [];
  const send = (param: Value) =>
    dispatcher.dispatch(encodeCall("echo", [param]), undefined, plain, (answer) => answers.push(answer));
  const multicall = (...names: string[]) => {
    const items = names.map((methodName) => ({ methodName, params: [] }));
    const document = encodeCall("system.multicall", [items]);
    dispatcher.dispatch(document, undefined, plain, (answer) => answers.push(answer));
  };
  return { documents, answers, send, multicall };
}

afterEach(() => expect(failures).toEqual([]));

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

describe("a large answer of a multicall", () => {
  it("is written elsewhere, its slots in order", () => {
    const { documents, answers, multicall } = rig(long);
    multicall("echo", "absent", "echo");
    expect(answers).toEqual([]);
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toMatchObject([
      [long],
      { faultCode: -32601 },
      [long],
    ]);
    expect(answers[0]).toMatchObject({ ending: "value", index: 7, items: 3, kind: "command" });
  });

  it("is made of the server's own results, too", () => {
    const { documents, answers, multicall } = rig(true);
    multicall(...Array.from({ length: 50 }, () => "system.listMethods"));
    documents.held.shift()?.(); // the call, which is large as well
    expect(answers).toEqual([]);
    documents.held.shift()?.();
    expect(answers[0]).toMatchObject({ ending: "value", index: null, items: 50, kind: "local" });
  });

  it("of the server's own results is a fault where it cannot be written", () => {
    const { documents, answers, multicall } = rig(true);
    multicall(...Array.from({ length: 50 }, () => "system.listMethods"));
    documents.held.shift()?.();
    documents.failure = new EncodeError("it takes too much memory");
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toMatchObject({ faultCode: -32603 });
    expect(failures.splice(0)).toEqual([documents.failure]);
  });

  it("that cannot be written says that the calls were executed", () => {
    const { documents, answers, multicall } = rig(long);
    documents.failure = new EncodeError("it takes too much memory");
    multicall("echo");
    documents.held.shift()?.();
    expect(decodeResponse(answers[0]?.body ?? new Uint8Array())).toMatchObject({
      message: expect.stringContaining("the call was executed"),
    });
    expect(answers[0]).toMatchObject({ items: 1, index: 7 });
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
