import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Connections } from "./close-gently.js";

/** Timers that end when the test says so. */
class ManualTimers {
  readonly #timers = new Map<number, () => void>();

  after(delayMs: number, callback: () => void): () => void {
    this.#timers.set(delayMs, callback);
    return () => this.#timers.delete(delayMs);
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback);
  }

  end(delayMs: number): void {
    this.#timers.get(delayMs)?.();
  }

  get count(): number {
    return this.#timers.size;
  }
}

const silenceMs = 1;
const timeoutMs = 2;
const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

let server: Server;
let connections: Connections;
let timers: ManualTimers;
let closing = false;
let waiting: ServerResponse[];
let sockets: Socket[];

beforeEach(async () => {
  closing = false;
  waiting = [];
  sockets = [];
  timers = new ManualTimers();
  server = createServer((incoming, response) => {
    incoming.resume();
    if (incoming.url === "/slow") waiting.push(response);
    else answer(response);
  });
  connections = new Connections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
});

function answer(response: ServerResponse): void {
  if (closing) response.setHeader("connection", "close");
  response.end("ok");
}

async function open(): Promise<Socket> {
  const accepted = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  await Promise.all([once(socket, "connect"), accepted]);
  return socket;
}

async function call(socket: Socket): Promise<string> {
  const received = once(socket, "data");
  socket.write(request);
  const [data] = await received;
  return String(data);
}

/** Resolves when the server has stopped listening and knows that it is closing. */
async function close(): Promise<{ readonly closed: Promise<void> }> {
  let begun: () => void = () => undefined;
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const closed = connections.closeGently({
    clock: timers,
    silenceMs,
    timeoutMs,
    onClosing: () => {
      closing = true;
      begun();
    },
  });
  await beginning;
  return { closed };
}

describe("closing gently", () => {
  it("answers one more call on a kept connection, which ends with it, and takes no new ones", async () => {
    const { port } = server.address() as AddressInfo;
    const kept = await open();
    expect(await call(kept)).toMatch(/Connection: keep-alive/);
    const { closed } = await close();
    const refused = connect(port, "127.0.0.1");
    const [error] = await once(refused, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    expect(await call(kept)).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close/);
    await closed;
    expect(timers.count).toBe(0);
  });

  it("closes silent connections after a while, also one that never brought a byte", async () => {
    const kept = await open();
    await call(kept);
    const mute = await open();
    const ends = [kept, mute].map((socket) => once(socket, "close"));
    const { closed } = await close();
    expect([kept, mute].some((socket) => socket.readableEnded)).toBe(false);
    timers.end(silenceMs);
    await Promise.all([...ends, closed]);
  });

  it("waits for a call in flight, and cuts it off only after the timeout", async () => {
    const [first, second] = [await open(), await open()];
    for (const socket of [first, second]) {
      const arrived = once(server, "request");
      socket.write(request.replace("/", "/slow"));
      await arrived;
    }
    const { closed } = await close();
    timers.end(silenceMs);
    const [answered] = waiting;
    if (answered === undefined) throw new Error("no call arrived");
    const received = once(first, "data");
    answer(answered);
    expect(String((await received)[0])).toMatch(/^HTTP\/1\.1 200 OK/);
    const cut = once(second, "close");
    timers.end(timeoutMs);
    await Promise.all([cut, closed]);
  });

  it("is over at once where nothing was opened", async () => {
    server.close();
    await (await close()).closed;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
});
