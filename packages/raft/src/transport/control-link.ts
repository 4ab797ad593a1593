import type { NodeId } from "../core/index.js";
import type { NodeIntroduction, PeerMessage } from "../ports/index.js";
import { backoffMs } from "./backoff.js";
import type { Connection } from "./connection.js";
import type { DialOutcome } from "./dial.js";
import { FrameError } from "./frame.js";
import { encodeMessage, payloadBytes } from "./message-codec.js";

/** What a link needs from its transport. Events may be delivered while the link is being called; none inside `send`. */
export interface ControlLinkContext {
  /** Dials the control channel of `peer` at `address`; returns a function that gives up. */
  dial(peer: NodeId, address: string, outcome: DialOutcome): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  onConnected(introduction: NodeIntroduction): void;
  onLost(reason: string): void;
  onDropped(): void;
}

type State =
  | { readonly kind: "dialing"; readonly cancel: () => void }
  | { readonly kind: "connected"; readonly connection: Connection; readonly incarnation: string }
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "stopped" };

/**
 * Keeps the control connection to one peer: this node's own sending direction. When it closes and we did not
 * close it, one redial decides at once: connected again, or the peer is lost. Afterwards dials go on with
 * back-off, until `stop`.
 */
export class ControlLink {
  readonly peer: NodeId;
  readonly #context: ControlLinkContext;
  #addresses: readonly string[];
  #state: State = { kind: "stopped" };
  /** The connection was open and closed by itself; the dial that runs decides whether the peer is lost. */
  #lossPending = false;
  #failures = 0;
  /** A drop was reported and the queue has not drained since. */
  #dropping = false;

  /** Tried in turn, the first one first. */
  constructor(peer: NodeId, addresses: readonly string[], context: ControlLinkContext) {
    this.peer = peer;
    this.#addresses = addresses;
    this.#context = context;
  }

  /** The one that was dialled last, or is to be dialled next. */
  get address(): string {
    return this.#addresses[this.#failures % this.#addresses.length] ?? "";
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  get connection(): Connection | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state.connection : null;
  }

  /** Of the peer as connected right now. */
  get incarnation(): string | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state.incarnation : null;
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
    const connection = this.connection;
    if (connection === null) return;
    const frame = connection.hasRoomFor(payloadBytes(message)) ? encodeMessage(message) : null;
    if (frame !== null && connection.hasRoomFor(frame.bytes)) {
      this.#dropping = false;
      connection.send(frame);
    } else if (!this.#dropping) {
      this.#dropping = true;
      process.nextTick(() => this.#context.onDropped());
    }
  }

  flush(): void {
    this.connection?.flush();
  }

  /** Closes without any event. */
  stop(): void {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    this.#lossPending = false;
    this.#failures = 0;
    if (state.kind === "dialing") state.cancel();
    if (state.kind === "connected") state.connection.close("closed by this node");
    if (state.kind === "waiting") clearTimeout(state.timer);
  }

  #dial(): void {
    const cancel = this.#context.dial(this.peer, this.address, {
      onEstablished: (connection, introduction) => this.#established(connection, introduction),
      onFailed: (reason, refused) => this.#failed(reason, refused),
    });
    this.#state = { kind: "dialing", cancel };
  }

  #established(connection: Connection, introduction: NodeIntroduction): void {
    const state: State = { kind: "connected", connection, incarnation: introduction.incarnation };
    this.#state = state;
    this.#lossPending = false;
    // The address that works stays the first one to try.
    this.#failures %= this.#addresses.length;
    this.#dropping = false;
    connection.owner = {
      onFrame: (type) => {
        throw new FrameError(`frame type ${type}: an accepted control connection only receives`);
      },
      onClose: () => {
        if (this.#state !== state) return; // closed by us
        this.#lossPending = true;
        this.#dial();
      },
    };
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
