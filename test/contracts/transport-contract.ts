import { RequestFailed, type RequestTopic, type Transport } from "@quorate/raft";
import type { Entry } from "@quorate/raft/core";
import { afterEach, describe, expect, it } from "vitest";
import {
  birth,
  heartbeat,
  membershipOf,
  type RecorderOptions,
  TransportRecorder,
} from "./transport-recorder.js";

/** One place to run transports in: they reach each other by the addresses it hands out. */
export interface TransportWorld {
  /** A transport that is not started. */
  create(nodeId: string, options?: { readonly secret?: Uint8Array }): Transport;
  /** Where peers reach `transport`; known once it has started. */
  addressOf(transport: Transport): string;
  /** The node's process dies: no goodbye, its address refuses from now on. */
  kill(transport: Transport): Promise<void>;
  /** Like `create`, at the address of `previous`, which has been killed or closed. */
  recreate(previous: Transport, nodeId: string): Transport;
  /** Closes whatever is open. */
  dispose(): Promise<void>;
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

/** What every `Transport` must do, whatever carries the bytes. */
export function describeTransport(name: string, createWorld: () => TransportWorld): void {
  describe(`transport contract: ${name}`, () => {
    let world = createWorld();

    afterEach(async () => {
      await world.dispose();
      world = createWorld();
    });

    async function started(options: RecorderOptions, secret?: Uint8Array) {
      const transport = world.create(options.nodeId, secret === undefined ? {} : { secret });
      const handlers = new TransportRecorder(options);
      await transport.start(handlers);
      return { transport, handlers, peer: { id: options.nodeId, peer: world.addressOf(transport) } };
    }

    async function pair(second: Partial<RecorderOptions> = {}) {
      const n1 = await started({ nodeId: "n1" });
      const n2 = await started({ nodeId: "n2", ...second });
      n1.transport.setPeers([n2.peer]);
      n2.transport.setPeers([n1.peer]);
      await Promise.all([n1.handlers.until("connected"), n2.handlers.until("connected")]);
      return { n1, n2 };
    }

    it("connects both ways and says who the peer is", async () => {
      const { n1, n2 } = await pair();
      expect(n1.transport.connected("n2")).toBe(true);
      expect(n1.transport.connected("n9")).toBe(false);
      expect(n1.handlers.events).toEqual([
        { kind: "connected", peer: "n2", introduction: n2.handlers.introduction() },
      ]);
    });

    it("says who a peer is that reaches this node, also one that cannot be reached where it is listed", async () => {
      const { n1, n2 } = await pair();
      expect(n1.handlers.introduced.get("n2")).toEqual(n2.handlers.introduction());
      expect(n2.handlers.introduced.get("n1")).toEqual(n1.handlers.introduction());
    });

    it("delivers every kind of message unchanged and in order", async () => {
      const { n1, n2 } = await pair();
      const to = { from: "n1", to: "n2", term: 5 } as const;
      const entry = (index: number, text: string): Entry => ({ index, term: 5, type: 1, data: bytes(text) });
      const sent = [
        { ...to, type: "preVoteRequest", lastIndex: 1, lastTerm: 1 },
        { ...to, type: "preVoteResponse", campaignTerm: 6, granted: true },
        { ...to, type: "requestVote", lastIndex: 2 ** 53 - 1, lastTerm: 4, transfer: false },
        { ...to, type: "requestVoteResponse", granted: false },
        {
          ...to,
          type: "appendEntries",
          prevIndex: 8,
          prevTerm: 4,
          entries: [entry(9, "a"), entry(10, "")],
          commit: 8,
        },
        { ...to, type: "appendEntriesAccepted", match: 10 },
        { ...to, type: "appendEntriesRejected", prevIndex: 8, hintIndex: 3, hintTerm: 2 },
        { ...to, type: "heartbeat", commit: 8, round: 2 ** 40, match: 9 },
        { ...to, type: "installSnapshot", lastIncludedIndex: 2 ** 41, lastIncludedTerm: 6 },
        { ...to, type: "heartbeatResponse", round: 2, appliedDurable: 8 },
        { ...to, type: "timeoutNow" },
        { ...to, type: "readIndexRequest", context: 12 },
        { ...to, type: "readIndexResponse", context: 12, index: null },
        birth("n1", "n2"),
      ] as const;
      for (const message of sent) n1.transport.send(message);
      await n2.handlers.until("message", "n1", sent.length);
      expect(n2.handlers.messages).toEqual(sent);
    });

    it("keeps the order when it is told in between that what is queued shall leave", async () => {
      const { n1, n2 } = await pair();
      const sent = [1, 2, 3, 4].map((round) => heartbeat("n1", "n2", round));
      for (const [at, message] of sent.entries()) {
        n1.transport.send(message);
        if (at % 2 === 0) n1.transport.flush();
      }
      await n2.handlers.until("message", "n1", sent.length);
      expect(n2.handlers.messages).toEqual(sent);
      n1.transport.flush();
    });

    it("drops messages for peers that are not connected, without a throw", async () => {
      const n1 = await started({ nodeId: "n1" });
      n1.transport.send(heartbeat("n1", "n2"));
      expect(n1.handlers.events).toEqual([]);
    });

    it("answers concurrent requests, each with its own answer", async () => {
      const echo = async (peer: string, payload: Uint8Array) =>
        bytes(`${peer}:${Buffer.from(payload).toString()}`);
      const { n1 } = await pair({ onRequest: echo });
      const texts = Array.from({ length: 20 }, (_, i) => `call ${i}`);
      const answers = await Promise.all(texts.map((text) => n1.transport.request("n2", bytes(text), 30_000)));
      expect(answers.map((answer) => Buffer.from(answer).toString())).toEqual(texts.map((t) => `n1:${t}`));
    });

    it("says who a request is for", async () => {
      const { n1 } = await pair({ onRequest: async (_, __, topic) => bytes(topic) });
      const ask = async (...topic: RequestTopic[]) =>
        Buffer.from(await n1.transport.request("n2", bytes("x"), 30_000, ...topic)).toString();
      expect(await ask()).toBe("application");
      expect(await ask("snapshot")).toBe("snapshot");
    });

    it("rejects a request whose handler fails, as sent, with the handler's words", async () => {
      const { n1 } = await pair({ onRequest: () => Promise.reject(new Error("out of stock")) });
      const failure = n1.transport.request("n2", bytes("x"), 30_000);
      await expect(failure).rejects.toThrow(RequestFailed);
      await expect(failure).rejects.toMatchObject({
        sent: true,
        message: expect.stringContaining("out of stock"),
      });
    });

    it("rejects a request to a node that is not a peer, as not sent", async () => {
      const { n1 } = await pair();
      await expect(n1.transport.request("n9", bytes("x"), 1000)).rejects.toMatchObject({ sent: false });
    });

    it("rejects a request to a node that does not run, as not sent", async () => {
      const { n1, n2 } = await pair();
      await world.kill(n2.transport);
      await n1.handlers.until("lost");
      await expect(n1.transport.request("n2", bytes("x"), 30_000)).rejects.toMatchObject({ sent: false });
    });

    it("rejects a request that was cut off in the middle, as sent", async () => {
      let reached: () => void = () => undefined;
      const inHandler = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const never = new Promise<Uint8Array>(() => undefined);
      const { n1, n2 } = await pair({
        onRequest: () => {
          reached();
          return never;
        },
      });
      const failure = expect(n1.transport.request("n2", bytes("x"), 60_000)).rejects.toMatchObject({
        sent: true,
      });
      await inHandler;
      await world.kill(n2.transport);
      await failure;
    });

    it("rejects a request without an answer in time, as sent", async () => {
      const { n1 } = await pair({ onRequest: () => new Promise(() => undefined) });
      await expect(n1.transport.request("n2", bytes("x"), 300)).rejects.toMatchObject({ sent: true });
    });

    it("reports a killed peer as lost, once, and connects again when it is back", async () => {
      const { n1, n2 } = await pair();
      await world.kill(n2.transport);
      await n1.handlers.until("lost", "n2");
      expect(n1.transport.connected("n2")).toBe(false);

      const again = world.recreate(n2.transport, "n2");
      const handlers = new TransportRecorder({ nodeId: "n2" });
      await again.start(handlers);
      again.setPeers([n1.peer]);
      await n1.handlers.until("connected", "n2", 2);
      await handlers.until("connected", "n1");
      n1.transport.send(heartbeat("n1", "n2", 9));
      await handlers.until("message");
      expect(n1.handlers.count("lost")).toBe(1);
    });

    it("reports nothing about what it closes itself", async () => {
      const { n1, n2 } = await pair();
      n1.transport.setPeers([]);
      expect(n1.transport.connected("n2")).toBe(false);
      await n1.transport.close();
      await n2.handlers.until("lost", "n1");
      expect(n1.handlers.events.map((event) => event.kind)).toEqual(["connected"]);
    });

    it("close is idempotent and ends requests", async () => {
      const { n1 } = await pair({ onRequest: () => new Promise(() => undefined) });
      const failure = expect(n1.transport.request("n2", bytes("x"), 60_000)).rejects.toThrow(RequestFailed);
      await Promise.all([n1.transport.close(), n1.transport.close()]);
      await failure;
      await expect(n1.transport.request("n2", bytes("x"), 1000)).rejects.toMatchObject({ sent: false });
    });

    describe("refusals, named on both sides, connecting nobody", () => {
      async function refused(first: RecorderOptions, second: RecorderOptions, secret?: Uint8Array) {
        const a = await started(first);
        const b = await started(second, secret);
        a.transport.setPeers([{ id: "n2", peer: b.peer.peer }]);
        b.transport.setPeers([{ id: "n1", peer: a.peer.peer }]);
        await Promise.all([a.handlers.until("refused"), b.handlers.until("refused")]);
        expect(a.handlers.count("connected") + b.handlers.count("connected")).toBe(0);
        expect(a.transport.connected("n2") || b.transport.connected("n1")).toBe(false);
        return { a, b };
      }

      it("another secret", async () => {
        const { a, b } = await refused({ nodeId: "n1" }, { nodeId: "n2" }, bytes("another secret, as long"));
        for (const { handlers } of [a, b])
          expect(handlers.refusals[0]).toMatch(/peer secrets differ.*peer\.secret/);
      });

      it("another cluster name", async () => {
        const { a, b } = await refused({ nodeId: "n1" }, { nodeId: "n2", clusterName: "prod" });
        for (const { handlers } of [a, b]) {
          expect(handlers.refusals[0]).toContain('"prod"');
          expect(handlers.refusals[0]).toContain('"test"');
        }
      });

      it("another cluster of the same name", async () => {
        const { a, b } = await refused(
          { nodeId: "n1", membership: membershipOf({ n1: "n1-1", n2: "n2-1" }, "c1") },
          { nodeId: "n2", membership: membershipOf({ n1: "n1-1", n2: "n2-1" }, "c2") },
        );
        for (const { handlers } of [a, b]) expect(handlers.refusals[0]).toMatch(/c1.*c2|c2.*c1/);
      });

      it("another member list before birth", async () => {
        const { a, b } = await refused({ nodeId: "n1" }, { nodeId: "n2", memberListDigest: "e" });
        for (const { handlers } of [a, b]) expect(handlers.refusals[0]).toContain("different member lists");
      });

      it("a wiped disk", async () => {
        const membership = membershipOf({ n1: "n1-1", n2: "n2-0" });
        const { a, b } = await refused({ nodeId: "n1", membership }, { nodeId: "n2" });
        for (const { handlers } of [a, b]) {
          expect(handlers.refusals[0]).toContain("n2 came back with another incarnation (its disk was wiped");
        }
      });

      it("a disk that retired a damaged life, and the born side hears of it", async () => {
        const membership = membershipOf({ n1: "n1-1", n2: "n2-0" });
        const { a, b } = await refused({ nodeId: "n1", membership }, { nodeId: "n2", retires: "n2-0" });
        for (const { handlers } of [a, b]) {
          expect(handlers.refusals[0]).toContain(
            "n2 found its disk damaged and retired it (incarnation n2-0)",
          );
        }
        await a.handlers.until("retired", "n2");
        expect(b.handlers.count("retired")).toBe(0);
      });

      it("a node that answers where another one is listed", async () => {
        const { a } = await refused({ nodeId: "n1" }, { nodeId: "n3" });
        expect(a.handlers.refusals[0]).toContain("the address listed for n2 is that of n3");
      });
    });

    it("takes an unborn node that the membership lists", async () => {
      const membership = membershipOf({ n1: "n1-1", n2: "n2-1" });
      const n1 = await started({ nodeId: "n1", membership });
      const n2 = await started({ nodeId: "n2" });
      n1.transport.setPeers([n2.peer]);
      n2.transport.setPeers([n1.peer]);
      await Promise.all([n1.handlers.until("connected"), n2.handlers.until("connected")]);
    });

    it("refuses a second node under an id that is connected", async () => {
      const { n1, n2 } = await pair();
      const twin = await started({ nodeId: "n2", incarnation: "n2-twin" });
      twin.transport.setPeers([n1.peer]);
      await Promise.all([twin.handlers.until("refused"), n1.handlers.until("refused", "n2")]);
      expect(twin.handlers.refusals[0]).toContain("another node is connected as n2");
      expect(twin.handlers.count("connected")).toBe(0);
      n2.transport.send(heartbeat("n2", "n1"));
      await n1.handlers.until("message", "n2");
    });
  });
}
