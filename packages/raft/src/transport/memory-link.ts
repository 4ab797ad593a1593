import type { NodeId } from "../core/index.js";
import type { NodeIntroduction, PeerMessage } from "../ports/index.js";
import { backoffMs } from "./backoff.js";
import type { MemoryHub } from "./memory-network.js";
import type { MemoryTransport } from "./memory-transport.js";
import { decodeMessage, encodeMessage } from "./message-codec.js";

/** One message on its way, as the bytes that a socket would carry. */
interface Packet {
  readonly type: number;
  readonly body: Uint8Array;
}

/** The outgoing control connection to one peer: `ControlLink` without a socket. */
export class MemoryLink {
  readonly peer: NodeId;
  #addresses: readonly string[];
  readonly #own: MemoryTransport;
  readonly #hub: MemoryHub;
  #connection: { readonly remote: MemoryTransport; readonly introduction: NodeIntroduction } | null = null;
  #queue: Packet[] = [];
  #queuedBytes = 0;
  #dropping = false;
  #dialing = false;
  #stopped = false;
  #failures = 0;
  #lossPending = false;
  #cancelRetry: (() => void) | null = null;
  #cancelStall: (() => void) | null = null;

  /** Tried in turn, the first one first. */
  constructor(peer: NodeId, addresses: readonly string[], own: MemoryTransport, hub: MemoryHub) {
    this.peer = peer;
    this.#addresses = addresses;
    this.#own = own;
    this.#hub = hub;
  }

  /** The one that was dialled last, or is to be dialled next. */
  get address(): string {
    return this.#addresses[this.#failures % this.#addresses.length] ?? "";
  }

  /** False when the address in use is none of them: then another link takes over. */
  moveTo(addresses: readonly string[]): boolean {
    const at = addresses.indexOf(this.address);
    if (at < 0) return false;
    this.#addresses = addresses;
    this.#failures = at;
    return true;
  }

  get remote(): MemoryTransport | null {
    return this.#connection?.remote ?? null;
  }

  get incarnation(): string | null {
    return this.#connection?.introduction.incarnation ?? null;
  }

  dial(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#dialing = true;
    this.#hub.deliver(this.#own.nodeId, this.peer, () => {
      this.#dialing = false;
      if (!this.#stopped) this.#dialled();
    });
  }

  nudge(): void {
    if (!this.#stopped && this.#connection === null && !this.#dialing) this.dial();
  }

  send(message: PeerMessage): void {
    if (this.#connection === null) return;
    const frame = encodeMessage(message);
    if (this.#queuedBytes + frame.bytes > this.#hub.maxQueueBytes) {
      if (this.#dropping) return;
      this.#dropping = true;
      this.#hub.clock.nextTurn(() => this.#own.handlers?.onDropped(this.peer));
      return;
    }
    this.#dropping = false;
    const whole = Buffer.concat(frame.parts);
    this.#queue.push({ type: whole.readUInt8(4), body: new Uint8Array(whole.subarray(5)) });
    this.#queuedBytes += whole.length;
    this.#deliverNext();
  }

  /** What a partition held back goes. */
  flush(): void {
    if (this.#connection === null || this.#hub.partitioned(this.#own.nodeId, this.peer)) return;
    this.#cancelStall?.();
    this.#cancelStall = null;
    for (let left = this.#queue.length; left > 0; left -= 1) this.#deliverNext();
  }

  /** The other side closed: one redial decides whether the peer is lost. */
  closed(): void {
    if (this.#stopped || this.#connection === null) return;
    this.#disconnect();
    this.#lossPending = true;
    this.dial();
  }

  /** Closed by ourselves: no event. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#disconnect();
  }

  #disconnect(): void {
    this.#connection?.remote.released(this.#own);
    this.#connection = null;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#cancelStall?.();
    this.#cancelStall = null;
  }

  #dialled(): void {
    const result = this.#own.connectTo(this.peer, this.address);
    const handlers = this.#own.handlers;
    if (handlers === null) return;
    if (result.kind === "connected") {
      this.#connection = result;
      // The address that works stays the first one to try.
      this.#failures %= this.#addresses.length;
      this.#lossPending = false;
      this.#dropping = false;
      result.remote.accepted(this.#own, handlers.introduction());
      handlers.onConnected(this.peer, result.introduction);
      return;
    }
    const wait = backoffMs(this.#failures, result.refused, this.#hub.random);
    this.#failures += 1;
    this.#cancelRetry = this.#hub.clock.after(wait, () => {
      if (!this.#stopped) this.dial();
    });
    if (result.refused) handlers.onRefused(this.peer, result.reason);
    if (!this.#lossPending) return;
    this.#lossPending = false;
    handlers.onLost(this.peer);
  }

  /** One delivery is on its way per queued packet; each takes the oldest, so the order holds whatever the delays. */
  #deliverNext(): void {
    const connection = this.#connection;
    this.#hub.deliver(this.#own.nodeId, this.peer, () => {
      if (connection === null || this.#connection !== connection) return;
      if (this.#hub.partitioned(this.#own.nodeId, this.peer)) {
        this.#cancelStall ??= this.#hub.clock.after(this.#hub.stallMs, () => this.closed());
        return;
      }
      const packet = this.#queue.shift();
      if (packet === undefined) return;
      this.#queuedBytes -= packet.body.length + 5;
      const message = decodeMessage(packet.type, packet.body, this.#own.nodeId, this.peer);
      const incarnation = this.#own.handlers?.introduction().incarnation ?? "";
      connection.remote.handlers?.onMessage(message, incarnation);
    });
  }
}
