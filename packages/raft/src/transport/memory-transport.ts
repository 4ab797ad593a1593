import type { NodeId } from "../core/index.js";
import {
  type NodeIntroduction,
  type PeerAddress,
  type PeerMessage,
  RequestFailed,
  type RequestTopic,
  type Transport,
  type TransportHandlers,
} from "../ports/index.js";
import { SECRET_MISMATCH } from "./handshake.js";
import { asksForItsPlace, judge } from "./judge.js";
import { MemoryLink } from "./memory-link.js";
import type { MemoryHub } from "./memory-network.js";

export interface MemoryTransportOptions {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly secret: Uint8Array;
}

interface Pending {
  readonly remote: () => MemoryTransport | null;
  readonly fail: (reason: string) => void;
}

/** What a dial came to: the other end, or why not. */
export type DialResult =
  | { readonly kind: "connected"; readonly remote: MemoryTransport; readonly introduction: NodeIntroduction }
  | { readonly kind: "failed"; readonly reason: string; readonly refused: boolean };

export class MemoryTransport implements Transport {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly #secret: Uint8Array;
  readonly #hub: MemoryHub;
  readonly #links = new Map<NodeId, MemoryLink>();
  /** Whose control connections arrive here. */
  readonly #incoming = new Map<NodeId, { readonly remote: MemoryTransport; readonly incarnation: string }>();
  readonly #pending = new Set<Pending>();
  #handlers: TransportHandlers | null = null;
  #alive = true;

  constructor(options: MemoryTransportOptions, hub: MemoryHub) {
    this.nodeId = options.nodeId;
    this.address = options.address;
    this.#secret = options.secret;
    this.#hub = hub;
  }

  /** Handlers while the process runs, null before `start` and after its end. */
  get handlers(): TransportHandlers | null {
    return this.#alive ? this.#handlers : null;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    if (this.#handlers !== null || !this.#alive) throw new Error("a transport starts once");
    this.#hub.listen(this.address, this);
    this.#handlers = handlers;
    for (const link of this.#links.values()) link.dial();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    if (!this.#alive) return;
    const others = peers.filter(({ id }) => id !== this.nodeId);
    const wanted = new Map(others.map(({ id, peer, hint = peer }) => [id, [...new Set([hint, peer])]]));
    for (const [id, link] of this.#links) {
      const addresses = wanted.get(id);
      if (addresses !== undefined && link.moveTo(addresses)) continue;
      this.#links.delete(id);
      link.stop();
    }
    for (const [id, addresses] of wanted) {
      if (this.#links.has(id)) continue;
      const link = new MemoryLink(id, addresses, this, this.#hub);
      this.#links.set(id, link);
      if (this.#handlers !== null) link.dial();
    }
  }

  send(message: PeerMessage): void {
    if (this.handlers !== null) this.#links.get(message.to)?.send(message);
  }

  flush(): void {
    // Nothing is held back here.
  }

  async introduce(id: NodeId, address: string): Promise<NodeIntroduction> {
    const remote = this.#hub.at(address);
    const there = remote?.handlers?.introduction();
    if (remote === undefined || there === undefined || this.#hub.partitioned(this.nodeId, remote.nodeId)) {
      throw new Error(`${address} did not connect`);
    }
    if (there.nodeId !== id) throw new Error(`the node at ${address} is ${there.nodeId}, not ${id}`);
    return there;
  }

  connected(peer: NodeId): boolean {
    return this.#links.get(peer)?.remote != null;
  }

  async close(): Promise<void> {
    if (!this.#alive) return;
    this.#end();
    for (const pending of [...this.#pending]) pending.fail("this node is closing");
  }

  crash(): void {
    if (this.#alive) this.#end();
  }

  #end(): void {
    this.#alive = false;
    for (const link of this.#links.values()) link.stop();
    this.#hub.leave(this);
  }

  request(
    peer: NodeId,
    payload: Uint8Array,
    timeoutMs: number,
    topic: RequestTopic = "application",
  ): Promise<Uint8Array> {
    const link = this.#links.get(peer);
    if (this.handlers === null) return Promise.reject(new RequestFailed("the transport is not open", false));
    if (link === undefined) return Promise.reject(new RequestFailed(`${peer} is not a peer`, false));
    return new Promise((resolve, reject) => {
      let remote: MemoryTransport | null = null;
      /** Runs `settle` unless the request has ended already, or with it this node's process. */
      const finish = (settle: () => void) => {
        if (!this.#pending.delete(pending)) return;
        cancelTimer();
        settle();
      };
      const fail = (reason: string) => finish(() => reject(new RequestFailed(reason, remote !== null)));
      const pending: Pending = { remote: () => remote, fail };
      const cancelTimer = this.#hub.clock.after(timeoutMs, () => {
        fail(`${peer} did not answer within ${timeoutMs} ms`);
      });
      this.#pending.add(pending);
      const copy = payload.slice();
      this.#hub.deliver(this.nodeId, peer, () => {
        if (!this.#pending.has(pending) || !this.#alive) return;
        const dialled = this.connectTo(peer, link.address);
        if (dialled.kind === "failed") {
          fail(`no connection to ${peer}: ${dialled.reason}`);
          return;
        }
        remote = dialled.remote;
        dialled.remote.#serve(this, copy, topic, (answer, reason) => {
          if (answer === null) fail(`${peer} answered: ${reason}`);
          else finish(() => resolve(answer));
        });
      });
    });
  }

  /** Hands a request to this node's handler and its answer back to `from`, unless packets vanish on the way. */
  #serve(
    from: MemoryTransport,
    payload: Uint8Array,
    topic: RequestTopic,
    answer: (payload: Uint8Array | null, reason: string) => void,
  ): void {
    const reply = (answered: Uint8Array | null, reason: string) => {
      const copy = answered?.slice() ?? null;
      this.#hub.deliver(this.nodeId, from.nodeId, () => {
        if (from.#alive && this.#alive && !this.#hub.partitioned(this.nodeId, from.nodeId))
          answer(copy, reason);
      });
    };
    const run = async () => this.#handlers?.onRequest(from.nodeId, payload, topic) ?? null;
    run().then(
      (answered) => reply(answered, "the transport is not open"),
      (error: unknown) => reply(null, error instanceof Error ? error.message : String(error)),
    );
  }

  /** The handshake of the TCP transport, in one moment: secrets, the dialer's verdict, the acceptor's. */
  connectTo(peer: NodeId, address: string): DialResult {
    const remote = this.#hub.at(address);
    const other = remote?.handlers;
    const own = this.handlers;
    if (own === null || remote === undefined || other == null) {
      return { kind: "failed", reason: `connection to ${address} refused`, refused: false };
    }
    if (this.#hub.partitioned(this.nodeId, remote.nodeId)) {
      return { kind: "failed", reason: `${address} did not connect`, refused: false };
    }
    if (Buffer.compare(this.#secret, remote.#secret) !== 0) {
      remote.#refused(this.address, SECRET_MISMATCH);
      return { kind: "failed", reason: this.#refusedBy(peer, address, SECRET_MISMATCH), refused: true };
    }
    const call = { intended: peer, reached: remote.nodeId };
    const ours = this.#judge(own, other.introduction(), call);
    if (ours !== null) {
      remote.#refused(this.nodeId, `${this.nodeId} refused this node: ${ours}`);
      return { kind: "failed", reason: ours, refused: true };
    }
    const theirs = remote.#judge(other, own.introduction(), call);
    if (theirs !== null) {
      remote.#refused(this.nodeId, theirs);
      return { kind: "failed", reason: this.#refusedBy(peer, address, theirs), refused: true };
    }
    return { kind: "connected", remote, introduction: other.introduction() };
  }

  /** A control connection of `remote` arrived. */
  accepted(remote: MemoryTransport, introduction: NodeIntroduction): void {
    this.#incoming.set(remote.nodeId, { remote, incarnation: introduction.incarnation });
    this.handlers?.onIntroduced(remote.nodeId, introduction);
    this.#links.get(remote.nodeId)?.nudge();
  }

  /** A control connection of `remote` closed. */
  released(remote: MemoryTransport): void {
    if (this.#incoming.get(remote.nodeId)?.remote === remote) this.#incoming.delete(remote.nodeId);
  }

  /** The process of `remote` is gone, and with it everything that was open to it. */
  peerClosed(remote: MemoryTransport): void {
    if (!this.#alive) return;
    this.released(remote);
    for (const link of this.#links.values()) if (link.remote === remote) link.closed();
    for (const pending of [...this.#pending]) {
      if (pending.remote() === remote) pending.fail(`the connection to ${remote.nodeId} closed`);
    }
  }

  /** What waited for its end goes. */
  partitionEnded(): void {
    for (const link of this.#links.values()) link.flush();
  }

  #judge(own: TransportHandlers, other: NodeIntroduction, call: { intended: NodeId; reached: NodeId }) {
    const id = other.nodeId;
    const membership = own.membership(other);
    const connectedIncarnation =
      this.#links.get(id)?.incarnation ?? this.#incoming.get(id)?.incarnation ?? null;
    const verdict = judge(other, call, {
      own: own.introduction(),
      membership,
      configured: [this.nodeId, ...this.#links.keys()].sort(),
      connectedIncarnation,
    });
    if (verdict !== null && asksForItsPlace(other, membership, connectedIncarnation)) own.onRetired(other);
    return verdict;
  }

  #refused(peer: NodeId | string, reason: string): void {
    this.handlers?.onRefused(peer, reason);
  }

  #refusedBy(peer: NodeId, address: string, reason: string): string {
    return `${peer} (${address}) refused this node: ${reason}`;
  }
}
