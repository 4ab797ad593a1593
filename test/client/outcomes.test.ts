/** Every way a call can end, and what it says of its execution: one scripted node, down to the socket. */
import { Client, Fault, NotExecutedError, OutcomeUnknownError } from "@quorate/client";
import { describe, expect, test } from "vitest";
import { freePorts } from "../support/ports.js";
import { answers, breaks, hangs, inTurn, type Script, ScriptedNode, text } from "./scripted-node.js";

/** Long enough never to be the reason for anything. */
const patient = 30_000;
/** For calls whose deadline is the subject: it must come after an attempt on loopback, and in a pause. */
const brief = 1500;
/** Seconds; longer than the deadline, so that it comes in the pause. */
const longPause = { "retry-after": "5" };

async function outcome(
  script: Script,
  options: { readonly timeoutMs?: number; readonly safe?: boolean } = {},
) {
  await using node = await ScriptedNode.start(script);
  await using client = new Client({ nodes: [node.url], timeoutMs: options.timeoutMs ?? patient });
  const result = await client.call("m", [1], { safe: options.safe }).catch((error: unknown) => error);
  return { result, calls: node.requests.length };
}

const fault = (code: number) => answers(new Fault(code, "says the node"));

describe("executed", () => {
  test("a value", async () => {
    expect(await outcome(answers({ a: [1, "x"] }))).toEqual({ result: { a: [1, "x"] }, calls: 1 });
  });

  test.each([409, -32500, -32601, -32602, -32603])("fault %d is the answer, never repeated", async (code) => {
    const { result, calls } = await outcome(fault(code));
    expect(result).toBeInstanceOf(Fault);
    expect(result).toMatchObject({ faultCode: code, faultString: "says the node" });
    expect(calls).toBe(1);
  });

  test("a fault counts with any status", async () => {
    const { result } = await outcome(answers(new Fault(-32005, "too large"), { connection: "close" }, 413));
    expect(result).toMatchObject({ faultCode: -32005 });
  });

  test("an answer without a Content-Type is read", async () => {
    const { result } = await outcome((_, response) => {
      response.end("<methodResponse><params><param><value>ok</value></param></params></methodResponse>");
    });
    expect(result).toBe("ok");
  });

  test("the charset of the Content-Type counts", async () => {
    const body = "<methodResponse><params><param><value>\xe9</value></param></params></methodResponse>";
    const { result } = await outcome((_, response) => {
      response.writeHead(200, { "content-type": 'text/xml; charset="iso-8859-1"' });
      response.end(Buffer.from(body, "latin1"));
    });
    expect(result).toBe("é");
  });
});

describe("surely not executed, hence repeated", () => {
  test.each([
    ["-32001", fault(-32001)],
    ["-32002", fault(-32002)],
    ["-32004", fault(-32004)],
    ["503 with -32002", answers(new Fault(-32002, "no leader"), {}, 503)],
    ["503 of a Quorate node without XML", text(503, "stopping", { "quorate-node": "n1" })],
    ["408", text(408, "too slow")],
    ["429", text(429, "too many")],
  ])("%s", async (_, refusal) => {
    expect(await outcome(inTurn(refusal, refusal, answers("done")))).toEqual({ result: "done", calls: 3 });
  });

  test("until the deadline, which ends as NotExecutedError with the last reason", async () => {
    const refusal = answers(new Fault(-32002, "says the node"), longPause, 503);
    const { result, calls } = await outcome(refusal, { timeoutMs: brief });
    expect(result).toBeInstanceOf(NotExecutedError);
    expect(String(result)).toMatch(/m was not executed within 1500 ms: http:.*: says the node/);
    expect(result).toMatchObject({ cause: { faultCode: -32002 } });
    // Retry-After was waited for.
    expect(calls).toBe(1);
  });

  test("a refused connection", async () => {
    const [port] = await freePorts(1);
    await using client = new Client({ nodes: [`http://127.0.0.1:${port}/RPC2`], timeoutMs: brief });
    const call = client.call("m");
    await expect(call).rejects.toBeInstanceOf(NotExecutedError);
    await expect(call).rejects.toThrow("was not executed within 1500 ms");
  });
});

test.each([400, 401, 403, 404, 405, 415, 301, 501])(
  "HTTP %d from every node ends at once as NotExecutedError: waiting changes nothing",
  async (status) => {
    const { result, calls } = await outcome(text(status, "<h1>not here</h1>\nmore"));
    expect(result).toBeInstanceOf(NotExecutedError);
    expect(String(result)).toContain(`answered HTTP ${status}: "<h1>not here</h1>"; is it a Quorate node?`);
    expect(calls).toBe(1);
  },
);

describe("unknown, hence never repeated by itself", () => {
  test.each<[string, Script, RegExp]>([
    ["the connection broke", breaks, /ECONNRESET|other side closed/],
    ["-32003", fault(-32003), /says the node/],
    ["500 that is no fault", text(500, "oh"), /answered HTTP 500: "oh"/],
    ["502 of a proxy", text(502, ""), /answered HTTP 502/],
    ["503 of a proxy", text(503, "no upstream"), /answered HTTP 503: "no upstream"/],
    ["another Content-Type", text(200, "<p>hello</p>"), /answered with "text\/html", not XML/],
    ["XML that is no XML-RPC", text(200, "<a/>", { "content-type": "text/xml" }), /not XML-RPC/],
    ["a value with another status", answers(1, {}, 500), /answered HTTP 500/],
    [
      "an answer cut off",
      (_, response) => {
        response.writeHead(200, { "content-type": "text/xml", "content-length": 100 });
        response.write("<methodResponse>", () => response.socket?.destroy());
      },
      /other side closed|terminated|closed|mismatch|aborted/i,
    ],
    [
      "an answer larger than the codec reads",
      (_, response) => {
        response.writeHead(200, { "content-type": "text/xml" });
        response.write(" ".repeat(8 * 1024 * 1024 + 1));
      },
      /size/i,
    ],
  ])("%s", async (_, script, reason) => {
    const { result, calls } = await outcome(script);
    expect(result).toBeInstanceOf(OutcomeUnknownError);
    expect(String(result)).toMatch(/m may or may not have been executed: http/);
    expect(String(result)).toMatch(reason);
    expect(calls).toBe(1);
  });

  test("the deadline passed after the call was sent", async () => {
    const { result, calls } = await outcome(hangs, { timeoutMs: brief });
    expect(result).toBeInstanceOf(OutcomeUnknownError);
    expect(String(result)).toContain("no answer within 1500 ms");
    expect(calls).toBe(1);
  });
});

describe("a call that is declared safe", () => {
  test.each([
    ["the connection broke", breaks],
    ["-32003", fault(-32003)],
    ["502", text(502, "")],
  ])("is repeated when %s", async (_, trouble) => {
    const script = inTurn(trouble, trouble, answers("done"));
    expect(await outcome(script, { safe: true })).toEqual({ result: "done", calls: 3 });
  });

  test("is asked anew when a node says nothing for a third of the time", async () => {
    const script = inTurn(hangs, answers("done"));
    expect(await outcome(script, { safe: true, timeoutMs: 3000 })).toEqual({ result: "done", calls: 2 });
  });

  test.each([
    ["a refusal for now", fault(-32002)],
    ["a refusal for good", text(404, "gone")],
  ])("stays unknown after one unknown attempt: %s does not undo it", async (_, refusal) => {
    const { result } = await outcome(inTurn(breaks, refusal), { safe: true, timeoutMs: brief });
    expect(result).toBeInstanceOf(OutcomeUnknownError);
  });
});
