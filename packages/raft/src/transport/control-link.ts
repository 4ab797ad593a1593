import { randomBytes } from "node:crypto";
import type { NodeId } from "../core/index.js";
import type { NodeIntroduction, PeerMessage } from "../ports/index.js";
import { backoffMs } from "./backoff.js";
import type { Connection } from "./connection.js";
import { encodeNumbering } from "./copies.js";
import type { DialOutcome } from "./dial.js";
import { type Frame, FrameError } from "./frame.js";
import type { Channel } from "./handshake.js";
import { encodeMessage, payloadBytes } from "./message-codec.js";
import { Pulse } from "./pulse.js";
import { SpareLanes } from "./spare-lanes.js";

/** What a link needs from its transport. Events may be delivered while the link is being called; none inside `send`. */
export interface ControlLinkContext {
  /** Dials `peer` at `address`; returns a function that gives up. */
  dial(peer: NodeId, address: string, channel: Channel, outcome: DialOutcome): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  onConnected(introduction: NodeIntroduction): void;
  onLost(reason: string): void;
  onDropped(): void;
  readonly quietMs: number;
  readonly silenceMs: number;
}

interface Connected {
  readonly kind: "connected";
  readonly connection: Connection;
  readonly incarnation: string;
  readonly pulse: Pulse;
}

type State =
  | { readonly kind: "dialing"; readonly cancel: () => void }
  | Connected
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "stopped" };

/** Whatever waits for these, nobody leads meanwhile. There are few of them. */
const electionMessages: ReadonlySet<PeerMessage["type"]> = new Set([
  "preVoteRequest",
  "preVoteResponse",
  "requestVote",
  "requestVoteResponse",
  "timeoutNow",
]);

/**
 * Keeps the control connection to one peer: this node's own sending direction. When it closes and we did not
 * close it, one redial decides at once: connected again, or the peer is lost. Afterwards dials go on with
 * back-off, until `stop`.
 *
 * Beside it there are spare connections. While the control connection is quiet (see `Pulse`) or being redialled,
 * what is sent goes over one of them too, numbered, so that the peer hands out each message once. An election waits for
 * nothing: what it is made of always goes both ways.
 */
export class ControlLink {
  readonly peer: NodeId;
  readonly #context: ControlLinkContext;
  #addresses: readonly string[];
  #state: State = { kind: "stopped" };
  /** The connection was open and closed by itself; the dial that runs decides whether the peer is lost. */
  #lossPending = false;
  /** The control connection was closed by us because only the spare one had answers. */
  #leansOnSpare = false;
  #failures = 0;
  /** A drop was reported and the queue has not drained since. */
  #dropping = false;
  readonly #spares: SpareLanes;
  /** Names the numbers of this link; another process's are others. */
  readonly #stream = randomBytes(6).readUIntBE(0, 6);
  /** Number of the newest message, and of the one that the control connection will count next. */
  #newest = 0;
  #nextCounted = 1;

  /** Tried in turn, the first one first. */
  constructor(peer: NodeId, addresses: readonly string[], context: ControlLinkContext) {
    this.peer = peer;
    this.#addresses = addresses;
    this.#context = context;
    this.#spares = new SpareLanes(this.#stream, {
      ...context,
      dial: (channel, outcome) => context.dial(peer, this.address, channel, outcome),
      quiet: () => this.#connected?.pulse.quiet !== false,
      wanted: () => this.#connected !== null,
      onClosed: () => this.#spareClosed(),
    });
  }

  /** The one that was dialled last, or is to be dialled next. */
  get address(): string {
    return this.#addresses[this.#failures % this.#addresses.length] ?? "";
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  get connection(): Connection | null {
    return this.#connected?.connection ?? null;
  }

  /** Every connection that this node opened for its messages, with the peer's incarnation. */
  get open(): readonly { readonly connection: Connection; readonly incarnation: string }[] {
    return this.#connected === null ? this.#spares.open : [this.#connected, ...this.#spares.open];
  }

  start(): void {
    if (this.#state.kind === "stopped") this.#dial();
  }

  /** Redials when the address in use is none of them. A connection closed for this is no loss. */
  moveTo(addresses: readonly string[]): void {
    const inUse = this.address;
    this.#addresses = [...new Set(addresses)];
    const at = this.#addresses.indexOf(inUse);
    if (at >= 0) {
      this.#failures = at;
      return;
    }
    if (this.#state.kind === "stopped") return;
    this.stop();
    this.start();
  }

  /** The peer was just heard of: an idle wait for the next dial ends. */
  nudge(): void {
    if (this.#state.kind !== "waiting") return;
    clearTimeout(this.#state.timer);
    this.#dial();
  }

  /**
   * Sends `message`, or drops it: without a connection silently, with a full queue reported once. What surely
   * finds no room is not even encoded, so that a peer that does not read costs no work either.
   */
  send(message: PeerMessage): void {
    const state = this.#connected;
    const everywhere = electionMessages.has(message.type);
    const atLeast = payloadBytes(message);
    const hasWay = state?.connection.hasRoomFor(atLeast) === true;
    if (!hasWay && state !== null) this.#dropped();
    if (!hasWay && !this.#spares.hasRoomFor(atLeast, everywhere)) return;
    const frame = encodeMessage(message);
    this.#newest += 1;
    const number = this.#newest;
    if (state?.connection.hasRoomFor(frame.bytes) === true) this.#sendCounted(number, frame, state);
    else if (state !== null) this.#dropped();
    this.#spares.add(number, frame, everywhere);
  }

  /** To be called now and then: looks whether the spare connections still are of use. */
  askSpares(): void {
    this.#spares.ask();
  }

  flush(): void {
    this.connection?.flush();
  }

  /** Closes without any event. */
  stop(): void {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    this.#lossPending = false;
    this.#leansOnSpare = false;
    this.#failures = 0;
    if (state.kind === "dialing") state.cancel();
    if (state.kind === "connected") {
      state.pulse.stop();
      state.connection.close("closed by this node");
    }
    if (state.kind === "waiting") clearTimeout(state.timer);
    this.#spares.stop();
  }

  get #connected(): Connected | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state : null;
  }

  #dropped(): void {
    if (this.#dropping) return;
    this.#dropping = true;
    process.nextTick(() => this.#context.onDropped());
  }

  /** The other end counts what arrives here; where a number was left out, it is told. */
  #sendCounted(number: number, frame: Frame, { connection, pulse }: Connected): void {
    this.#dropping = false;
    if (number !== this.#nextCounted) connection.send(encodeNumbering(this.#stream, number));
    this.#nextCounted = number + 1;
    connection.send(frame);
    pulse.sent(number);
  }

  /**
   * The control connection has long said nothing. When the peer answers on the spare one, it is not the peer:
   * TCP tries ever more seldom, and a new connection is faster. That is no loss.
   */
  #silent(state: Connected): void {
    if (this.#state !== state || !this.#spares.answeredWithin(this.#context.silenceMs / 2)) return;
    state.pulse.stop();
    this.#leansOnSpare = true;
    this.#dial();
    state.connection.close(
      `no answer for ${this.#context.silenceMs} ms, while the spare connection has them`,
    );
  }

  /** While it stands for the control connection its end means as much. */
  #spareClosed(): void {
    if (!this.#leansOnSpare) return;
    this.#leansOnSpare = false;
    this.#lossPending = true;
    this.nudge();
  }

  #dial(): void {
    const cancel = this.#context.dial(this.peer, this.address, "control", {
      onEstablished: (connection, introduction) => this.#established(connection, introduction),
      onFailed: (reason, refused) => this.#failed(reason, refused),
    });
    this.#state = { kind: "dialing", cancel };
  }

  #established(connection: Connection, introduction: NodeIntroduction): void {
    const { quietMs, silenceMs } = this.#context;
    const pulse = new Pulse(connection, {
      quietMs,
      silenceMs,
      onAnswered: (number) => this.#spares.arrived(number),
      onQuiet: () => this.#spares.copyKept(),
      onSilent: () => this.#silent(state),
    });
    const state: Connected = { kind: "connected", connection, incarnation: introduction.incarnation, pulse };
    this.#state = state;
    this.#lossPending = false;
    this.#leansOnSpare = false;
    // The address that works stays the first one to try.
    this.#failures %= this.#addresses.length;
    this.#dropping = false;
    this.#nextCounted = this.#newest + 1;
    connection.send(encodeNumbering(this.#stream, this.#nextCounted));
    connection.owner = {
      onFrame: (type) => {
        throw new FrameError(`frame type ${type}: an accepted control connection only receives`);
      },
      onAlive: () => pulse.answered(),
      onClose: () => {
        pulse.stop();
        if (this.#state !== state) return; // closed by us
        this.#lossPending = true;
        this.#dial();
      },
    };
    this.#spares.renew();
    this.#context.onConnected(introduction);
  }

  #failed(reason: string, refused: boolean): void {
    const wait = backoffMs(this.#failures, refused, this.#context.random);
    this.#failures += 1;
    const timer = setTimeout(() => this.#dial(), wait);
    this.#state = { kind: "waiting", timer };
    if (!this.#lossPending) return;
    this.#lossPending = false;
    this.#context.onLost(reason);
  }
}
