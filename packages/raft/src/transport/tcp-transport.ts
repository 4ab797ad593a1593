import { createServer, type Server } from "node:net";
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
import { Acceptor } from "./acceptor.js";
import type { HostPort } from "./address.js";
import { BulkLink } from "./bulk-link.js";
import type { Connection } from "./connection.js";
import { ControlLink } from "./control-link.js";
import { askWhoIsThere, type DialOutcome, dial, type Party } from "./dial.js";
import type { Channel } from "./handshake.js";
import { type Held, Incoming } from "./incoming.js";
import { asksForItsPlace, type Call, judge } from "./judge.js";
import { payloadBytes } from "./message-codec.js";
import { checkName, type Settings, settingsOf, type TcpTransportOptions } from "./options.js";
import { SilenceWatch } from "./silence.js";

/** Refusals of callers that did not prove the secret are reported at most this often, in milliseconds. */
const ANONYMOUS_REFUSAL_INTERVAL_MS = 1000;

export interface TcpTransport extends Transport {
  /** Where it listens; the port is the real one even if 0 was asked for. Throws before `start`. */
  address(): HostPort;
}

/** Throws `RangeError` for options that make no sense (a secret below 16 bytes, …). Nothing is opened before `start`. */
export function createTcpTransport(options: TcpTransportOptions): TcpTransport {
  return new TcpPeers(settingsOf(options));
}

interface PeerLinks {
  readonly control: ControlLink;
  readonly bulk: BulkLink;
}

class TcpPeers implements TcpTransport {
  readonly #settings: Settings;
  readonly #server: Server;
  readonly #acceptor: Acceptor;
  readonly #party: Party;
  readonly #peers = new Map<NodeId, PeerLinks>();
  readonly #incoming: Incoming;
  #silence: SilenceWatch | null = null;
  #handlers: TransportHandlers | null = null;
  #listening = false;
  #closing: Promise<void> | null = null;
  #anonymousRefusalAt = Number.NEGATIVE_INFINITY;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#party = {
      versions: settings.versions,
      secret: settings.secret,
      introduction: () => this.#running().introduction(),
      judge: (other, call) => this.#judge(other, call),
    };
    this.#acceptor = new Acceptor(settings, {
      party: this.#party,
      onAccepted: (connection, introduction, channel) => this.#accepted(connection, introduction, channel),
      onRefused: (peer, reason) => this.#refused(peer, reason),
    });
    this.#incoming = new Incoming(settings, {
      onMessage: (message, incarnation) => this.#tell((handlers) => handlers.onMessage(message, incarnation)),
      onRequest: (peer, payload, topic) => this.#running().onRequest(peer, payload, topic),
    });
    this.#server = createServer({ keepAlive: false }, (socket) => this.#acceptor.accept(socket));
  }

  async start(handlers: TransportHandlers): Promise<void> {
    if (this.#handlers !== null || this.#closing !== null) throw new Error("a transport starts once");
    const own = handlers.introduction();
    if (own.nodeId !== this.#settings.nodeId) {
      throw new RangeError(`introduction of ${own.nodeId} on the transport of ${this.#settings.nodeId}`);
    }
    for (const name of ["clusterName", "incarnation", "memberListDigest"] as const)
      checkName(name, own[name]);
    this.#handlers = handlers;
    await this.#listen();
    this.#listening = true;
    // Closed while it was about to listen: nothing is dialled.
    if (this.#closing !== null) return;
    for (const { control } of this.#peers.values()) control.start();
    this.#silence = new SilenceWatch(this.#settings.silenceMs, () => this.#giveUpSilentPeers());
  }

  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#closing !== null) return;
    const others = peers.filter(({ id }) => id !== this.#settings.nodeId);
    const wanted = new Map(others.map(({ id, peer, hint = peer }) => [id, [...new Set([hint, peer])]]));
    for (const [id, links] of this.#peers) {
      if (wanted.has(id)) continue;
      this.#peers.delete(id);
      links.control.stop();
      links.bulk.stop(`${id} is no longer a peer`);
    }
    for (const [id, addresses] of wanted) this.#setPeer(id, addresses);
  }

  send(message: PeerMessage): void {
    const { maxFrameBytes, log } = this.#settings;
    const bytes = payloadBytes(message);
    if (bytes > maxFrameBytes) {
      const fields = { peer: message.to, type: message.type, bytes };
      log.error(fields, `a message larger than maxFrameBytes (${maxFrameBytes}) cannot be sent`);
    }
    this.#peers.get(message.to)?.control.send(message);
  }

  flush(): void {
    for (const { control } of this.#peers.values()) control.flush();
  }

  request(
    peer: NodeId,
    payload: Uint8Array,
    timeoutMs: number,
    topic: RequestTopic = "application",
  ): Promise<Uint8Array> {
    const bulk = this.#listening && this.#closing === null ? this.#peers.get(peer)?.bulk : undefined;
    if (bulk !== undefined) return bulk.request(payload, timeoutMs, topic);
    const why =
      this.#listening && this.#closing === null ? `${peer} is not a peer` : "the transport is not open";
    return Promise.reject(new RequestFailed(why, false));
  }

  introduce(id: NodeId, address: string): Promise<NodeIntroduction> {
    if (!this.#listening || this.#closing !== null) {
      return Promise.reject(new Error("the transport is not open"));
    }
    return askWhoIsThere({ peer: id, address, channel: "control" }, this.#party, this.#settings);
  }

  connected(peer: NodeId): boolean {
    return this.#peers.get(peer)?.control.connection != null;
  }

  address(): HostPort {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the transport does not listen");
    return { host: address.address, port: address.port };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #close(): Promise<void> {
    this.#silence?.stop();
    for (const { control, bulk } of this.#peers.values()) {
      control.stop();
      bulk.stop("this node is closing");
    }
    this.#acceptor.close();
    this.#incoming.close();
    // An error says that it was not listening: nothing to wait for.
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #listen(): Promise<void> {
    const { host, port } = this.#settings.listen;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) => {
        reject(new Error(`cannot listen for peers on ${host}:${port}: ${cause.message}`, { cause }));
      });
      this.#server.listen({ host, port }, () => {
        this.#server.removeAllListeners("error");
        this.#server.on("error", (error) => {
          this.#settings.log.error({ error: error.message }, "a peer connection could not be accepted");
        });
        resolve();
      });
    });
  }

  #setPeer(id: NodeId, addresses: readonly string[]): void {
    const known = this.#peers.get(id);
    if (known?.control.addresses.join() === addresses.join()) return;
    const before = known?.control.address;
    known?.control.moveTo(addresses);
    const control = known?.control ?? this.#createControl(id, addresses);
    if (known === undefined || control.address !== before) {
      known?.bulk.stop(`the address of ${id} changed`);
      const bulk = new BulkLink(id, {
        ...this.#settings,
        dial: (peer, outcome) => this.#dial(peer, control.address, "bulk", outcome),
      });
      this.#peers.set(id, { control, bulk });
    }
    if (this.#listening) control.start();
  }

  #createControl(id: NodeId, addresses: readonly string[]): ControlLink {
    return new ControlLink(id, addresses, {
      ...this.#settings,
      dial: (peer, at, channel, outcome) => this.#dial(peer, at, channel, outcome),
      onConnected: (introduction) => this.#tell((handlers) => handlers.onConnected(id, introduction)),
      onLost: (reason) => {
        this.#settings.log.info({ peer: id, reason }, "peer lost");
        this.#tell((handlers) => handlers.onLost(id));
      },
      onDropped: () => this.#tell((handlers) => handlers.onDropped(id)),
    });
  }

  #dial(peer: NodeId, address: string, channel: Channel, outcome: DialOutcome): () => void {
    return dial({ peer, address, channel }, this.#party, this.#settings, {
      onEstablished: outcome.onEstablished,
      onFailed: (reason, refused) => {
        if (refused) this.#tell((handlers) => handlers.onRefused(peer, reason));
        outcome.onFailed(reason, refused);
      },
    });
  }

  #judge(other: NodeIntroduction, call: Call): string | null {
    const handlers = this.#running();
    const holders = this.#connectionsOf(other.nodeId);
    const connectedIncarnation = holders[0]?.incarnation ?? null;
    if (connectedIncarnation !== null && connectedIncarnation !== other.incarnation) {
      // A holder that lost its power never said goodbye: it keeps its place only if it answers.
      for (const { connection } of holders) connection.probe();
    }
    const membership = handlers.membership(other);
    const verdict = judge(other, call, {
      own: handlers.introduction(),
      membership,
      configured: [this.#settings.nodeId, ...this.#peers.keys()].sort(),
      connectedIncarnation,
    });
    if (verdict !== null && asksForItsPlace(other, membership, connectedIncarnation))
      this.#tell((told) => told.onRetired(other));
    return verdict;
  }

  #connectionsOf(id: NodeId): readonly Held[] {
    const outgoing = this.#peers.get(id)?.control.open ?? [];
    return [...outgoing, ...this.#incoming.of(id)].filter(({ connection }) => connection.open);
  }

  /** Closed without our wish, as far as the links know: the control link dials at once. */
  #giveUpSilentPeers(): void {
    for (const [id, { control, bulk }] of this.#peers) {
      control.askSpares();
      const held = this.#connectionsOf(id).map(({ connection }) => connection);
      const all = bulk.connection === null ? held : [...held, bulk.connection];
      if (this.#silence?.isDead(id, control.connection, all) !== true) continue;
      for (const connection of all) connection.close(`heard nothing of ${id} for a while`);
    }
  }

  #accepted(connection: Connection, introduction: NodeIntroduction, channel: Channel): void {
    const { nodeId: peer, incarnation } = introduction;
    this.#incoming.accept(connection, peer, incarnation, channel);
    if (channel !== "control") return;
    this.#tell((handlers) => handlers.onIntroduced(peer, introduction));
    this.#peers.get(peer)?.control.nudge();
  }

  #refused(peer: NodeId | string, reason: string): void {
    if (!this.#peers.has(peer)) {
      const now = performance.now();
      if (now - this.#anonymousRefusalAt < ANONYMOUS_REFUSAL_INTERVAL_MS) return;
      this.#anonymousRefusalAt = now;
    }
    this.#tell((handlers) => handlers.onRefused(peer, reason));
  }

  /** After `close` nothing is reported. */
  #tell(report: (handlers: TransportHandlers) => void): void {
    if (this.#handlers !== null && this.#closing === null) report(this.#handlers);
  }

  #running(): TransportHandlers {
    if (this.#handlers === null) throw new Error("the transport has not been started");
    return this.#handlers;
  }
}
