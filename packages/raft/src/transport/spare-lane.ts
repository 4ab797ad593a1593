import type { NodeIntroduction } from "../ports/index.js";
import { backoffMs } from "./backoff.js";
import type { Connection } from "./connection.js";
import type { DialOutcome } from "./dial.js";
import { type Frame, FrameError } from "./frame.js";
import { Pulse } from "./pulse.js";

/** Bytes of copies without a sign of their arrival. What does not fit is not copied, as if it had been lost. */
const UNCONFIRMED_BYTES_MAX = 128 * 1024;

export interface SpareLaneContext {
  /** Dials the spare channel; returns a function that gives up. */
  dial(outcome: DialOutcome): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  /** Whether a spare connection is of use now; asked before every dial. */
  wanted(): boolean;
  /** The connection is open. */
  onOpen(): void;
  /** It is quiet from now on. */
  onQuiet(): void;
  /** It closed, not by us. */
  onClosed(): void;
  readonly quietMs: number;
  readonly silenceMs: number;
}

type State =
  | { readonly kind: "dialing"; readonly cancel: () => void }
  | {
      readonly kind: "connected";
      readonly connection: Connection;
      readonly incarnation: string;
      readonly pulse: Pulse;
    }
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "idle" };

/**
 * A second connection to a peer, open before it is needed: to open one takes TCP a second or more just when
 * packets get lost. It is a kernel's queue and timer of its own, so that both are seldom stuck at once.
 */
export class SpareLane {
  readonly #context: SpareLaneContext;
  #state: State = { kind: "idle" };
  #failures = 0;
  /** On this connection, in bytes: sent, and surely arrived. */
  #sent = 0;
  #arrived = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(context: SpareLaneContext) {
    this.#context = context;
  }

  get connection(): Connection | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state.connection : null;
  }

  /** Of the peer as connected right now. */
  get incarnation(): string | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state.incarnation : null;
  }

  /** The peer answered here within the last `ms` milliseconds. */
  answeredWithin(ms: number): boolean {
    return this.connection !== null && performance.now() - this.#answeredAt < ms;
  }

  /** Of no use now: it is not there, or what was sent last seems to be stuck. */
  get quiet(): boolean {
    return this.#state.kind !== "connected" || this.#state.pulse.quiet;
  }

  hasRoomFor(bytes: number): boolean {
    return (
      this.connection?.hasRoomFor(bytes) === true &&
      this.#sent - this.#arrived + bytes <= UNCONFIRMED_BYTES_MAX
    );
  }

  /** Without room, the copy is lost. */
  send(copy: Frame): void {
    if (this.#state.kind !== "connected" || !this.hasRoomFor(copy.bytes)) return;
    this.#sent += copy.bytes;
    this.#state.connection.send(copy);
    this.#state.pulse.sent(this.#sent);
  }

  ask(): void {
    if (this.#state.kind === "connected") this.#state.pulse.ask();
  }

  /** Dials, unless it is connected or about to be. */
  start(): void {
    if (this.#state.kind === "waiting") clearTimeout(this.#state.timer);
    if (this.#state.kind === "waiting" || this.#state.kind === "idle") this.#dial();
  }

  stop(): void {
    const state = this.#state;
    this.#state = { kind: "idle" };
    this.#failures = 0;
    if (state.kind === "dialing") state.cancel();
    if (state.kind === "connected") {
      state.pulse.stop();
      state.connection.close("closed by this node");
    }
    if (state.kind === "waiting") clearTimeout(state.timer);
  }

  #dial(): void {
    if (!this.#context.wanted()) {
      this.#state = { kind: "idle" };
      return;
    }
    const cancel = this.#context.dial({
      onEstablished: (connection, introduction) => this.#established(connection, introduction),
      onFailed: (_, refused) => this.#dialLater(refused),
    });
    this.#state = { kind: "dialing", cancel };
  }

  #dialLater(refused: boolean): void {
    const wait = backoffMs(this.#failures, refused, this.#context.random);
    this.#failures += 1;
    this.#state = { kind: "waiting", timer: setTimeout(() => this.#dial(), wait) };
  }

  #established(connection: Connection, { incarnation }: NodeIntroduction): void {
    const { quietMs, silenceMs, onOpen, onQuiet, onClosed } = this.#context;
    const pulse = new Pulse(connection, {
      quietMs,
      silenceMs,
      onAnswered: (position) => {
        this.#failures = 0;
        this.#arrived = position;
        this.#answeredAt = performance.now();
      },
      onQuiet,
      onSilent: () => {
        if (this.#state === state) this.#dialLater(false);
        connection.close(`no answer for ${silenceMs} ms`);
      },
    });
    const state: State = { kind: "connected", connection, incarnation, pulse };
    this.#state = state;
    this.#sent = 0;
    this.#arrived = 0;
    this.#answeredAt = performance.now();
    connection.owner = {
      onFrame: (type) => {
        throw new FrameError(`frame type ${type}: an accepted spare connection only receives`);
      },
      onAlive: () => pulse.answered(),
      onClose: () => {
        pulse.stop();
        if (this.#state !== state) return; // closed by us
        this.#dialLater(false);
        onClosed();
      },
    };
    onOpen();
  }
}
