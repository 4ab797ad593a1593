/** A connection that is stuck: what it should carry arrives on another one, once; nothing grows meanwhile. */
import type { PeerMessage } from "@quorate/raft";
import { createTcpTransport, type TcpTransportOptions } from "@quorate/raft/tcp";
import { afterEach, describe, expect, it } from "vitest";
import { LaneProxy } from "./transport-lane-proxy.js";
import { secret } from "./transport-raw-peer.js";
import { heartbeat, TransportRecorder } from "./transport-recorder.js";

const KIB = 1024;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const resource of open.splice(0)) await resource.close();
});

async function node(nodeId: string, more: Partial<TcpTransportOptions>) {
  const listen = { host: "127.0.0.1", port: 0 };
  // Whether a connection is quiet or not, and how soon, changes the way of a message, never what is handed out.
  const settings = { nodeId, listen, secret, quietMs: 20, silenceMs: 600_000, ...more };
  const transport = createTcpTransport(settings);
  open.push(transport);
  const handlers = new TransportRecorder({ nodeId });
  await transport.start(handlers);
  return { transport, handlers, port: transport.address().port };
}

/** n1 sends to n2 through a proxy, with all lanes open. */
async function pair(more: Partial<TcpTransportOptions> = {}) {
  const n2 = await node("n2", {});
  const n1 = await node("n1", more);
  const proxy = await LaneProxy.to(n2.port);
  open.push(proxy);
  n1.transport.setPeers([{ id: "n2", peer: proxy.address }]);
  n2.transport.setPeers([{ id: "n1", peer: `127.0.0.1:${n1.port}` }]);
  await Promise.all([n1.handlers.until("connected"), n2.handlers.until("connected")]);
  await allLanesOpen(n1, n2, proxy);
  const send = (...rounds: readonly number[]) => {
    for (const round of rounds) n1.transport.send(heartbeat("n1", "n2", round));
  };
  const arrived = (count: number) => n2.handlers.until("message", "n1", count);
  return { n1, n2, proxy, send, arrived };
}

type Node = Awaited<ReturnType<typeof node>>;

/** A vote goes on every lane: once it arrived while the others are stuck, that lane is open. */
async function allLanesOpen(n1: Node, n2: Node, proxy: LaneProxy): Promise<void> {
  await Promise.all([proxy.until("firstSpare", 1), proxy.until("secondSpare", 1)]);
  const lanes = ["control", "firstSpare", "secondSpare"] as const;
  let votes = 0;
  for (const lane of lanes) {
    const others = lanes.filter((other) => other !== lane);
    proxy.stall(...others);
    const before = n2.handlers.count("message");
    while (n2.handlers.count("message") === before) {
      votes += 1;
      n1.transport.send(vote(votes));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    proxy.resume(...others);
    await n2.handlers.until("message", "n1", votes);
  }
  n2.handlers.events.length = 0;
}

function vote(term: number): PeerMessage {
  return { type: "requestVote", from: "n1", to: "n2", term, lastIndex: 1, lastTerm: 1, transfer: false };
}

function append(index: number, bytes: number): PeerMessage {
  const entries = [{ index, term: 1, type: 1, data: new Uint8Array(bytes) } as const];
  return {
    type: "appendEntries",
    from: "n1",
    to: "n2",
    term: 1,
    prevIndex: index - 1,
    prevTerm: 1,
    entries,
    commit: 0,
  };
}

/** What distinguishes the messages of these tests. */
function numbersOf({ handlers }: Node): readonly number[] {
  return handlers.messages.map((message) => {
    if (message.type === "heartbeat") return message.round;
    if (message.type === "appendEntries") return message.prevIndex + 1;
    return message.type === "requestVote" ? message.term : -1;
  });
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe("a control connection that is stuck", () => {
  it("does not hold up messages, which arrive once and in order, also when it moves again", async () => {
    const { n2, proxy, send, arrived } = await pair();
    send(1, 2, 3);
    await arrived(3);
    proxy.stall("control");
    send(4, 5, 6);
    await arrived(6);
    send(7, 8);
    await arrived(8);
    proxy.resume("control");
    send(9, 10);
    await arrived(10);
    // On the same connection as everything that was held back, and behind it.
    proxy.stall("firstSpare", "secondSpare");
    send(11);
    await arrived(11);
    expect(numbersOf(n2)).toEqual(upTo(11));
  });

  it("and a spare one that is stuck too leave the other spare one", async () => {
    const { n2, proxy, send, arrived } = await pair();
    proxy.stall("control", "firstSpare");
    send(1, 2, 3);
    await arrived(3);
    proxy.resume("firstSpare");
    proxy.stall("secondSpare");
    send(4);
    await arrived(4);
    proxy.resume("control", "secondSpare");
    send(5);
    await arrived(5);
    expect(numbersOf(n2)).toEqual(upTo(5));
  });

  it("keeps what is too large to be copied, which arrives once as well", async () => {
    const { n1, n2, proxy, send, arrived } = await pair();
    proxy.stall("control");
    send(1);
    n1.transport.send(append(2, 33 * KIB));
    send(3);
    n1.transport.send(append(4, 31 * KIB));
    await arrived(3);
    expect(numbersOf(n2)).toEqual([1, 3, 4]);
    proxy.resume("control");
    send(5);
    await arrived(5);
    expect(numbersOf(n2).filter((number) => number !== 5)).toEqual([1, 3, 4, 2]);
  });

  it("does not make an election wait: its messages go everywhere at once", async () => {
    // Nothing is ever found to be quiet here.
    const { n1, n2, proxy, send, arrived } = await pair({ quietMs: 600_000 });
    proxy.stall("control", "firstSpare");
    send(1);
    n1.transport.send(vote(2));
    await arrived(1);
    expect(numbersOf(n2)).toEqual([2]);
    proxy.resume("control", "firstSpare");
    send(3);
    await arrived(3);
    expect(numbersOf(n2)).toEqual([2, 1, 3]);
  });

  it("costs bounded memory: copies wait for answers, not for room", async () => {
    const { proxy, n1, arrived, n2 } = await pair();
    const before = { first: proxy.bytes("firstSpare"), second: proxy.bytes("secondSpare") };
    proxy.stall("control", "firstSpare", "secondSpare");
    for (let round = 1; round <= 20_000; round += 1) {
      n1.transport.send(heartbeat("n1", "n2", round));
      if (round % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // 128 KiB of copies, and a few questions for a sign of life.
    expect(proxy.bytes("firstSpare") - before.first).toBeLessThan(130 * KIB);
    expect(proxy.bytes("secondSpare") - before.second).toBeLessThan(130 * KIB);
    proxy.resume("control", "firstSpare", "secondSpare");
    await arrived(20_000);
    expect([...numbersOf(n2)].sort((a, b) => a - b)).toEqual(upTo(20_000));
    expect(n1.handlers.count("dropped")).toBe(0);
  });

  it("leaves room for a copy where its own queue is full; what comes after that arrives too", async () => {
    // Nothing is quiet, and what is sent in one turn fills the queue.
    const { n1, n2, send, arrived } = await pair({ quietMs: 600_000, maxQueueBytes: 12 });
    send(1);
    n1.transport.send(vote(2));
    await arrived(2);
    send(3);
    await arrived(3);
    expect([...numbersOf(n2)].sort()).toEqual([1, 2, 3]);
    expect(n1.handlers.count("dropped")).toBe(1);
  });

  it("is dialled anew when a spare one has answers: no loss, and messages go on arriving", async () => {
    const { n1, proxy, send, arrived } = await pair({ silenceMs: 300, connectTimeoutMs: 200 });
    const [dialled, connected] = [proxy.dialled("control"), n1.handlers.count("connected")];
    proxy.stall("control");
    let rounds = 0;
    const timer = setInterval(() => send(++rounds), 10);
    open.push({ close: () => clearInterval(timer) });
    // The first attempts come to nothing.
    await proxy.until("control", dialled + 3);
    await arrived(rounds + 10);
    proxy.resume("control");
    await n1.handlers.until("connected", "n2", connected + 1);
    await arrived(rounds + 10);
    expect(n1.handlers.count("lost")).toBe(0);
    expect(n1.transport.connected("n2")).toBe(true);
  });

  it("and is being dialled anew does not hide that the peer dies: it is lost, once", async () => {
    const { n1, n2, proxy, send } = await pair({ silenceMs: 300 });
    const dialled = proxy.dialled("control");
    proxy.stall("control");
    const timer = setInterval(() => send(1), 10);
    open.push({ close: () => clearInterval(timer) });
    await proxy.until("control", dialled + 1);
    await n2.transport.close();
    proxy.close();
    await n1.handlers.until("lost", "n2");
    expect(n1.handlers.count("lost")).toBe(1);
  });
});

describe("spare connections", () => {
  it("that are dead are replaced before they are needed, without an event", async () => {
    const n2 = await node("n2", {});
    const n1 = await node("n1", { silenceMs: 300, connectTimeoutMs: 600_000 });
    const proxy = await LaneProxy.to(n2.port);
    open.push(proxy);
    n1.transport.setPeers([{ id: "n2", peer: proxy.address }]);
    n2.transport.setPeers([{ id: "n1", peer: `127.0.0.1:${n1.port}` }]);
    // Nothing was ever sent on it.
    await proxy.untilOpen("firstSpare");
    proxy.stall("firstSpare");
    await proxy.until("firstSpare", 2);
    expect(n1.handlers.count("lost")).toBe(0);
  });

  it("are closed with the peer", async () => {
    const { n1, n2, proxy } = await pair();
    n1.transport.setPeers([]);
    await proxy.gone("control", "firstSpare", "secondSpare");
    expect(n1.handlers.count("lost") + n2.handlers.count("refused")).toBe(0);
  });
});
