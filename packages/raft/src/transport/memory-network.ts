/**
 * Peers inside one process: the TCP transport's twin for tests. Same promises (judging, loss detection, back-off,
 * bounded queues, the codec), no sockets, no time and no chance but those that are given: the same inputs make
 * the same run.
 */
import type { NodeId } from "../core/index.js";
import type { Clock, Transport } from "../ports/index.js";
import { MemoryTransport, type MemoryTransportOptions } from "./memory-transport.js";

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). Jitter of the back-off. */
  readonly random: () => number;
  /** One-way delay of the next delivery, in milliseconds; 0 delivers in the next turn. Default: always 0. */
  readonly latencyMs?: (from: NodeId, to: NodeId) => number;
  /** Bytes that wait for a peer behind a partition before messages are dropped. Default 16 MiB. */
  readonly maxQueueBytes?: number;
  /** A connection whose messages stay undelivered for this long closes, in milliseconds. Default 5000. */
  readonly stallMs?: number;
}

export interface MemoryNetwork {
  /** A node's transport, not started. Default address: `<nodeId>:9000`. */
  transport(options: { nodeId: NodeId; address?: string; secret?: Uint8Array }): Transport;
  /** Packets between the two vanish, both ways: what is sent waits, as in TCP, until `heal` or the stall limit. */
  partition(a: NodeId, b: NodeId): void;
  /** Ends the partition between the two, or every partition. */
  heal(a?: NodeId, b?: NodeId): void;
  /** The process of `nodeId` dies: nothing is called back there any more, its peers see their connections closed. */
  crash(nodeId: NodeId): void;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new Network(options);
}

/** What one transport of the network needs from all of it. */
export interface MemoryHub {
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  /** Runs `action` after the one-way delay, never inside this call. */
  deliver(from: NodeId, to: NodeId, action: () => void): void;
  partitioned(a: NodeId, b: NodeId): boolean;
  /** Throws when the address is taken. */
  listen(address: string, transport: MemoryTransport): void;
  at(address: string): MemoryTransport | undefined;
  /** The transport is gone: frees its address and closes what others have open to it. */
  leave(transport: MemoryTransport): void;
}

class Network implements MemoryNetwork, MemoryHub {
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  readonly #latencyMs: (from: NodeId, to: NodeId) => number;
  readonly #listening = new Map<string, MemoryTransport>();
  readonly #partitions = new Set<string>();

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.maxQueueBytes = options.maxQueueBytes ?? 16 * 1024 * 1024;
    this.stallMs = options.stallMs ?? 5000;
    this.#latencyMs = options.latencyMs ?? (() => 0);
  }

  transport({
    nodeId,
    address,
    secret,
  }: {
    nodeId: NodeId;
    address?: string;
    secret?: Uint8Array;
  }): Transport {
    const options: MemoryTransportOptions = {
      nodeId,
      address: address ?? `${nodeId}:9000`,
      secret: secret ?? new Uint8Array(16),
    };
    return new MemoryTransport(options, this);
  }

  partition(a: NodeId, b: NodeId): void {
    this.#partitions.add(pairKey(a, b));
  }

  heal(a?: NodeId, b?: NodeId): void {
    if (a === undefined || b === undefined) this.#partitions.clear();
    else this.#partitions.delete(pairKey(a, b));
    for (const transport of this.#listening.values()) transport.partitionEnded();
  }

  crash(nodeId: NodeId): void {
    for (const transport of [...this.#listening.values()]) {
      if (transport.nodeId === nodeId) transport.crash();
    }
  }

  deliver(from: NodeId, to: NodeId, action: () => void): void {
    const delay = this.#latencyMs(from, to);
    if (delay > 0) this.clock.after(delay, action);
    else this.clock.nextTurn(action);
  }

  partitioned(a: NodeId, b: NodeId): boolean {
    return this.#partitions.has(pairKey(a, b));
  }

  listen(address: string, transport: MemoryTransport): void {
    if (this.#listening.has(address)) {
      throw new Error(`cannot listen for peers on ${address}: address already in use`);
    }
    this.#listening.set(address, transport);
  }

  at(address: string): MemoryTransport | undefined {
    return this.#listening.get(address);
  }

  leave(transport: MemoryTransport): void {
    if (this.#listening.get(transport.address) === transport) this.#listening.delete(transport.address);
    for (const other of this.#listening.values()) {
      this.deliver(transport.nodeId, other.nodeId, () => other.peerClosed(transport));
    }
  }
}

function pairKey(a: NodeId, b: NodeId): string {
  return JSON.stringify(a < b ? [a, b] : [b, a]);
}
