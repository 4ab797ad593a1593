/** Raw requests on a real node of this process: an HTTP answer or a closed connection, and the node goes on. */
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { InProcessCluster } from "../server/in-process-cluster.js";
import type { Target } from "./search.js";

const call =
  "<?xml version='1.0'?><methodCall><methodName>kv.get</methodName><params><param><value><string>a</string></value></param><param><value><int>1</int></value></param></params></methodCall>";

const methods = ["POST", "GET", "HEAD", "OPTIONS", "PUT", "TRACE", "CONNECT", "post", "P", "PRI"];
const targets = [
  "/RPC2",
  "/",
  "*",
  "/RPC2?consistency=stale",
  "/RPC2?route=forward&route=redirect",
  "/RPC2?min_index=%00",
  "/RPC2?max_staleness=9e9s&consistency=stale",
  "/%2e%2e/RPC2",
  "http://x/RPC2",
  "/status",
  "/metrics",
  "/readyz?verbose",
  "/leader",
  "x".repeat(9000),
];
const fields = [
  "Host: x",
  "Host: x\r\nHost: y",
  "Content-Type: text/xml",
  "Content-Type: text/xml; charset=utf-16",
  "Content-Type: text/plain",
  "Content-Type: multipart/form-data; boundary=x",
  `Content-Length: ${call.length}`,
  "Content-Length: 5",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 1\r\nContent-Length: 2",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding : chunked",
  "Content-Encoding: gzip",
  "Content-Encoding: br",
  "Expect: 100-continue",
  "Connection: close",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Authorization: Basic x",
  "Idempotency-Key: k",
  "Quorate-Consistency: stale",
  "Quorate-Route: nowhere",
  "User-Agent: Python-xmlrpc/3.11",
  " folded",
  "no colon",
  `X: ${"y".repeat(20_000)}`,
  "\u0000: x",
];
const bodies = [
  call,
  `${call.length.toString(16)}\r\n${call}\r\n0\r\n\r\n`,
  `${call.length.toString(16)};x=y\r\n${call}\r\n0\r\nTrailer: z\r\n\r\n`,
  "fffffffffffffffff\r\nx",
  "5\r\nabcdefg\r\n",
  "\u001f\u008b\b\u0000",
  "",
  call.slice(0, 40),
  `${call}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`,
];

interface Case {
  readonly request: string;
  readonly edits: readonly (readonly [at: number, byte: number])[];
}

const request = fc
  .tuple(
    fc.constantFrom(...methods),
    fc.constantFrom(...targets),
    fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", ""),
    fc.array(fc.constantFrom(...fields), { maxLength: 6 }),
    fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"),
    fc.constantFrom(...bodies),
  )
  .map(
    ([method, target, version, headers, end, content]) =>
      `${method} ${target} ${version}${end}${headers.map((header) => header + end).join("")}${end}${content}`,
  );
const cases: fc.Arbitrary<Case> = fc.record({
  request,
  edits: fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 })),
});

const statuses: ReadonlySet<number> = new Set([
  100, 101, 200, 204, 307, 400, 401, 403, 404, 405, 408, 413, 414, 415, 417, 429, 431, 501, 503, 505,
]);

export class HttpTarget implements Target<Case> {
  readonly name = "http";
  readonly cases = cases;
  readonly #node: InProcessCluster;
  readonly #port: number;

  private constructor(node: InProcessCluster) {
    this.#node = node;
    this.#port = Number(new URL(node.url("n1")).port);
  }

  static async start(): Promise<HttpTarget> {
    const node = await InProcessCluster.start(1);
    await node.leader();
    return new HttpTarget(node);
  }

  async check({ request: text, edits }: Case): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
    const answer = await this.#send(bytes);
    if (answer.length === 0) return; // closed without a word: what waits for more bytes that never come
    const match = /^HTTP\/1\.1 (\d{3}) /.exec(answer.toString("latin1", 0, 20));
    if (match === null) throw new Error(`no HTTP answer: ${answer.toString("latin1", 0, 200)}`);
    if (!statuses.has(Number(match[1]))) throw new Error(`answered with ${match[1]}`);
  }

  async settle(): Promise<void> {
    const failed = this.#node.lines.filter(({ level }) => level === "error" || level === "fatal");
    if (failed.length > 0) throw new Error(`the node says: ${JSON.stringify(failed[0])}`);
    const answer = await fetch(`http://127.0.0.1:${this.#port}/livez`);
    if (!answer.ok) throw new Error(`livez answered ${answer.status}`);
    await answer.arrayBuffer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  /** Everything that comes back until the connection ends; this side sends nothing after the request. */
  async #send(bytes: Buffer): Promise<Buffer> {
    const socket = connect(this.#port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A reset is one way to close on somebody who is still sending.
    socket.on("error", () => socket.destroy());
    const closed = once(socket, "close");
    socket.end(bytes);
    await closed;
    return Buffer.concat(chunks);
  }
}
