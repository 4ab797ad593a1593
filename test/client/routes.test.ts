/** How a call finds the leader, and what later calls know of it: scripted nodes on loopback. */
import { Client, Fault, NotExecutedError, OutcomeUnknownError } from "@quorate/client";
import { describe, expect, test } from "vitest";
import { freePorts } from "../support/ports.js";
import {
  answers,
  breaks,
  hangs,
  inTurn,
  redirects,
  type Script,
  ScriptedNode,
  text,
} from "./scripted-node.js";

const patient = 30_000;
const brief = 1000;

const asLeader = (value: string): Script => answers(value, { "quorate-node": "n", "quorate-leader": "n" });

/** A URL at which nobody listens. */
async function nobody(): Promise<string> {
  const [port] = await freePorts(1);
  return `http://127.0.0.1:${port}/RPC2`;
}

describe("a redirect", () => {
  test("is followed and remembered, to a leader that is not in the list, without its mark", async () => {
    await using leader = await ScriptedNode.start(answers("yes"));
    await using node = await ScriptedNode.start(redirects(() => `${leader.url}?quorate-hop=1`));
    await using client = new Client({ nodes: [node.url] });
    expect(await client.call("m", ["a"])).toBe("yes");
    expect(await client.call("m", ["b"])).toBe("yes");
    expect(node.requests).toHaveLength(1);
    expect(leader.requests.map(({ url, params }) => [url, params])).toEqual([
      ["/RPC2?quorate-hop=1", ["a"]],
      ["/RPC2", ["b"]],
    ]);
    expect(leader.requests[0]?.headers).toMatchObject({
      "quorate-route": "redirect",
      "content-type": "text/xml; charset=utf-8",
    });
  });

  test("to a node that is gone sends the call to the next of the list", async () => {
    const gone = await nobody();
    await using a = await ScriptedNode.start(redirects(() => gone));
    await using b = await ScriptedNode.start(asLeader("b"));
    await using client = new Client({ nodes: [a.url, b.url], timeoutMs: patient });
    expect(await client.call("m")).toBe("b");
    expect(await client.call("m")).toBe("b");
    expect([a.requests.length, b.requests.length]).toEqual([1, 2]);
  });

  test("to a node that was just asked is not followed in circles", async () => {
    const urls: string[] = [];
    await using a = await ScriptedNode.start(redirects(() => urls[1] ?? ""));
    await using b = await ScriptedNode.start(redirects(() => urls[0] ?? ""));
    await using c = await ScriptedNode.start(asLeader("c"));
    urls.push(a.url, b.url, c.url);
    await using client = new Client({ nodes: urls, timeoutMs: patient });
    expect(await client.call("m")).toBe("c");
    expect([a.requests.length, b.requests.length]).toEqual([1, 1]);
  });

  test("from one new address to the next ends with the round", async () => {
    const nodes: ScriptedNode[] = [];
    try {
      for (let length = 0; length < 8; length++) {
        const next = nodes[0]?.url ?? "http://127.0.0.1:1/";
        nodes.unshift(
          await ScriptedNode.start(
            inTurn(
              redirects(() => next),
              answers("in the second round"),
            ),
          ),
        );
      }
      await using client = new Client({ nodes: [nodes[0]?.url ?? ""], timeoutMs: patient });
      expect(await client.call("m")).toBe("in the second round");
      expect(nodes.map(({ requests }) => requests.length)).toEqual([2, 1, 1, 1, 1, 1, 0, 0]);
    } finally {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    }
  });

  test.each(["ftp://a/", "http://", "javascript:alert(1)"])("to %s is not followed", async (location) => {
    await using node = await ScriptedNode.start(
      inTurn(
        redirects(() => location),
        answers("here"),
      ),
    );
    await using client = new Client({ nodes: [node.url], timeoutMs: patient });
    expect(await client.call("m")).toBe("here");
  });

  test("without a Location is no redirect", async () => {
    await using node = await ScriptedNode.start(text(307, ""));
    await using client = new Client({ nodes: [node.url], timeoutMs: patient });
    await expect(client.call("m")).rejects.toThrow("answered HTTP 307");
  });
});

describe("the leader", () => {
  test("is recognised by its answers and asked first", async () => {
    await using a = await ScriptedNode.start(inTurn(text(404, "not yet"), answers("a")));
    await using b = await ScriptedNode.start(asLeader("b"));
    await using client = new Client({ nodes: [a.url, b.url] });
    for (let count = 0; count < 3; count++) expect(await client.call("m")).toBe("b");
    expect([a.requests.length, b.requests.length]).toEqual([1, 3]);
  });

  test("that is gone is forgotten: the call goes on, the next one does not ask it", async () => {
    await using a = await ScriptedNode.start(asLeader("a"));
    const old = await ScriptedNode.start(asLeader("old"));
    await using client = new Client({ nodes: [old.url, a.url], timeoutMs: patient });
    expect(await client.call("m")).toBe("old");
    await old[Symbol.asyncDispose]();
    expect(await client.call("m")).toBe("a");
    expect(await client.call("m")).toBe("a");
  });

  test("whose connection broke under a call is asked after the others", async () => {
    await using a = await ScriptedNode.start(asLeader("a"));
    await using old = await ScriptedNode.start(inTurn(asLeader("old"), breaks));
    await using client = new Client({ nodes: [old.url, a.url], timeoutMs: patient });
    expect(await client.call("m")).toBe("old");
    await expect(client.call("m")).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await client.call("m")).toBe("a");
    expect(old.requests).toHaveLength(2);
  });

  test("that hangs is asked after the others as soon as one call's time was up", async () => {
    await using a = await ScriptedNode.start(asLeader("a"));
    await using old = await ScriptedNode.start(hangs);
    await using client = new Client({ nodes: [old.url, a.url], timeoutMs: patient });
    await expect(client.call("m", [], { timeoutMs: brief })).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await client.call("m")).toBe("a");
  });
});

test("one node of the list that is another server does not matter", async () => {
  await using stranger = await ScriptedNode.start(text(404, "what?"));
  await using node = await ScriptedNode.start(asLeader("yes"));
  await using client = new Client({ nodes: [stranger.url, node.url], timeoutMs: patient });
  expect(await client.call("m")).toBe("yes");
});

test("an overloaded leader is given a pause: others would only send the call back to it", async () => {
  await using leader = await ScriptedNode.start(inTurn(answers(new Fault(-32004, "full")), asLeader("yes")));
  await using other = await ScriptedNode.start(redirects(() => leader.url));
  await using client = new Client({ nodes: [leader.url, other.url], timeoutMs: patient });
  expect(await client.call("m")).toBe("yes");
  expect([leader.requests.length, other.requests.length]).toEqual([2, 0]);
});

test("stale reads go to the first of the list, also when the leader is known", async () => {
  await using near = await ScriptedNode.start((request, response, count) => {
    const script =
      request.headers["quorate-consistency"] === "stale" ? answers("near") : redirects(() => leader.url);
    script(request, response, count);
  });
  await using leader = await ScriptedNode.start(asLeader("leader"));
  await using client = new Client({ nodes: [near.url, leader.url] });
  expect(await client.call("m")).toBe("leader");
  expect(await client.call("m", [], { consistency: "stale" })).toBe("near");
  expect(await client.call("m")).toBe("leader");
  expect([near.requests.length, leader.requests.length]).toEqual([2, 2]);
});

describe("many calls at once", () => {
  const calls = 200;

  test("use no more connections than said; the others wait in order", async () => {
    const open: (() => void)[] = [];
    await using node = await ScriptedNode.start((request, response, count) => {
      open.push(() => asLeader(`${request.params[0]}`)(request, response, count));
      if (open.length === 4) for (const answer of open.splice(0)) answer();
    });
    await using client = new Client({ nodes: [node.url], connections: 4, timeoutMs: patient });
    const results = await Promise.all(Array.from({ length: calls }, (_, index) => client.call("m", [index])));
    expect(results).toEqual(Array.from({ length: calls }, (_, index) => `${index}`));
    expect(node.connections).toBeLessThanOrEqual(4);
  });

  test("find a new leader without each of them asking the dead one", async () => {
    const gone = await nobody();
    await using a = await ScriptedNode.start(asLeader("a"));
    await using b = await ScriptedNode.start(redirects(() => a.url));
    await using client = new Client({ nodes: [gone, b.url], connections: 4, timeoutMs: patient });
    const results = await Promise.all(Array.from({ length: calls }, () => client.call("m")));
    expect(new Set(results)).toEqual(new Set(["a"]));
    expect(a.requests).toHaveLength(calls);
    expect(b.requests.length).toBeLessThanOrEqual(4);
  });

  test("one that only waited for its turn was surely not sent", async () => {
    await using node = await ScriptedNode.start(hangs);
    await using client = new Client({ nodes: [node.url], connections: 1, timeoutMs: patient });
    const stop = new AbortController();
    const first = client.call("m", [], { signal: stop.signal });
    await expect(client.call("m", [], { timeoutMs: brief })).rejects.toBeInstanceOf(NotExecutedError);
    stop.abort();
    await expect(first).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(node.requests).toHaveLength(1);
  });
});
