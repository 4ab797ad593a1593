/** What the network in memory offers beyond the contract: faults at will, and the same run from the same inputs. */
import type { Clock, PeerMessage, Transport } from "@quorate/raft";
import { createRandom } from "@quorate/raft/core";
import { createMemoryNetwork, type MemoryNetworkOptions } from "@quorate/raft/memory";
import { describe, expect, it } from "vitest";
import { heartbeat, TransportRecorder } from "./transport-recorder.js";

/** Time that passes only when told to; equal deadlines run in the order they were set. */
class ManualClock implements Clock {
  #now = 0;
  #sequence = 0;
  readonly #due = new Map<number, { readonly at: number; readonly run: () => void }>();

  monotonicMs(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    this.#sequence += 1;
    const key = this.#sequence;
    this.#due.set(key, { at: this.#now + delayMs, run });
    return () => void this.#due.delete(key);
  }

  nextTurn(run: () => void): void {
    this.after(0, run);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#due].sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (next === undefined || next[1].at > end) break;
      this.#due.delete(next[0]);
      this.#now = next[1].at;
      next[1].run();
    }
    this.#now = end;
  }
}

async function cluster(options: Partial<MemoryNetworkOptions> = {}, seed = 1) {
  const clock = new ManualClock();
  const random = createRandom(seed);
  const network = createMemoryNetwork({ clock, random, latencyMs: () => random() * 5, ...options });
  const ids = ["n1", "n2", "n3"];
  const peers = ids.map((id) => ({ id, peer: `${id}:9000` }));
  const nodes = new Map<string, { transport: Transport; handlers: TransportRecorder }>();
  for (const nodeId of ids) {
    const transport = network.transport({ nodeId });
    const handlers = new TransportRecorder({ nodeId });
    transport.setPeers(peers);
    await transport.start(handlers);
    nodes.set(nodeId, { transport, handlers });
  }
  clock.advance(1000);
  const node = (id: string) => {
    const found = nodes.get(id);
    if (found === undefined) throw new Error(`no ${id}`);
    return found;
  };
  return { clock, network, node };
}

const rounds = (messages: readonly PeerMessage[]) =>
  messages.map((m) => (m.type === "heartbeat" ? m.round : 0));

describe("memory network", () => {
  it("keeps the order of messages whatever their delays", async () => {
    const { clock, node } = await cluster();
    for (let round = 1; round <= 50; round += 1) node("n1").transport.send(heartbeat("n1", "n2", round));
    clock.advance(100);
    expect(rounds(node("n2").handlers.messages)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it("holds messages behind a partition and delivers them when it heals in time", async () => {
    const { clock, network, node } = await cluster();
    network.partition("n1", "n2");
    node("n1").transport.send(heartbeat("n1", "n2", 1));
    node("n1").transport.send(heartbeat("n1", "n3", 2));
    clock.advance(1000);
    expect(node("n2").handlers.messages).toEqual([]);
    expect(rounds(node("n3").handlers.messages)).toEqual([2]);
    network.heal("n1", "n2");
    node("n1").transport.send(heartbeat("n1", "n2", 3));
    clock.advance(1000);
    expect(rounds(node("n2").handlers.messages)).toEqual([1, 3]);
    expect(node("n1").handlers.count("lost")).toBe(0);
  });

  it("loses a peer behind a partition after the stall limit, and finds it again when that heals", async () => {
    const { clock, network, node } = await cluster({ stallMs: 2000 });
    network.partition("n1", "n2");
    clock.advance(10_000);
    expect(node("n1").handlers.count("lost")).toBe(0); // nobody said anything: nobody can know
    node("n1").transport.send(heartbeat("n1", "n2", 1));
    clock.advance(3000);
    expect(node("n1").handlers.count("lost", "n2")).toBe(1);
    network.heal();
    clock.advance(1000);
    expect(node("n1").transport.connected("n2")).toBe(true);
    node("n1").transport.send(heartbeat("n1", "n2", 2));
    clock.advance(100);
    expect(rounds(node("n2").handlers.messages)).toEqual([2]);
  });

  it("drops what a partition cannot hold, reported once", async () => {
    const { clock, network, node } = await cluster({ maxQueueBytes: 200 });
    network.partition("n1", "n2");
    for (let round = 1; round <= 100; round += 1) node("n1").transport.send(heartbeat("n1", "n2", round));
    clock.advance(10);
    expect(node("n1").handlers.count("dropped", "n2")).toBe(1);
    network.heal();
    clock.advance(100);
    const arrived = rounds(node("n2").handlers.messages);
    expect(arrived.length).toBeGreaterThan(0);
    expect(arrived).toEqual(Array.from({ length: arrived.length }, (_, i) => i + 1));
  });

  it("a crashed node hears nothing and its peers lose it", async () => {
    const { clock, network, node } = await cluster();
    node("n1").transport.send(heartbeat("n1", "n2"));
    network.crash("n2");
    const before = node("n2").handlers.events.length;
    clock.advance(1000);
    expect(node("n2").handlers.events).toHaveLength(before);
    expect(node("n1").handlers.count("lost", "n2")).toBe(1);
    expect(node("n3").handlers.count("lost", "n2")).toBe(1);
    expect(node("n1").handlers.count("lost", "n3")).toBe(0);
  });

  it("a request behind a partition ends by its timeout, as not sent when no connection came about", async () => {
    const { clock, network, node } = await cluster();
    network.partition("n1", "n2");
    const failure = expect(node("n1").transport.request("n2", new Uint8Array(1), 500)).rejects.toMatchObject({
      sent: false,
    });
    clock.advance(1000);
    await failure;
  });

  it("runs the same way from the same seed, and differently from another", async () => {
    async function trace(seed: number) {
      const { clock, network, node } = await cluster({}, seed);
      const ids = ["n1", "n2", "n3"];
      const random = createRandom(seed + 1);
      const log: string[] = [];
      for (let step = 0; step < 200; step += 1) {
        const from = ids[Math.floor(random() * 3)] ?? "n1";
        const to = ids[Math.floor(random() * 3)] ?? "n1";
        if (step % 20 === 5) network.partition("n1", "n2");
        if (step % 20 === 15) network.heal();
        node(from).transport.send(heartbeat(from, to, step));
        clock.advance(Math.floor(random() * 10));
        log.push(ids.map((id) => node(id).handlers.events.length).join(" "));
      }
      return [log, ids.map((id) => rounds(node(id).handlers.messages))];
    }
    const [first, again, other] = await Promise.all([trace(7), trace(7), trace(8)]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});
