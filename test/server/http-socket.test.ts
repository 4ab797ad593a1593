/** What only a real socket shows: connection reuse, odd but right requests, broken ones. */
import { METHODS } from "node:http";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { encodeCall, Fault, faultCodes } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";
import { call, count, head, RawClient, resultOf } from "./raw-client.js";

let cluster: InProcessCluster;
beforeAll(async () => {
  cluster = await InProcessCluster.start(1);
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** Not every Node that this server runs on does. */
const knowsQuery = METHODS.includes("QUERY");

const connect = () => new RawClient(cluster.url("n1"));

/** The last bytes of gzip are a checksum and a length. */
function corrupted(packed: Buffer): Buffer {
  packed.writeUInt32LE(0, packed.length - 8);
  return packed;
}

describe("one connection", () => {
  it("serves call after call, whatever the status before was", async () => {
    using client = connect();
    const expectCall = async () => {
      client.send(call(), count);
      expect(resultOf(await client.response())).toBe(0);
    };
    await expectCall();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Type": "text/plain", "Content-Length": 5 }), "hello");
    expect((await client.response()).status).toBe(415);
    await expectCall();
    client.send(head("POST /nothing HTTP/1.1", { "Content-Length": 5 }), "hello");
    expect((await client.response()).status).toBe(404);
    await expectCall();
    client.send(head("PUT /RPC2 HTTP/1.1", { "Content-Length": 5 }), "hello");
    expect((await client.response()).status).toBe(405);
    await expectCall();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": 5, "Content-Encoding": "gzip" }), "hello");
    expect((await client.response()).status).toBe(400);
  });

  it("answers pipelined calls in order", async () => {
    using client = connect();
    client.send(call(), count, head("GET /livez HTTP/1.1", {}), call(), count);
    expect(resultOf(await client.response())).toBe(0);
    expect((await client.response()).body).toBe("this node lives\n");
    expect(resultOf(await client.response())).toBe(0);
  });

  it("is closed after a body that is too large", async () => {
    using client = connect();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": 1024 * 1024 }), "x".repeat(100));
    const response = await client.response();
    expect(response.status).toBe(413);
    expect(response.headers.get("connection")).toBe("close");
    expect(resultOf(response)).toMatchObject({ faultCode: faultCodes.tooLarge });
    await client.ended;
  });

  it("is closed after a chunked body that grows too large", async () => {
    using client = connect();
    client.send(head("POST /RPC2 HTTP/1.1", { "Transfer-Encoding": "chunked" }));
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 5; sent++) client.send(chunk);
    expect((await client.response()).status).toBe(413);
    await client.ended;
  });
});

describe("odd but right requests", () => {
  it("may be chunked", async () => {
    using client = connect();
    const half = count.length >> 1;
    const chunk = (bytes: Uint8Array) => [`${bytes.length.toString(16)}\r\n`, bytes, "\r\n"];
    client.send(head("POST /RPC2 HTTP/1.1", { "Transfer-Encoding": "chunked" }));
    client.send(...chunk(count.subarray(0, half)), ...chunk(count.subarray(half)), "0\r\n\r\n");
    expect(resultOf(await client.response())).toBe(0);
  });

  it.each([
    ["gzip", gzipSync(count)],
    ["deflate", deflateSync(count)],
    ["deflate", deflateRawSync(count)],
  ])("may be packed and chunked: %s", async (encoding, packed) => {
    using client = connect();
    client.send(
      head("POST /RPC2 HTTP/1.1", { "Transfer-Encoding": "chunked", "Content-Encoding": encoding }),
    );
    for (const byte of packed) client.send("1\r\n", Uint8Array.of(byte), "\r\n");
    client.send("0\r\n\r\n");
    const response = await client.response();
    expect(resultOf(response)).toBe(0);
    expect(response.headers.has("content-encoding")).toBe(false);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["the first half", gzipSync(count).subarray(0, 20)],
    ["something else", Buffer.from("no gzip at all")],
    ["a wrong checksum", corrupted(gzipSync(count))],
  ])("must be whole when they are packed: %s", async (_name, packed) => {
    using client = connect();
    client.send(
      head("POST /RPC2 HTTP/1.1", { "Content-Encoding": "gzip", "Content-Length": packed.length }),
      packed,
    );
    expect((await client.response()).status).toBe(400);
    client.send(call(), count);
    expect(resultOf(await client.response())).toBe(0);
  });

  it.each([
    ["gzip", gzipSync(count)],
    ["deflate", deflateSync(count)],
    ["deflate", deflateRawSync(count)],
  ])("hold nothing behind what is packed: %s", async (encoding, packed) => {
    using client = connect();
    const body = Buffer.concat([packed, count]);
    client.send(
      head("POST /RPC2 HTTP/1.1", { "Content-Encoding": encoding, "Content-Length": body.length }),
      body,
    );
    expect((await client.response()).status).toBe(400);
    client.send(call(), count);
    expect(resultOf(await client.response())).toBe(0);
  });

  it("may be HTTP/1.0 without Host", async () => {
    using client = connect();
    client.send(
      `POST / HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: ${count.length}\r\n\r\n`,
      count,
    );
    expect(resultOf(await client.response())).toBe(0);
    await client.ended;
  });

  it("may ask before they send", async () => {
    using client = connect();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": count.length, Expect: "100-continue" }));
    expect(await client.text(25)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send(count);
    expect(resultOf(await client.response())).toBe(0);
  });

  it.each([
    ["a type that is none of XML's", "POST /RPC2", { "Content-Type": "text/plain" }, 415],
    ["a coding that nobody knows", "POST /RPC2", { "Content-Encoding": "br" }, 415],
    ["an address that is none", "POST /nothing", {}, 404],
    ["an address that takes no calls", "POST /livez", {}, 405],
    ["a method that this server does not have", "PUT /RPC2", {}, 405],
    [
      "a head that could be read in two ways",
      "POST /RPC2",
      { "Content-Type": "a", "content-type": "b" },
      400,
    ],
  ])("are told before they send that it is of no use: %s", async (_name, target, fields, status) => {
    using client = connect();
    const set = encodeCall("kv.set", ["unasked", 1]);
    client.send(
      head(`${target} HTTP/1.1`, { ...fields, "Content-Length": set.length, Expect: "100-continue" }),
    );
    const response = await client.response();
    expect(response.status).toBe(status);
    expect(response.headers.get("connection")).toBe("close"); // whether the body comes is not known
    client.send(set, call(), count);
    await client.ended;
    expect(client.rest).toBe("");
    expect(await value(cluster.url("n1"), "kv.count", ["unasked"])).toBe(0);
  });

  it("may ask before they send a body that nobody needs", async () => {
    using client = connect();
    client.send(head("OPTIONS /livez HTTP/1.1", { "Content-Length": 1, Expect: "100-continue" }));
    expect(await client.text(25)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("x");
    expect((await client.response()).status).toBe(200);
  });

  it("may expect what nobody knows", async () => {
    using client = connect();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": count.length, Expect: "a-miracle" }), count);
    expect(resultOf(await client.response())).toBe(0);
  });
});

describe("broken requests", () => {
  it.each([
    ["no HTTP at all", "hello\r\n\r\n", 400],
    ["two lengths", "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
    [
      "length and chunks",
      "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["too many headers", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["no address at all", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["no address for a page", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["no address for a call", "POST * HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 404],
    ["an address of another server", "GET http://other/nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["an empty path", "GET //// HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["a method that nobody knows", "BREW /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a method that this server does not have", "PROPFIND /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    [
      "one that fastify would want a type of",
      "QUERY /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n",
      knowsQuery ? 405 : 400,
    ],
    ["HTTP/1.1 without Host", "GET /livez HTTP/1.1\r\n\r\n", 400],
    ["a path that cannot be decoded", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ])("%s", async (_name, text, status) => {
    using client = connect();
    client.send(text);
    const response = await client.response();
    expect(response.status).toBe(status);
    expect(response.body.length).toBeGreaterThan(0);
  });

  it("leave the node alive", async () => {
    using client = connect();
    client.send(call("/"), count);
    expect(resultOf(await client.response())).not.toBeInstanceOf(Fault);
  });
});
