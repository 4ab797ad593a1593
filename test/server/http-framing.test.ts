/**
 * Request smuggling: where two programs on a call's way could disagree on where it ends. Each form is followed by a
 * command in the same packet; the form must be refused, the command must not be executed, the connection must close.
 * Rules: RFC 9112, sections 2.2, 3.2, 5 and 6.
 */
import { decodeResponse, encodeCall } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";
import { count, RawClient, resultOf } from "./raw-client.js";

let cluster: InProcessCluster;
beforeAll(async () => {
  cluster = await InProcessCluster.start(1);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const body = Buffer.from(count).toString("latin1");
const { length } = body;
const hex = length.toString(16);
const chunks = `${hex}\r\n${body}\r\n0\r\n\r\n`;

const smuggledCall = Buffer.from(encodeCall("kv.incr", ["smuggled"])).toString("latin1");
const smuggled = `POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggledCall.length}\r\n\r\n${smuggledCall}`;

/** A POST with these header lines, as they are. */
const post = (lines: string, content = body, version = "1.1") =>
  `POST /RPC2 HTTP/${version}\r\nHost: a\r\n${lines}\r\n${content}`;
const length1 = `Content-Length: ${length}\r\n`;
const coding = (value: string) => `Transfer-Encoding: ${value}\r\n`;
const chunked = coding("chunked");

const refused: readonly (readonly [name: string, request: string, status?: number])[] = [
  // Two answers to where the body ends
  ["a length and chunks", post(`${length1}${chunked}`, chunks)],
  ["chunks and a length", post(`${chunked}${length1}`, chunks)],
  ["two lengths", post(`${length1}Content-Length: 0\r\n`)],
  ["two equal lengths", post(`${length1}${length1}`)],
  ["a list of lengths", post(`Content-Length: ${length}, ${length}\r\n`)],
  ["chunked twice", post(`${chunked}${chunked}`, chunks)],
  ["chunked twice in one line", post(coding("chunked, chunked"), chunks)],
  ["chunked that is not the last coding", post(coding("chunked, identity"), chunks)],
  ["another coding before chunked", post(coding("gzip, chunked"), chunks)],
  ["another coding in a line of its own", post(`${coding("gzip")}${chunked}`, chunks)],
  ["chunks in HTTP/1.0", post(chunked, chunks, "1.0")],
  ["a length in the trailers", post(chunked, `${hex}\r\n${body}\r\n0\r\n${length1}\r\n`)],
  ["chunked in the trailers", post(chunked, `${hex}\r\n${body}\r\n0\r\n${chunked}\r\n`)],
  // A length that is no number
  ["a signed length", post(`Content-Length: +${length}\r\n`)],
  ["a negative length", post("Content-Length: -1\r\n")],
  ["a hexadecimal length", post("Content-Length: 0x10\r\n")],
  ["an empty length", post("Content-Length:\r\n", "")],
  ["a length beyond all numbers", post("Content-Length: 18446744073709551617\r\n")],
  ["a length with a space inside", post("Content-Length: 1 0\r\n")],
  ["a length in quotes", post(`Content-Length: "${length}"\r\n`)],
  // A coding that is nearly chunked
  ["identity", post(coding("identity"), chunks)],
  ["xchunked", post(coding("xchunked"), chunks)],
  ["chunked with a parameter", post(coding("chunked;q=1"), chunks)],
  ["chunked in quotes", post(coding('"chunked"'), chunks)],
  ["chunked after a vertical tab", post(coding("\x0bchunked"), chunks)],
  ["no coding", post("Transfer-Encoding:\r\n", chunks)],
  // Lines that end, begin or bend where they should not
  ["a space before the colon of a length", post(`Content-Length : ${length}\r\n`)],
  ["a space before the colon of a coding", post("Transfer-Encoding : chunked\r\n", chunks)],
  ["a tab before the colon", post(`Content-Length\t: ${length}\r\n`)],
  ["a folded line", post(`X: a\r\n b\r\n${length1}`)],
  ["a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", chunks)],
  ["a first line that is folded", `POST /RPC2 HTTP/1.1\r\n Host: a\r\n${length1}\r\n${body}`],
  ["a bare LF after a header", post(`X: a\n${length1}`)],
  ["a bare LF before the body", `POST /RPC2 HTTP/1.1\r\nHost: a\r\n${length1}\n${body}`],
  ["bare LFs throughout", `POST /RPC2 HTTP/1.1\nHost: a\nContent-Length: ${length}\n\n${body}`],
  ["a bare CR in a value", post(`X: a\r${chunked}${length1}`)],
  ["NUL in a value", post(`X: a\0b\r\n${length1}`)],
  ["a header without a name", post(`: x\r\n${length1}`)],
  ["a header without a colon", post(`x\r\n${length1}`)],
  ["a header's name with a space", post(`X y: z\r\n${length1}`)],
  // Chunks that could be counted in two ways
  ["a chunk's size as 0x", post(chunked, `0x${chunks}`)],
  ["a chunk's size with a sign", post(chunked, `+${chunks}`)],
  ["a chunk's size that overflows", post(chunked, `FFFFFFFFFFFFFFFF1\r\n${body}\r\n0\r\n\r\n`)],
  ["a chunk's size and a space", post(chunked, `${hex} \r\n${body}\r\n0\r\n\r\n`)],
  ["a chunk longer than its size", post(chunked, `${(length - 1).toString(16)}\r\n${body}\r\n0\r\n\r\n`)],
  ["a bare LF after a chunk's size", post(chunked, `${hex}\n${body}\r\n0\r\n\r\n`)],
  ["a bare LF after a chunk", post(chunked, `${hex}\r\n${body}\n0\r\n\r\n`)],
  ["bare LFs after the last chunk", post(chunked, `${hex}\r\n${body}\r\n0\n\n`)],
  ["a bare LF in a chunk's extension", post(chunked, `${hex};a\nb\r\n${body}\r\n0\r\n\r\n`)],
  [
    "an endless chunk extension",
    post(chunked, `${hex};a=${"x".repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`),
    413,
  ],
  ["endless trailers", post(chunked, `${hex}\r\n${body}\r\n0\r\nX: ${"x".repeat(20_000)}\r\n\r\n`), 431],
  // Two answers to whose request it is, or what it holds
  ["two hosts", post(`Host: b\r\n${length1}`)],
  ["two equal hosts", post(`host: a\r\n${length1}`)],
  ["a host that is no address", `POST /RPC2 HTTP/1.1\r\nHost: a b\r\n${length1}\r\n${body}`],
  ["a host with a path", `POST /RPC2 HTTP/1.1\r\nHost: a/b\r\n${length1}\r\n${body}`],
  ["two types", post(`Content-Type: text/xml\r\nContent-Type: text/plain\r\n${length1}`)],
  ["two authorizations", post(`Authorization: a\r\nauthorization: b\r\n${length1}`)],
  // Other versions of HTTP
  ["HTTP/0.9", "GET /livez\r\n\r\n"],
  ["HTTP/1.2", post(length1, body, "1.2")],
  ["HTTP/2.0", post(length1, body, "2.0")],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
];

describe("refused, with all that follows", () => {
  it.each(refused)("%s", async (_name, request, status = 400) => {
    using client = new RawClient(cluster.url("n1"));
    client.send(Buffer.from(request + smuggled, "latin1"));
    const response = await client.response();
    expect(response.status).toBe(status);
    expect(response.headers.get("connection")).toBe("close");
    expect(response.body.length).toBeLessThan(200);
    await client.ended;
    expect(client.rest).toBe("");
  });

  it("none of the commands behind them was executed", async () => {
    expect(await value(cluster.url("n1"), "kv.get", ["smuggled", "never"])).toBe("never");
    using client = new RawClient(cluster.url("n1"));
    client.send(smuggled);
    expect(resultOf(await client.response())).toBe(1);
  });
});

describe("taken, with what follows", () => {
  it.each([
    ["a plain call", post(length1)],
    ["chunks", post(chunked, chunks)],
    ["chunks in capitals", post(coding("CHUNKED"), chunks)],
    ["a chunk with an extension", post(chunked, `${hex};a="b"\r\n${body}\r\n0\r\n\r\n`)],
    ["trailers", post(chunked, `${hex}\r\n${body}\r\n0\r\nX: y\r\n\r\n`)],
    ["white space after the colon, or none", post(`Content-Length:\t ${length} \r\nX:y\r\n`)],
    ["an empty line before", `\r\n${post(length1)}`],
    ["an IPv6 host", `POST /RPC2 HTTP/1.1\r\nHost: [::1]:8000\r\n${length1}\r\n${body}`],
    ["an empty host", `POST /RPC2 HTTP/1.1\r\nHost:\r\n${length1}\r\n${body}`],
  ])("%s", async (_name, request) => {
    using client = new RawClient(cluster.url("n1"));
    client.send(Buffer.from(request + post(length1), "latin1"));
    for (const response of [await client.response(), await client.response()]) {
      expect(response.status).toBe(200);
      expect(decodeResponse(Buffer.from(response.body, "latin1"))).toBeTypeOf("number");
    }
  });

  it("an upgrade that this server does not know, as curl offers it", async () => {
    using client = new RawClient(cluster.url("n1"));
    for (const request of [post(`Connection: Upgrade\r\nUpgrade: h2c\r\n${length1}`), post(length1)]) {
      client.send(request);
      expect((await client.response()).status).toBe(200);
    }
  });
});
