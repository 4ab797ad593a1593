/** What only sockets can do wrong: hostile bytes, black holes, half-open connections, ports that are taken. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { PeerMessage } from "@quorate/raft";
import {
  createTcpTransport,
  encodeFrame,
  encodeMessage,
  FrameReader,
  FrameType,
  parseAddress,
  type TcpTransport,
  type TcpTransportOptions,
} from "@quorate/raft/tcp";
import { afterEach, describe, expect, it } from "vitest";
import { dialRaw, introductionOf, RawAcceptor, secret, write } from "./transport-raw-peer.js";
import { heartbeat, membershipOf, type RecorderOptions, TransportRecorder } from "./transport-recorder.js";

const MIB = 1024 * 1024;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const resource of open.splice(0)) await resource.close();
});

async function node(options: RecorderOptions, more: Partial<TcpTransportOptions> = {}) {
  const listen = { host: "127.0.0.1", port: 0 };
  // Peers made by hand answer no question for a sign of life; only tests about that let one be asked.
  const settings = { nodeId: options.nodeId, listen, secret, silenceMs: 600_000, ...more };
  const transport: TcpTransport = createTcpTransport(settings);
  open.push(transport);
  const handlers = new TransportRecorder(options);
  await transport.start(handlers);
  const { port } = transport.address();
  return { transport, handlers, port, peer: { id: options.nodeId, peer: `127.0.0.1:${port}` } };
}

async function rawAcceptor(nodeId: string): Promise<RawAcceptor> {
  const acceptor = await RawAcceptor.listen(nodeId);
  open.push(acceptor);
  return acceptor;
}

function keep(socket: Socket): Socket {
  socket.on("error", () => socket.destroy());
  open.push({ close: () => socket.destroy() });
  return socket;
}

async function plainSocket(port: number): Promise<Socket> {
  const socket = keep(connect(port, "127.0.0.1"));
  await once(socket, "connect");
  return socket;
}

/** Resolves when the other side has closed; reading on, because a close is seen only behind the data. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  // Not `once`: a reset is a close too.
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once("close", () => resolve()));
}

function append(bytes: number): PeerMessage {
  const entries = [{ index: 1, term: 1, type: 1, data: new Uint8Array(bytes) }] as const;
  return {
    type: "appendEntries",
    from: "n1",
    to: "n2",
    term: 1,
    prevIndex: 0,
    prevTerm: 0,
    entries,
    commit: 0,
  };
}

describe("bytes from strangers", () => {
  it.each([
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["a frame above the handshake's cap", Buffer.from([0, 0, 0x20, 0, 1, 0x90])],
    ["a frame of 4 GiB", Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ["a message without a handshake", Buffer.concat(encodeMessage(heartbeat("n2", "n1")).parts)],
    ["an array that claims 2^25 elements", Buffer.from([0, 0, 0, 6, 1, 0xdd, 2, 0, 0, 0])],
    ["noise", Buffer.alloc(5000, 0xa7)],
  ])("%s closes the connection and reports nothing", async (_, bytes) => {
    // No deadline can close it first: the bytes themselves must.
    const n1 = await node({ nodeId: "n1" }, { connectTimeoutMs: 60_000 });
    const socket = await plainSocket(n1.port);
    socket.write(bytes);
    await closed(socket);
    expect(n1.handlers.events).toEqual([]);
  });

  it("says nothing to a silent connection and closes it after the handshake's time", async () => {
    const n1 = await node({ nodeId: "n1" }, { connectTimeoutMs: 20 });
    const socket = await plainSocket(n1.port);
    let said = 0;
    socket.on("data", (chunk) => {
      said += chunk.length;
    });
    await closed(socket);
    expect(said).toBe(0);
  });

  it("bounds how many connections may be in their handshake", async () => {
    const n1 = await node({ nodeId: "n1" }, { maxHandshakes: 2, connectTimeoutMs: 60_000 });
    const first = [await plainSocket(n1.port), await plainSocket(n1.port)];
    await closed(await plainSocket(n1.port));
    expect(first.map((socket) => socket.closed)).toEqual([false, false]);
  });
});

describe("bytes from an authenticated peer", () => {
  it("messages come through, from the id that was proved", async () => {
    const n1 = await node({ nodeId: "n1" });
    n1.transport.setPeers([{ id: "n2", peer: "127.0.0.1:1" }]);
    const socket = keep(await dialRaw(n1.port, introductionOf("n2"), "n1"));
    write(socket, encodeMessage(heartbeat("n7", "n8", 5)));
    await n1.handlers.until("message");
    expect(n1.handlers.messages).toEqual([heartbeat("n2", "n1", 5)]);
  });

  it.each([
    ["an index of 2^53", encodeFrame(FrameType.appendEntriesAccepted, [1, 2 ** 53])],
    ["a request on the control connection", encodeFrame(FrameType.request, [1, new Uint8Array()])],
    ["a second handshake", encodeFrame(FrameType.hello, [1, 1, 0, new Uint8Array(32)])],
    ["a frame above maxFrameBytes", encodeMessage(append(9000))],
  ])("%s closes the connection and delivers nothing, not even what follows", async (_, frame) => {
    const n1 = await node({ nodeId: "n1" }, { maxFrameBytes: 8192 });
    n1.transport.setPeers([{ id: "n2", peer: "127.0.0.1:1" }]);
    const socket = keep(await dialRaw(n1.port, introductionOf("n2"), "n1"));
    socket.cork();
    write(socket, frame);
    write(socket, encodeMessage(heartbeat("n2", "n1")));
    socket.uncork();
    await closed(socket);
    expect(n1.handlers.messages).toEqual([]);
  });
});

describe("bytes on a spare connection", () => {
  const noMessage = new Uint8Array([0x90]);

  it.each([
    ["a message that is no copy", encodeMessage(heartbeat("n2", "n1"))],
    ["a copy of a copy", encodeFrame(FrameType.copy, [1, 1, FrameType.copy, noMessage])],
    ["a copy of a message with nothing in it", encodeFrame(FrameType.copy, [1, 1, 23, noMessage])],
    ["a copy without a number", encodeFrame(FrameType.copy, [1])],
  ])("%s closes it and delivers nothing; the control connection stays", async (_, frame) => {
    const n1 = await node({ nodeId: "n1" });
    n1.transport.setPeers([{ id: "n2", peer: "127.0.0.1:1" }]);
    const control = keep(await dialRaw(n1.port, introductionOf("n2"), "n1"));
    const spare = keep(await dialRaw(n1.port, introductionOf("n2"), "n1", "firstSpare"));
    write(spare, frame);
    await closed(spare);
    expect(n1.handlers.messages).toEqual([]);
    write(control, encodeMessage(heartbeat("n2", "n1", 5)));
    await n1.handlers.until("message");
    expect(n1.handlers.messages).toEqual([heartbeat("n2", "n1", 5)]);
  });
});

it("versions that do not overlap are refused by name on both sides", async () => {
  const n1 = await node({ nodeId: "n1" });
  const n2 = await node({ nodeId: "n2" }, { versions: { lowest: 4, highest: 4 } });
  n1.transport.setPeers([n2.peer]);
  n2.transport.setPeers([n1.peer]);
  await Promise.all([n1.handlers.until("refused"), n2.handlers.until("refused")]);
  for (const { handlers } of [n1, n2]) {
    expect(handlers.refusals[0]).toMatch(
      /no common protocol version.*(version 3.*version 4|version 4.*version 3)/,
    );
    expect(handlers.count("connected")).toBe(0);
  }
});

it("messages of one turn leave in one write", async () => {
  const n1 = await node({ nodeId: "n1" });
  const n2 = await rawAcceptor("n2");
  n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
  const socket = await n2.socket(0);
  await n1.handlers.until("connected");
  const perChunk: number[] = [];
  let total = 0;
  const all = new Promise<void>((resolve) => {
    const reader = new FrameReader(MIB, (type) => {
      if (type !== FrameType.heartbeat) return;
      total += 1;
      perChunk.push((perChunk.pop() ?? 0) + 1);
      if (total === 100) resolve();
    });
    socket.on("data", (chunk) => {
      perChunk.push(0);
      reader.push(chunk);
    });
  });
  socket.resume();
  for (let round = 1; round <= 100; round += 1) n1.transport.send(heartbeat("n1", "n2", round));
  await all;
  expect(perChunk.filter((messages) => messages > 0)).toEqual([100]);
});

describe("a peer that does not read", () => {
  it("costs bounded memory: messages are dropped, reported once per episode", async () => {
    const n1 = await node({ nodeId: "n1" }, { maxQueueBytes: 4 * MIB });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    await n1.handlers.until("connected");
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const message = append(MIB);
    for (let sent = 0; sent < 1024; sent += 1) {
      n1.transport.send(message);
      if (sent % 32 === 0) await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    await n1.handlers.until("dropped", "n2");
    // Within one turn the operating system takes nothing, so that none of these begins another episode.
    const episodes = n1.handlers.count("dropped");
    for (let sent = 0; sent < 100; sent += 1) n1.transport.send(message);
    await new Promise((resolve) => setImmediate(resolve));
    expect(n1.handlers.count("dropped") - episodes).toBeLessThanOrEqual(1);
    expect(most).toBeLessThan(64 * MIB);
    expect(n1.transport.connected("n2")).toBe(true);
  });

  it("is cut off when a write makes no progress, and is lost when the redial fails", async () => {
    const n1 = await node({ nodeId: "n1" }, { stallMs: 100 });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    await n1.handlers.until("connected");
    n2.server.close();
    for (let sent = 0; sent < 16; sent += 1) n1.transport.send(append(MIB));
    await n1.handlers.until("lost", "n2");
    expect(n1.transport.connected("n2")).toBe(false);
  });

  it("keeps an idle connection, however long nothing is said", async () => {
    const n1 = await node({ nodeId: "n1" }, { stallMs: 10, silenceMs: 3000 });
    const n2 = await node({ nodeId: "n2" }, { stallMs: 10, silenceMs: 3000 });
    n1.transport.setPeers([n2.peer]);
    n2.transport.setPeers([n1.peer]);
    await Promise.all([n1.handlers.until("connected"), n2.handlers.until("connected")]);
    // Not a wait for anything to happen: ten stall limits in which nothing may happen.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(n1.handlers.events).toHaveLength(1);
    n1.transport.send(heartbeat("n1", "n2"));
    await n2.handlers.until("message");
  });
});

describe("a peer that says nothing", () => {
  it("is dialled anew, again and again, although every connection stays open; requests end", async () => {
    const n1 = await node({ nodeId: "n1" }, { silenceMs: 30 });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    await n1.handlers.until("connected", "n2");
    const request = n1.transport.request("n2", new Uint8Array(1), 600_000);
    await expect(request).rejects.toMatchObject({
      sent: true,
      message: expect.stringContaining("heard nothing"),
    });
    await n1.handlers.until("connected", "n2", 3);
    expect(n1.handlers.count("lost")).toBe(0);
  });

  it("is lost when it cannot be dialled any more", async () => {
    const n1 = await node({ nodeId: "n1" }, { silenceMs: 30 });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    await n1.handlers.until("connected", "n2");
    n2.server.close();
    await n1.handlers.until("lost", "n2");
  });

  it("on one connection, but is heard on another one, is kept", async () => {
    const n1 = await node({ nodeId: "n1" }, { silenceMs: 300 });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    await n1.handlers.until("connected", "n2");
    const speaking = keep(await dialRaw(n1.port, introductionOf("n2"), "n1"));
    const timer = setInterval(() => write(speaking, encodeMessage(heartbeat("n2", "n1"))), 10);
    open.push({ close: () => clearInterval(timer) });
    await n1.handlers.until("message", "n2", 100);
    expect(n2.dialled).toBe(1);
  });
});

describe("loss", () => {
  it("is not reported when the redial at once succeeds", async () => {
    const n1 = await node({ nodeId: "n1" });
    const n2 = await rawAcceptor("n2");
    n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
    (await n2.socket(0)).destroy();
    await n2.socket(1);
    await n1.handlers.until("connected", "n2", 2);
    expect(n1.handlers.count("lost")).toBe(0);
  });

  it("is reported when the redial is refused by name", async () => {
    const n2 = await node({ nodeId: "n2", membership: membershipOf({ n1: "n1-1", n2: "n2-1" }) });
    const n1 = await node({ nodeId: "n1" });
    n1.transport.setPeers([n2.peer]);
    await n1.handlers.until("connected");
    // n2 comes back as a member of a cluster that knows another n1.
    await n2.transport.close();
    const listen = { host: "127.0.0.1", port: n2.port };
    const again = createTcpTransport({ nodeId: "n2", listen, secret });
    open.push(again);
    await again.start(
      new TransportRecorder({ nodeId: "n2", membership: membershipOf({ n1: "n1-0", n2: "n2-1" }) }),
    );
    await n1.handlers.until("refused", "n2");
    await n1.handlers.until("lost", "n2");
    expect(n1.handlers.refusals[0]).toContain("n1 came back with another incarnation");
  });

  it("ends a half-open connection when the id comes back under another incarnation", async () => {
    const n1 = await node({ nodeId: "n1" }, { stallMs: 100 });
    n1.transport.setPeers([{ id: "n2", peer: "127.0.0.1:1" }]);
    // The old n2 lost its power: its connection is open as far as n1 can see, and never answers again.
    keep(await dialRaw(n1.port, introductionOf("n2", "n2-0"), "n1")).pause();
    const n2 = await node({ nodeId: "n2" });
    n2.transport.setPeers([n1.peer]);
    await n2.handlers.until("refused", "n1");
    expect(n2.handlers.refusals[0]).toContain("another node is connected as n2");
    await n2.handlers.until("connected", "n1");
  });
});

it("a peer that is removed is left alone: no event, no redial", async () => {
  const n1 = await node({ nodeId: "n1" });
  const n2 = await rawAcceptor("n2");
  const n3 = await rawAcceptor("n3");
  n1.transport.setPeers([{ id: "n2", peer: n2.address }]);
  await n1.handlers.until("connected", "n2");
  n1.transport.setPeers([]);
  await closed(await n2.socket(0));
  // A redial would have left before this one, and both pass the same loopback.
  n1.transport.setPeers([{ id: "n3", peer: n3.address }]);
  await n1.handlers.until("connected", "n3");
  expect(n2.dialled).toBe(1);
  expect(n1.handlers.events.map((event) => event.kind)).toEqual(["connected", "connected"]);
});

it("a changed address is dialled, without a loss", async () => {
  const n1 = await node({ nodeId: "n1" });
  const here = await rawAcceptor("n2");
  const there = await rawAcceptor("n2");
  n1.transport.setPeers([{ id: "n2", peer: here.address }]);
  const first = await here.socket(0);
  await n1.handlers.until("connected", "n2");
  n1.transport.setPeers([{ id: "n2", peer: there.address }]);
  expect(n1.transport.connected("n2")).toBe(false);
  await Promise.all([closed(first), there.socket(0)]);
  await n1.handlers.until("connected", "n2", 2);
  expect(n1.handlers.count("lost")).toBe(0);
});

it("requests beyond the bound are refused, as not sent", async () => {
  const n1 = await node({ nodeId: "n1" }, { maxRequests: 2 });
  const n2 = await node({ nodeId: "n2", onRequest: () => new Promise(() => undefined) });
  n1.transport.setPeers([n2.peer]);
  const pending = [1, 2].map(() =>
    n1.transport.request("n2", new Uint8Array(1), 60_000).catch((e: unknown) => e),
  );
  await expect(n1.transport.request("n2", new Uint8Array(1), 60_000)).rejects.toMatchObject({ sent: false });
  await n1.transport.close();
  await Promise.all(pending);
});

it("a server that is busy refuses a request, as surely not executed", async () => {
  const n1 = await node({ nodeId: "n1" });
  const n2 = await node({ nodeId: "n2", onRequest: () => new Promise(() => undefined) }, { maxRequests: 1 });
  n1.transport.setPeers([n2.peer]);
  n2.transport.setPeers([n1.peer]);
  const first = n1.transport.request("n2", new Uint8Array(1), 60_000).catch((e: unknown) => e);
  const second = n1.transport.request("n2", new Uint8Array(1), 60_000);
  await expect(second).rejects.toMatchObject({ sent: false, message: expect.stringContaining("worked on") });
  await n1.transport.close();
  await first;
});

it("a large request and its large answer do not hold up messages", async () => {
  const n2 = await node({ nodeId: "n2", onRequest: async (_, payload) => payload });
  const n1 = await node({ nodeId: "n1" });
  n1.transport.setPeers([n2.peer]);
  n2.transport.setPeers([n1.peer]);
  await n1.handlers.until("connected");
  const payload = new Uint8Array(20 * MIB).fill(3);
  const answer = n1.transport.request("n2", payload, 60_000);
  n1.transport.send(heartbeat("n1", "n2"));
  await n2.handlers.until("message");
  expect(Buffer.compare(await answer, payload)).toBe(0);
});

describe("options", () => {
  const listen = { host: "127.0.0.1", port: 0 };

  it.each([
    [{ secret: new Uint8Array(15) }, /secret has 15 bytes: at least 16/],
    [{ nodeId: "" }, /nodeId must have 1 to 128 characters/],
    [{ maxFrameBytes: 100 }, /maxFrameBytes must be an integer of at least 8192/],
    [{ maxQueueBytes: 0 }, /maxQueueBytes must be an integer of at least 1/],
    [{ stallMs: Number.NaN }, /stallMs/],
  ])("refuses %o", (wrong, message) => {
    expect(() => createTcpTransport({ nodeId: "n1", listen, secret, ...wrong })).toThrow(message);
  });

  it("a port that is taken is named", async () => {
    const n1 = await node({ nodeId: "n1" });
    const second = createTcpTransport({ nodeId: "n2", listen: { host: "127.0.0.1", port: n1.port }, secret });
    await expect(second.start(new TransportRecorder({ nodeId: "n2" }))).rejects.toThrow(
      `cannot listen for peers on 127.0.0.1:${n1.port}`,
    );
    await second.close();
  });

  it("an address that is none is reported as a refusal", async () => {
    const n1 = await node({ nodeId: "n1" });
    n1.transport.setPeers([{ id: "n2", peer: "n2.example" }]);
    await n1.handlers.until("refused", "n2");
    expect(n1.handlers.refusals[0]).toContain('"n2.example", is not of the form host:port');
  });

  it.each([
    ["10.0.0.1:9000", { host: "10.0.0.1", port: 9000 }],
    ["n1.example:1", { host: "n1.example", port: 1 }],
    ["[::1]:65535", { host: "::1", port: 65_535 }],
    ["::1:9000", null],
    ["n1", null],
    ["n1:", null],
    ["n1:0", null],
    ["n1:65536", null],
    [":9000", null],
    ["http://n1:9000", null],
  ])("parseAddress(%s)", (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });
});
