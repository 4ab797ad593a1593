/**
 * Stands between two transports and can hold back what passes on one of their connections, both ways and
 * without closing it: to TCP a path on which every packet gets lost, and to the ends a connection that is stuck.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { FrameReader, FrameType } from "@quorate/raft/tcp";

/** Channels of the handshake, by their number on the wire. */
const channels = ["control", "bulk", "firstSpare", "secondSpare"] as const;
export type Lane = (typeof channels)[number];

interface Passage {
  readonly lane: Lane;
  readonly ends: readonly [Socket, Socket];
  /** What is held back, with where it belongs; null while nothing is. */
  held: [Socket, Buffer][] | null;
  /** Frames that the acceptor sent. */
  answers: number;
  /** Bytes that the dialer sent, held back ones included. */
  bytes: number;
}

export class LaneProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #passages: Passage[] = [];
  readonly #stalled = new Set<Lane>();
  readonly #waiting = new Set<() => void>();

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async to(port: number): Promise<LaneProxy> {
    const proxy = new LaneProxy(port);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `127.0.0.1:${address.port}`;
  }

  /** From now on nothing passes there, on new connections neither. */
  stall(...lanes: readonly Lane[]): void {
    for (const lane of lanes) this.#stalled.add(lane);
    for (const passage of this.#passages) if (lanes.includes(passage.lane)) passage.held ??= [];
  }

  /** What was held back goes, in order, and all that follows. */
  resume(...lanes: readonly Lane[]): void {
    for (const lane of lanes) this.#stalled.delete(lane);
    for (const passage of this.#passages) {
      if (!lanes.includes(passage.lane)) continue;
      for (const [to, chunk] of passage.held ?? []) to.write(chunk);
      passage.held = null;
    }
  }

  /** Connections of that lane so far. */
  dialled(lane: Lane): number {
    return this.#passages.filter((passage) => passage.lane === lane).length;
  }

  /** What was sent on that lane so far, in bytes. */
  bytes(lane: Lane): number {
    return this.#passages.reduce((sum, passage) => sum + (passage.lane === lane ? passage.bytes : 0), 0);
  }

  /** Resolves when so many connections of that lane have been dialled. */
  async until(lane: Lane, times: number): Promise<void> {
    while (this.dialled(lane) < times) await this.#news();
  }

  /** Resolves when a connection of that lane has finished its handshake: the acceptor's third frame accepts. */
  async untilOpen(lane: Lane): Promise<void> {
    while (!this.#passages.some((passage) => passage.lane === lane && passage.answers >= 3))
      await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Resolves when no connection of these lanes is open. */
  async gone(...lanes: readonly Lane[]): Promise<void> {
    for (const { lane, ends } of this.#passages) {
      for (const end of lanes.includes(lane) ? ends : []) {
        if (!end.closed) await new Promise((resolve) => end.once("close", resolve));
      }
    }
  }

  /** Nobody is let through any more, and the ends are told. */
  close(): void {
    this.#server.close();
    for (const { ends } of this.#passages) for (const end of ends) end.destroy();
  }

  #accept(dialer: Socket): void {
    const acceptor = connect(this.#target, "127.0.0.1");
    const ends = [dialer, acceptor] as const;
    for (const [from, to] of [ends, [acceptor, dialer] as const]) {
      from.on("error", () => from.destroy());
      from.on("close", () => to.destroy());
    }
    // The first frame says which lane it is.
    dialer.once("data", (hello: Buffer) => {
      const passage: Passage = { lane: laneOf(hello), ends, held: null, answers: 0, bytes: 0 };
      if (this.#stalled.has(passage.lane)) passage.held = [];
      this.#passages.push(passage);
      this.#wake();
      const pass = (to: Socket, chunk: Buffer) => {
        if (to === acceptor) passage.bytes += chunk.length;
        if (passage.held === null) to.write(chunk);
        else passage.held.push([to, chunk]);
      };
      pass(acceptor, hello);
      dialer.on("data", (chunk: Buffer) => pass(acceptor, chunk));
      const reader = new FrameReader(2 ** 26, () => {
        passage.answers += 1;
        this.#wake();
      });
      acceptor.on("data", (chunk: Buffer) => {
        pass(dialer, chunk);
        reader.push(chunk);
      });
    });
  }
}

function laneOf(hello: Buffer): Lane {
  let lane: Lane | undefined;
  // An array of two versions and the channel, each one byte in msgpack, and the nonce.
  new FrameReader(8192, (type, body) => {
    if (type === FrameType.hello) lane = channels[body[3] ?? -1];
  }).push(hello);
  if (lane === undefined) throw new Error("a connection that does not begin with a hello");
  return lane;
}
