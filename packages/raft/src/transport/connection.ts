import type { Socket } from "node:net";
import {
  encodeFrame,
  type Frame,
  FrameError,
  FrameReader,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
} from "./frame.js";

export interface ConnectionLimits {
  /** Largest frame in either direction once the handshake is over, in bytes. */
  readonly maxFrameBytes: number;
  /** Bytes that may wait for the socket. */
  readonly maxQueueBytes: number;
  /** A write without progress for this long closes the connection, in milliseconds. */
  readonly stallMs: number;
}

/** Who is told what happens on a connection; replaced when the handshake is over. */
export interface ConnectionOwner {
  /** A `FrameError` thrown here closes the connection. */
  onFrame(type: number, body: Uint8Array): void;
  /** The other end answered a question for a sign of life: see `asked` and `answered`. */
  onAlive?(): void;
  /** Exactly once, whoever closed it. */
  onClose(reason: string): void;
}

/**
 * One socket that speaks frames. Frames sent in one turn leave in one write; what waits is bounded by the
 * caller through `queuedBytes`; a peer that stops reading is cut off.
 */
export class Connection {
  owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #reader: FrameReader;
  #reason: string | null = null;
  #corked = false;
  #heard = true;
  #asked = 0;
  #answered = 0;
  #probe: NodeJS.Timeout | null = null;

  /** `socket` may still be connecting. */
  constructor(socket: Socket, limits: ConnectionLimits, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#limits = limits;
    this.owner = owner;
    this.#reader = new FrameReader(HANDSHAKE_FRAME_BYTES_MAX, (type, body) => this.#receive(type, body));
    socket.setNoDelay(true);
    socket.setTimeout(limits.stallMs);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    // Node fires this after `stallMs` without reading and without progress of a write; idle is not stalled.
    socket.on("timeout", () => {
      if (socket.writableLength > 0) this.close(`wrote nothing for ${limits.stallMs} ms`);
    });
    socket.on("end", () => this.close("closed by the other side"));
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => {
      this.#stop(this.#reason ?? "closed by the other side");
      this.owner.onClose(this.#reason ?? "");
    });
  }

  get remote(): string {
    return `${this.#socket.remoteAddress ?? "unknown address"}:${this.#socket.remotePort ?? 0}`;
  }

  get open(): boolean {
    return this.#reason === null;
  }

  /** Bytes handed over and not yet taken by the operating system. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** True when so many bytes may be sent. An empty queue takes any frame: a large one is slow, never impossible. */
  hasRoomFor(bytes: number): boolean {
    const { maxFrameBytes, maxQueueBytes } = this.#limits;
    const queued = this.queuedBytes;
    return bytes <= maxFrameBytes && (queued === 0 || queued + bytes <= maxQueueBytes);
  }

  /** The other side is authenticated: frames may be as large as the options say. */
  allowLargeFrames(): void {
    this.#reader.frameBytesMax = this.#limits.maxFrameBytes;
  }

  send(frame: Frame): void {
    if (!this.open) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => this.flush());
    }
    for (const part of frame.parts) this.#socket.write(part);
  }

  /** What was sent in this turn leaves now instead of at its end. */
  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  /** Asks the other end for a sign of life; without one within `stallMs` the connection is closed. */
  probe(): void {
    if (this.#probe !== null || !this.open) return;
    this.#probe = setTimeout(
      () => this.close(`no sign of life for ${this.#limits.stallMs} ms`),
      this.#limits.stallMs,
    );
    this.ask();
  }

  /** Asks the other end for a sign of life; nothing follows from its silence here. */
  ask(): void {
    this.#asked += 1;
    this.send(encodeFrame(FrameType.probe, []));
  }

  /** Questions for a sign of life so far, and how many of them were answered: in order, as all that TCP carries. */
  get asked(): number {
    return this.#asked;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Whether anything arrived since the last time this was asked; a new connection has just been heard. */
  takeHeard(): boolean {
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  /** Closes at once, even if a last frame is still on its way; what waits is lost. The first reason counts. */
  close(reason: string): void {
    this.#stop(reason);
    this.#socket.destroy();
  }

  /** Sends `frame`, then closes. The stall limit holds for this too. */
  closeAfter(frame: Frame | null, reason: string): void {
    if (!this.open) return;
    if (frame === null) {
      this.close(reason);
      return;
    }
    this.send(frame);
    this.#stop(reason);
    process.nextTick(() => this.#socket.destroySoon());
  }

  #stop(reason: string): void {
    this.#reason ??= reason;
    this.#reader.stop();
    if (this.#probe !== null) clearTimeout(this.#probe);
    this.#probe = null;
  }

  #read(chunk: Buffer): void {
    if (!this.open) return;
    this.#heard = true;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(error.message);
    }
  }

  #receive(type: number, body: Uint8Array): void {
    if (this.#probe !== null) clearTimeout(this.#probe);
    this.#probe = null;
    if (type === FrameType.alive) {
      this.#answered = Math.min(this.#answered + 1, this.#asked);
      this.owner.onAlive?.();
    } else if (type === FrameType.probe) this.send(encodeFrame(FrameType.alive, []));
    else this.owner.onFrame(type, body);
  }
}
