import type { NodeId } from "../core/index.js";
import type { PeerMessage, RequestTopic } from "../ports/index.js";
import { Arrivals } from "./arrivals.js";
import type { Connection, ConnectionOwner } from "./connection.js";
import { type Channel, spareChannels } from "./handshake.js";
import { decodeMessage } from "./message-codec.js";
import type { Settings } from "./options.js";
import { RequestServer } from "./request-server.js";

export interface IncomingContext {
  onMessage(message: PeerMessage, incarnation: string): void;
  onRequest(peer: NodeId, payload: Uint8Array, topic: RequestTopic): Promise<Uint8Array>;
}

export interface Held {
  readonly connection: Connection;
  readonly incarnation: string;
}

/** The connections that peers opened to this node, and what arrives on them. */
export class Incoming {
  readonly #settings: Settings;
  readonly #context: IncomingContext;
  readonly #held: Readonly<Record<Channel, Map<NodeId, Held>>> = {
    control: new Map(),
    bulk: new Map(),
    firstSpare: new Map(),
    secondSpare: new Map(),
  };
  /** Of every peer whose messages arrive here. */
  readonly #arrivals = new Map<NodeId, Arrivals>();

  constructor(settings: Settings, context: IncomingContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Takes the connection over. */
  accept(connection: Connection, peer: NodeId, incarnation: string, channel: Channel): void {
    const held = this.#held[channel];
    // One per peer and channel: a peer that dials again has given the older one up.
    held.get(peer)?.connection.close("replaced by a newer connection of the same peer");
    held.set(peer, { connection, incarnation });
    connection.owner = this.#ownerOf(connection, peer, incarnation, channel);
  }

  of(peer: NodeId): readonly Held[] {
    return Object.values(this.#held).flatMap((held) => held.get(peer) ?? []);
  }

  close(): void {
    for (const held of Object.values(this.#held)) {
      for (const { connection } of held.values()) connection.close("closed by this node");
    }
  }

  #ownerOf(connection: Connection, peer: NodeId, incarnation: string, channel: Channel): ConnectionOwner {
    const closed = () => {
      if (this.#held[channel].get(peer)?.connection === connection) this.#held[channel].delete(peer);
      if (![...spareChannels, "control" as const].some((each) => this.#held[each].has(peer)))
        this.#arrivals.delete(peer);
    };
    if (channel === "bulk") {
      const { onRequest } = this.#context;
      return new RequestServer(peer, connection, { ...this.#settings, onRequest }, closed);
    }
    const arrivals = this.#arrivalsOf(peer);
    if (channel === "control") arrivals.renewed();
    const deliver = (type: number, body: Uint8Array) =>
      this.#context.onMessage(decodeMessage(type, body, peer, this.#settings.nodeId), incarnation);
    return {
      onFrame: (type, body) =>
        channel === "control"
          ? arrivals.onControl(type, body, deliver)
          : arrivals.onSpare(type, body, deliver),
      onClose: (reason) => {
        closed();
        this.#settings.log.debug({ peer, channel, reason }, "a peer's connection closed");
      },
    };
  }

  #arrivalsOf(peer: NodeId): Arrivals {
    const arrivals = this.#arrivals.get(peer) ?? new Arrivals();
    this.#arrivals.set(peer, arrivals);
    return arrivals;
  }
}
