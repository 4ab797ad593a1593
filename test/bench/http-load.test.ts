/** The generator on real sockets, against servers that answer in every way a server may. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type Calls, type LoadResult, runHttpLoad } from "@quorate/server/load";
import { afterEach, describe, expect, test } from "vitest";

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, "close");
  }
});

/** Calls back with each whole request, as text. */
async function server(onRequest: (socket: Socket, request: string) => void): Promise<string> {
  const listening = createServer((socket) => {
    sockets.add(socket);
    let received = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const length = Number(/Content-Length: (\d+)\r\n/.exec(received)?.[1]);
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0 || received.length < headEnd + 4 + length) return;
      const request = received;
      received = "";
      onRequest(socket, request);
    });
  }).listen(0, "127.0.0.1");
  servers.push(listening);
  await once(listening, "listening");
  const address = listening.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

const calls: Calls = {
  kinds: [
    {
      name: "ask",
      path: "/RPC2?route=redirect",
      contentType: "text/plain",
      body: (index) => `call ${index}`,
      failureOf: (status, body) =>
        status === 200 && body.toString() === "good" ? undefined : `HTTP ${status}`,
    },
  ],
  kindOf: () => 0,
};

/** Stops after so many calls were seen: no test hangs on how fast the machine is. */
async function load(
  urls: readonly string[],
  enough: AbortController,
  options: { connections?: number; timeoutMs?: number } = {},
): Promise<LoadResult> {
  return runHttpLoad({
    urls,
    calls,
    connections: options.connections ?? 1,
    perSecond: null,
    warmUpMs: 0,
    measureMs: 30_000,
    timeoutMs: options.timeoutMs ?? 20_000,
    signal: enough.signal,
  });
}

const good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

describe("answers", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["in one piece", (socket) => socket.write(good)],
    [
      "a byte at a time",
      (socket) => {
        for (const byte of good) socket.write(byte);
      },
    ],
    [
      "that close the connection",
      (socket) => socket.end(good.replace("OK\r\n", "OK\r\nConnection: close\r\n")),
    ],
    ["of HTTP/1.0 without a length", (socket) => socket.end("HTTP/1.0 200 OK\r\nserver: old\r\n\r\ngood")],
    [
      "with headers in other letters",
      (socket) => socket.write(good.replace("Content-Length", "CONTENT-length")),
    ],
  ])("%s are read", async (_, answer) => {
    const enough = new AbortController();
    let seen = 0;
    const url = await server((socket) => {
      if (++seen === 20) enough.abort();
      answer(socket);
    });
    const result = await load([url], enough);
    expect(result.errors).toStrictEqual({});
    expect(result.latency?.count).toBeGreaterThanOrEqual(19);
  });

  test.each<[string, string, (socket: Socket) => void]>([
    ["no HTTP", "unreadable answer: it is not HTTP/1", (socket) => socket.write("hello\r\n\r\n")],
    [
      "in chunks",
      "unreadable answer: its body comes in chunks",
      (socket) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
    [
      "too long",
      "unreadable answer: more bytes came than were asked for",
      (socket) => socket.write(`${good}more`),
    ],
    ["another status", "HTTP 500", (socket) => socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")],
    ["nothing, and the connection closed", "connection lost", (socket) => socket.end()],
    [
      "half an answer, and the connection closed",
      "connection lost",
      (socket) => socket.end(good.slice(0, -1)),
    ],
    ["nothing, and the connection reset", "connection lost", (socket) => socket.resetAndDestroy()],
    [
      "redirects in a circle",
      "redirected in circles",
      (socket) =>
        socket.write(
          `HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:${socket.localPort}/RPC2\r\nContent-Length: 0\r\n\r\n`,
        ),
    ],
    [
      "a redirect to another protocol",
      "redirected to no http: URL",
      (socket) =>
        socket.write("HTTP/1.1 307 Away\r\nLocation: ftp://elsewhere/\r\nContent-Length: 0\r\n\r\n"),
    ],
  ])("%s: %s", async (_, failure, answer) => {
    const enough = new AbortController();
    let seen = 0;
    const url = await server((socket) => {
      if (++seen === 10) enough.abort();
      answer(socket);
    });
    const result = await load([url], enough);
    expect(Object.keys(result.errors)).toStrictEqual([failure]);
    expect(result.latency).toBeNull();
  });

  test("silence ends with the time a call may take", async () => {
    const enough = new AbortController();
    const url = await server(() => enough.abort());
    const result = await load([url], enough, { timeoutMs: 50 });
    expect(result.errors).toStrictEqual({ "no answer in time": 1 });
  });
});

test("requests are whole, each connection sends the next when the last is answered, numbers are not used twice", async () => {
  const enough = new AbortController();
  const bodies: string[] = [];
  const waiting = new Set<Socket>();
  const url = await server((socket, request) => {
    expect(request).toMatch(/^POST \/RPC2\?route=redirect HTTP\/1.1\r\nHost: 127.0.0.1:\d+\r\n/);
    expect(waiting.has(socket)).toBe(false);
    waiting.add(socket);
    bodies.push(request.slice(request.indexOf("\r\n\r\n") + 4));
    if (bodies.length === 300) enough.abort();
    // Nobody gets an answer before all eight wait for one.
    if (waiting.size < 8 && !enough.signal.aborted) return;
    for (const one of waiting) one.write(good);
    waiting.clear();
  });
  const result = await load([url], enough, { connections: 8 });
  expect(result.errors).toStrictEqual({});
  expect(new Set(bodies).size).toBe(bodies.length);
});

test("a redirect is followed once, and the connection stays there", async () => {
  const enough = new AbortController();
  let led = 0;
  let asked = 0;
  const leader = await server((socket) => {
    if (++led === 50) enough.abort();
    socket.write(good);
  });
  const follower = await server((socket) => {
    asked++;
    socket.write(`HTTP/1.1 307 Away\r\nLocation: ${leader}/RPC2?quorate-hop=1\r\nContent-Length: 0\r\n\r\n`);
  });
  const result = await load([follower], enough);
  expect(result.errors).toStrictEqual({});
  expect(asked).toBe(1);
  expect(led).toBeGreaterThanOrEqual(50);
});

test("where nobody listens the next URL is tried, and each failure has its name", async () => {
  const enough = new AbortController();
  let seen = 0;
  const url = await server((socket) => {
    if (++seen === 20) enough.abort();
    socket.write(good);
  });
  const closed = await server(() => undefined);
  servers.pop()?.close();
  const result = await load([closed, url], enough);
  expect(result.errors).toStrictEqual({ ECONNREFUSED: 1 });
  expect(result.latency?.count).toBeGreaterThanOrEqual(19);
});
