/** Signals, closing, tokens and the proxy: what an application holds in its hands. */

import { Client, EncodeError, NotExecutedError, OutcomeUnknownError, type Value } from "@quorate/client";
import { Fault } from "@quorate/protocol";
import { describe, expect, expectTypeOf, test } from "vitest";
import { answers, hangs, inTurn, ScriptedNode } from "./scripted-node.js";

const reason = new Error("the user went away");

describe("the caller's signal", () => {
  test("that has aborted already: its reason, nothing sent", async () => {
    await using node = await ScriptedNode.start(answers(1));
    await using client = new Client({ nodes: [node.url] });
    await expect(client.call("m", [], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(node.requests).toHaveLength(0);
  });

  test("while the call waits for its turn: its reason", async () => {
    await using node = await ScriptedNode.start(inTurn(hangs, answers(1)));
    await using client = new Client({ nodes: [node.url], connections: 1 });
    const [stop, stopFirst] = [new AbortController(), new AbortController()];
    const first = client.call("m", [], { signal: stopFirst.signal });
    const second = client.call("m", [], { signal: stop.signal });
    await node.received(1);
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
    stopFirst.abort(reason);
    await expect(first).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(node.requests).toHaveLength(1);
  });

  test("between two attempts, none of them executed: its reason", async () => {
    const stop = new AbortController();
    await using node = await ScriptedNode.start((request, response, count) => {
      answers(new Fault(-32002, "no leader"), { "retry-after": "5" })(request, response, count);
      response.on("finish", () => setImmediate(() => stop.abort(reason)));
    });
    await using client = new Client({ nodes: [node.url] });
    const call = client.call("m", [], { signal: stop.signal });
    const error = await call.catch((thrown: unknown) => thrown);
    // The answer and the signal race; before the answer is read the outcome is not known.
    if (error instanceof OutcomeUnknownError) expect(error.cause).toBe(reason);
    else expect(error).toBe(reason);
  });

  test("after the call was sent: OutcomeUnknownError, caused by the reason; the next call is served", async () => {
    await using node = await ScriptedNode.start(inTurn(hangs, answers("next")));
    await using client = new Client({ nodes: [node.url], connections: 1 });
    const stop = new AbortController();
    const call = client.call("m", [], { signal: stop.signal });
    await node.received(1);
    stop.abort(reason);
    await expect(call).rejects.toBeInstanceOf(OutcomeUnknownError);
    await expect(call).rejects.toMatchObject({ cause: reason });
    expect(await client.call("m")).toBe("next");
  });

  test("after the end changes nothing", async () => {
    await using node = await ScriptedNode.start(answers(1));
    await using client = new Client({ nodes: [node.url] });
    const stop = new AbortController();
    expect(await client.call("m", [], { signal: stop.signal })).toBe(1);
    stop.abort(reason);
    expect(await client.call("m")).toBe(1);
  });
});

describe("closing", () => {
  test("waits for the calls under way and refuses new ones", async () => {
    let answer: () => void = () => expect.unreachable();
    await using node = await ScriptedNode.start((request, response, count) => {
      answer = () => answers("late")(request, response, count);
    });
    const client = new Client({ nodes: [node.url] });
    const call = client.call("m");
    await node.received(1);
    const closed = client.close();
    await expect(client.call("m")).rejects.toThrow(NotExecutedError);
    answer();
    await closed;
    expect(await call).toBe("late");
    await client.close();
  });

  test("happens at the end of the scope, and lets go of the connections", async () => {
    await using node = await ScriptedNode.start(answers(1));
    {
      await using client = new Client({ nodes: [node.url] });
      await client.call("m");
      expect(node.open).toBe(1);
    }
    await node.allClosed();
  });
});

describe("what is wrong before anything is sent", () => {
  test("is named", async () => {
    await using node = await ScriptedNode.start(answers(1));
    await using client = new Client({ nodes: [node.url] });
    await expect(client.call("m", [Number.NaN])).rejects.toBeInstanceOf(EncodeError);
    await expect(client.call("no spaces")).rejects.toBeInstanceOf(EncodeError);
    await expect(client.call("m", [], { timeoutMs: 0 })).rejects.toThrow("timeoutMs: expected");
    await expect(client.call("m", [], { maxStalenessMs: 5 })).rejects.toThrow("bound stale reads");
    expect(() => new Client({ nodes: [node.url], connections: 0 })).toThrow("connections: expected");
    expect(node.requests).toHaveLength(0);
  });
});

describe("read tokens", () => {
  const indexes = (...tokens: string[]) =>
    inTurn(...tokens.map((token) => answers(1, { "quorate-index": token })));

  test("lastIndex is the latest of all answers", async () => {
    await using node = await ScriptedNode.start(indexes("c0ffee00:9", "c0ffee00:41", "c0ffee00:10"));
    await using client = new Client({ nodes: [node.url] });
    expect(client.lastIndex).toBe(null);
    for (const seen of ["c0ffee00:9", "c0ffee00:41", "c0ffee00:41"]) {
      await client.call("m");
      expect(client.lastIndex).toBe(seen);
    }
  });

  test("stale reads carry it when asked to, other calls never", async () => {
    await using node = await ScriptedNode.start(indexes("c0ffee00:41"));
    await using client = new Client({ nodes: [node.url], readYourWrites: true });
    await client.call("m", [], { consistency: "stale" });
    await client.call("m");
    await client.call("m", [], { consistency: "stale" });
    await client.call("m", [], { consistency: "stale", minIndex: "c0ffee00:7", maxStalenessMs: 250 });
    const sent = node.requests.map(({ headers }) => [
      headers["quorate-consistency"],
      headers["quorate-min-index"],
      headers["quorate-max-staleness"],
    ]);
    expect(sent).toEqual([
      ["stale", undefined, undefined],
      [undefined, undefined, undefined],
      ["stale", "c0ffee00:41", undefined],
      ["stale", "c0ffee00:7", "250ms"],
    ]);
  });
});

interface Kv {
  get(key: string): Value;
  incr(key: string, by?: number): number;
  then(): Value;
}

describe("a proxy", () => {
  test("calls the methods of its namespace, or by their whole names", async () => {
    await using node = await ScriptedNode.start((request, response, count) =>
      answers([request.method, request.params])(request, response, count),
    );
    await using client = new Client({ nodes: [node.url] });
    expect(await client.proxy<Kv>("kv").get("a")).toEqual(["kv.get", ["a"]]);
    const whole = client.proxy<{ "kv.get": (key: string) => Value }>(undefined, { consistency: "stale" });
    expect(await whole["kv.get"]("a")).toEqual(["kv.get", ["a"]]);
    expect(node.requests.map(({ headers }) => headers["quorate-consistency"])).toEqual([undefined, "stale"]);
  });

  test("has no methods that JavaScript calls by itself, and none below its methods", async () => {
    await using node = await ScriptedNode.start(answers(1));
    await using client = new Client({ nodes: [node.url] });
    const kv = client.proxy<Kv>("kv");
    const loose = kv as unknown as Record<string, unknown>;
    expect(await kv).toBe(kv);
    expect(JSON.stringify(kv)).toBe("{}");
    for (const name of ["then", "toJSON", "constructor", "__proto__", "valueOf", "a b", "$$typeof"]) {
      expect(loose[name]).toBe(undefined);
    }
    expect(Reflect.get(kv, Symbol.iterator)).toBe(undefined);
    expect(Object.keys(kv)).toEqual([]);
    expect(() => Object.assign(kv, { get: 1 })).toThrow(TypeError);
    expect((kv.get as unknown as Record<string, unknown>).more).toBe(undefined);
    expect(node.requests).toHaveLength(0);
  });

  test("is typed", async () => {
    await using client = new Client({ nodes: ["http://127.0.0.1:1/"] });
    const kv = client.proxy<Kv>("kv");
    expectTypeOf(kv.get).toEqualTypeOf<(key: string) => Promise<Value>>();
    expectTypeOf(kv.incr).parameters.toEqualTypeOf<Parameters<Kv["incr"]>>();
    expectTypeOf(kv.incr).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf<keyof typeof kv>().toEqualTypeOf<"get" | "incr">();
    expectTypeOf(client.call).returns.resolves.toEqualTypeOf<Value>();
    expectTypeOf(client.lastIndex).toEqualTypeOf<string | null>();
    // @ts-expect-error a key is a string
    expectTypeOf(kv.get).toBeCallableWith(1);
    // @ts-expect-error a table holds methods only
    expectTypeOf(client.proxy<{ limit: number }>).toBeFunction();
  });
});
