import { createHash } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { decodeResponse, encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { NodeStatus } from "@quorate/raft";
import type { FastifyInstance, InjectOptions } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildApp } from "./app.js";
import {
  answerOf,
  document,
  follower,
  maxBody,
  noLeader,
  notLeader,
  TestApp,
  type World,
} from "./testing-app.js";

let test: TestApp;
let world: World;
let app: FastifyInstance;

beforeEach(() => {
  test = new TestApp();
  ({ world, app } = test);
});
afterEach(() => test.close());

const curl = { "content-type": "text/xml", "user-agent": "curl/7.88.1" };

const post = (part: Partial<InjectOptions> & { headers?: Record<string, string> } = {}) =>
  app.inject({ method: "POST", url: "/RPC2", headers: curl, payload: document, ...part });

describe("a call", () => {
  it("is answered with 200, XML, and where it was executed", async () => {
    const response = await post();
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      "content-type": "text/xml; charset=utf-8",
      "content-length": String(response.rawPayload.length),
      "quorate-node": "n1",
      "quorate-leader": "n2",
      "quorate-term": "5",
      "quorate-index": "c0ffee00:121",
    });
    expect(decodeResponse(response.rawPayload)).toBe(true);
    expect(world.documents).toEqual([document.toString()]);
  });

  it.each(["/", "/RPC2", "/RPC2?x=1"])("is taken at %s", async (url) => {
    expect((await post({ url })).statusCode).toBe(200);
  });

  it("names no leader when there is none", async () => {
    world.status = { ...follower, leader: null };
    expect((await post()).headers).not.toHaveProperty("quorate-leader");
  });

  it("that ended in a fault is 200 too", async () => {
    world.answer = answerOf({ body: encodeFault(new Fault(409, "no")), ending: "fault" });
    expect((await post()).statusCode).toBe(200);
  });

  it.each([
    ["text/xml", undefined],
    ["application/xml", undefined],
    ["text/xml; charset=utf-8", "utf-8"],
    ['Application/XML;charset="ISO-8859-1"', "ISO-8859-1"],
    ["text/xml; x=1; charset=us-ascii", "us-ascii"],
  ])("may be of type %s", async (type, charset) => {
    const response = await post({ headers: { "content-type": type, "user-agent": "x" } });
    expect(response.statusCode).toBe(200);
    expect(world.charsets).toEqual([charset]);
  });

  it("may come without a type", async () => {
    const response = await post({ headers: {}, payload: Buffer.from(document) });
    expect(response.statusCode).toBe(200);
    expect(world.documents).toEqual([document.toString()]);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json",
    "text/xml-evil",
    "x",
  ])("may not be of type %s, which any web page can send", async (type) => {
    const response = await post({ headers: { "content-type": type } });
    expect(response.statusCode).toBe(415);
    expect(response.headers["content-length"]).toBe(String(response.rawPayload.length));
    expect(world.documents).toEqual([]);
  });
});

describe("a call that needs the leader", () => {
  it("is redirected with 307 to the same path and query", async () => {
    world.answer = notLeader;
    const response = await post({ url: "/RPC2?consistency=linearizable" });
    expect(response.statusCode).toBe(307);
    expect(response.headers).toMatchObject({
      location: "http://n2:8000/RPC2?consistency=linearizable&quorate-hop=1",
      "cache-control": "no-store",
      "content-length": String(response.rawPayload.length),
      connection: "keep-alive",
    });
    const fault = decodeResponse(response.rawPayload);
    expect(fault).toMatchObject({ faultCode: faultCodes.notLeader });
    expect(response.payload).toContain("http://n2:8000");
  });

  it("begins a query where there was none", async () => {
    world.answer = notLeader;
    expect((await post()).headers.location).toBe("http://n2:8000/RPC2?quorate-hop=1");
  });

  it("is answered with 200 and the fault in mode fault", async () => {
    world.answer = notLeader;
    const response = await post({ url: "/RPC2?route=fault" });
    expect(response.statusCode).toBe(200);
    expect(response.headers).not.toHaveProperty("location");
    expect(decodeResponse(response.rawPayload)).toMatchObject({ faultCode: faultCodes.notLeader });
  });

  it.each([
    [{ url: "/RPC2" }, "redirect"],
    [{ url: "/RPC2", headers: { ...curl, "user-agent": "Python-xmlrpc/3.11" } }, "forward"],
    [{ url: "/RPC2", headers: { "content-type": "text/xml", "user-agent": "" } }, "forward"],
    [{ url: "/RPC2", headers: { ...curl, authorization: "Basic eDp5" } }, "forward"],
    [{ url: "/RPC2?quorate-hop=1" }, "forward"],
    [{ url: "/RPC2?route=forward" }, "forward"],
    [{ url: "/RPC2", headers: { ...curl, "quorate-route": "fault" } }, "fault"],
    [{ url: "/RPC2?route=forward", headers: { ...curl, "quorate-route": "fault" } }, "forward"],
  ] as const)("%j goes by %s", async (request, route) => {
    await post(request);
    expect(world.contexts).toMatchObject([{ route, consistency: "linearizable" }]);
  });

  it("gets 503 and Retry-After without a leader, if it would have been redirected", async () => {
    world.answer = noLeader;
    const response = await post();
    expect(response.statusCode).toBe(503);
    expect(response.headers).toMatchObject({
      "retry-after": "1",
      "content-length": String(response.rawPayload.length),
    });
    expect(decodeResponse(response.rawPayload)).toMatchObject({ faultCode: faultCodes.noLeader });
  });

  it("gets 200 and the fault without a leader otherwise: most clients lose a fault of another status", async () => {
    world.answer = noLeader;
    expect((await post({ url: "/RPC2?route=forward" })).statusCode).toBe(200);
    expect((await post({ url: "/RPC2?route=fault" })).statusCode).toBe(200);
  });
});

describe("options of a call", () => {
  it("reach the dispatcher", async () => {
    const url = "/RPC2?consistency=stale&max_staleness=2s&min_index=c0ffee00:7";
    await post({ url, headers: { ...curl, "idempotency-key": "k1" } });
    const options = { consistency: "stale", maxStalenessMs: 2000, minIndex: 7, idempotencyKey: "k1" };
    expect(world.contexts).toMatchObject([options]);
  });

  it("that cannot be honoured are refused by fault, without a call", async () => {
    const response = await post({ url: "/RPC2?min_index=deadbeef:1" });
    expect(response.statusCode).toBe(200);
    const message = expect.stringMatching(/deadbeef.*c0ffee00/);
    const fault = decodeResponse(response.rawPayload);
    expect(fault).toMatchObject({ faultCode: faultCodes.invalidParams, message });
    expect(world.documents).toEqual([]);
  });
});

describe("bodies", () => {
  it("over the limit are 413 with fault -32005, and the connection closes", async () => {
    const response = await post({ payload: Buffer.alloc(maxBody + 1, 32) });
    expect(response.statusCode).toBe(413);
    expect(response.headers).toMatchObject({
      connection: "close",
      "content-length": String(response.rawPayload.length),
    });
    expect(decodeResponse(response.rawPayload)).toMatchObject({ faultCode: faultCodes.tooLarge });
  });

  it("at the limit pass", async () => {
    expect((await post({ payload: Buffer.alloc(maxBody, 32) })).statusCode).toBe(200);
  });

  it.each([
    ["gzip", gzipSync(document)],
    ["x-gzip", gzipSync(document)],
    ["deflate", deflateSync(document)],
    ["deflate", deflateRawSync(document)],
    ["GZIP", gzipSync(document)],
    ["identity", document],
  ])("may be compressed: %s", async (encoding, payload) => {
    const response = await post({ headers: { ...curl, "content-encoding": encoding }, payload });
    expect(response.statusCode).toBe(200);
    expect(world.documents).toEqual([document.toString()]);
    expect(response.headers).not.toHaveProperty("content-encoding");
  });

  it("that unpack to more than the limit are 413", async () => {
    const payload = gzipSync(Buffer.alloc(maxBody * 20, 32));
    const response = await post({ headers: { ...curl, "content-encoding": "gzip" }, payload });
    expect(response).toMatchObject({ statusCode: 413, headers: { connection: "close" } });
    expect(decodeResponse(response.rawPayload)).toMatchObject({ faultCode: faultCodes.tooLarge });
    expect(world.documents).toEqual([]);
  });

  it.each([
    ["gzip", 400],
    ["br", 415],
    ["gzip, gzip", 415],
  ])("that are broken or unreadable as %s are %d", async (encoding, statusCode) => {
    const response = await post({ headers: { ...curl, "content-encoding": encoding } });
    expect(response.statusCode).toBe(statusCode);
    expect(response.headers["content-length"]).toBe(String(response.rawPayload.length));
  });

  it("may be missing: the dispatcher says what is wrong", async () => {
    const response = await app.inject({ method: "POST", url: "/RPC2" });
    expect(response.statusCode).toBe(200);
    expect(world.documents).toEqual([""]);
  });
});

describe("addresses", () => {
  it.each([
    ["GET", "/nothing", 404, undefined],
    ["POST", "/RPC3", 404, undefined],
    ["PUT", "/RPC2", 405, "POST, GET, HEAD"],
    ["DELETE", "/", 405, "POST, GET, HEAD"],
    ["OPTIONS", "/RPC2", 405, "POST, GET, HEAD"],
    ["POST", "/leader", 405, "GET, HEAD, OPTIONS"],
    ["POST", "/metrics", 405, "GET, HEAD, OPTIONS"],
  ] as const)("%s %s is %d", async (method, url, statusCode, allow) => {
    const response = await app.inject({ method, url });
    expect(response.statusCode).toBe(statusCode);
    expect(response.headers.allow).toBe(allow);
    expect(response.headers["content-length"]).toBe(String(response.rawPayload.length));
    expect(response.rawPayload.length).toBeGreaterThan(0);
  });

  it("in absolute form are the same", async () => {
    expect((await post({ url: "http://other:1/RPC2?route=forward" })).statusCode).toBe(200);
  });

  it("lists the methods for people, escaped", async () => {
    const response = await app.inject({ method: "GET", url: "/RPC2" });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(response.payload).toContain("&lt;b&gt;Store&lt;/b&gt; &amp; forget");
    expect(response.payload).toContain("kv.set(string, any) → boolean");
    const style = /<style>(.*)<\/style>/s.exec(response.payload)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(response.headers).toMatchObject({
      "content-security-policy":
        `default-src 'none'; style-src 'sha256-${hash}'; ` +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
  });

  it("shows the state of the node", async () => {
    const response = await app.inject({ method: "GET", url: "/" });
    expect(response.statusCode).toBe(200);
    expect(response.payload).toContain("http://n3:8000");
  });

  it("gives the state as JSON", async () => {
    const response = await app.inject({ method: "GET", url: "/status" });
    expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(response.json()).toMatchObject({ node: "n1", leader: "n2", leaderUrl: "http://n2:8000", term: 5 });
    expect(response.json().members).toHaveLength(3);
  });
});

describe("probes", () => {
  const leading: NodeStatus = { ...follower, role: "leader", leader: "n1", canServe: true };

  it.each(["GET", "HEAD", "OPTIONS"] as const)(
    "%s /leader is 200 only where the leader can serve",
    async (method) => {
      const status = async () => (await app.inject({ method, url: "/leader" })).statusCode;
      expect(await status()).toBe(503);
      world.status = leading;
      expect(await status()).toBe(200);
      world.status = { ...leading, canServe: false };
      expect(await status()).toBe(503);
      world.status = leading;
      world.phase = "draining";
      expect(await status()).toBe(503);
    },
  );

  it("/livez stays true without a leader and while stopping", async () => {
    world.status = { ...follower, leader: null, born: false };
    world.phase = "draining";
    expect((await app.inject({ method: "GET", url: "/livez" })).statusCode).toBe(200);
  });

  it("/readyz says what is missing, all of it when it is verbose", async () => {
    expect((await app.inject({ method: "GET", url: "/readyz" })).payload).toBe("ready\n");
    world.status = { ...follower, leader: null };
    const short = await app.inject({ method: "GET", url: "/readyz" });
    expect(short).toMatchObject({ statusCode: 503, payload: "not ready: no leader is known\n" });
    const verbose = await app.inject({ method: "GET", url: "/readyz?verbose" });
    expect(verbose).toMatchObject({ statusCode: 503, payload: expect.stringContaining("FAIL leader") });
  });

  it("/readyz is false while stopping, and at last every answer closes its connection", async () => {
    world.phase = "draining";
    const response = await app.inject({ method: "GET", url: "/readyz" });
    expect(response.statusCode).toBe(503);
    expect(response.headers.connection).toBe("keep-alive");
    expect((await app.inject({ method: "OPTIONS", url: "/readyz?stopping=404" })).statusCode).toBe(404);
    world.phase = "closing";
    expect((await post()).headers.connection).toBe("close");
  });
});

describe("metrics", () => {
  it("count what was answered", async () => {
    await post();
    world.answer = notLeader;
    await post();
    const response = await app.inject({ method: "GET", url: "/metrics" });
    expect(response.headers["content-type"]).toMatch(/^text\/plain/);
    expect(response.payload).toMatch(
      /quorate_calls_total\{method="kv.set",kind="command",outcome="value",[^}]*\} 1/,
    );
    expect(response.payload).toMatch(/quorate_redirects_total\{[^}]*\} 1/);
  });
});

describe("the authentication hook", () => {
  it("refuses before the body is read, and names the caller otherwise", async () => {
    world.authenticate = () => ({ ok: false, statusCode: 401, sentence: "who are you?" });
    const refused = await post();
    expect(refused.statusCode).toBe(401);
    expect(refused.headers).toHaveProperty("www-authenticate");
    expect(world.documents).toEqual([]);
    world.authenticate = () => ({ ok: true, caller: "anna" });
    await post();
    expect(world.contexts).toMatchObject([{ caller: "anna" }]);
  });
});

describe("http.paths", () => {
  it.each(["/leader", "/metrics", "/:name", "/a*", "/a?b"])("may not be %s", (path) => {
    expect(() => buildApp({ ...test.dependencies, paths: ["/RPC2", path] })).toThrow(`http.paths: ${path}`);
  });

  it("may leave / out, which then shows the node's state only", async () => {
    const other = buildApp({ ...test.dependencies, paths: ["/xmlrpc"] });
    const statusOf = async (method: "GET" | "POST", url: string) =>
      (await other.inject({ method, url, headers: curl, payload: document })).statusCode;
    expect(await statusOf("POST", "/xmlrpc")).toBe(200);
    expect(await statusOf("POST", "/")).toBe(405);
    expect(await statusOf("GET", "/")).toBe(200);
    expect(await statusOf("POST", "/RPC2")).toBe(404);
    await other.close();
  });
});

describe("failures", () => {
  it("are 500 with a short text, and their cause goes to the log", async () => {
    world.authenticate = () => {
      throw new Error("secret cause");
    };
    const response = await post();
    expect(response.statusCode).toBe(500);
    expect(response.payload).not.toContain("secret");
    expect(world.failures).toHaveLength(1);
  });
});
