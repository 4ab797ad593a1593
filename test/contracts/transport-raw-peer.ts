/** Peers that speak the wire format by hand, so that tests can misbehave where a real transport would not. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { NodeIntroduction } from "@quorate/raft";
import {
  AcceptorHandshake,
  DialerHandshake,
  type Frame,
  FrameReader,
  type HandshakeParty,
  NONCE_BYTES,
} from "@quorate/raft/tcp";

export const secret = new Uint8Array(Buffer.from("a secret of the tests"));

export function introductionOf(nodeId: string, incarnation = `${nodeId}-1`): NodeIntroduction {
  return {
    clusterName: "test",
    nodeId,
    incarnation,
    clusterId: null,
    memberListDigest: "d",
    membershipIndex: 0,
    peer: "p",
    http: "h",
    retires: null,
  };
}

function partyOf(introduction: NodeIntroduction): HandshakeParty {
  return {
    versions: { lowest: 3, highest: 3 },
    secret,
    nonce: new Uint8Array(NONCE_BYTES).fill(9),
    introduction: () => introduction,
    judge: () => null,
  };
}

export function write(socket: Socket, frame: Frame): void {
  for (const part of frame.parts) socket.write(part);
}

/** Runs the handshake on `socket`; resolves with its channel when it is established, rejects when it is not. */
function shake(socket: Socket, handshake: AcceptorHandshake | DialerHandshake): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader: FrameReader = new FrameReader(8192, (type, body) => {
      const step = handshake.receive(type, body);
      if (step.reply !== null) write(socket, step.reply);
      if (step.kind === "continue") return;
      reader.stop();
      socket.off("data", read);
      if (step.kind === "established") resolve(step.channel);
      else reject(new Error(step.reason));
    });
    const read = (chunk: Buffer) => reader.push(chunk);
    socket.on("data", read);
    socket.once("close", () => reject(new Error("closed during the handshake")));
  });
}

/** An authenticated dialer. */
export async function dialRaw(
  port: number,
  introduction: NodeIntroduction,
  intended: string,
  channel: "control" | "firstSpare" = "control",
): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const handshake = new DialerHandshake(partyOf(introduction), channel, intended);
  const shaken = shake(socket, handshake);
  write(socket, handshake.hello);
  await shaken;
  return socket;
}

/** Listens and accepts every handshake, then leaves the sockets alone, unread. */
export class RawAcceptor {
  /** Control connections. */
  readonly sockets: Socket[] = [];
  readonly server: Server;
  readonly #others: Socket[] = [];
  #wake: () => void = () => undefined;

  private constructor(nodeId: string) {
    this.server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      shake(socket, new AcceptorHandshake(partyOf(introductionOf(nodeId)))).then(
        (channel) => {
          socket.pause();
          (channel === "control" ? this.sockets : this.#others).push(socket);
          this.#wake();
        },
        () => socket.destroy(),
      );
    });
  }

  static async listen(nodeId: string): Promise<RawAcceptor> {
    const acceptor = new RawAcceptor(nodeId);
    acceptor.server.listen(0, "127.0.0.1");
    await once(acceptor.server, "listening");
    return acceptor;
  }

  get address(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `127.0.0.1:${address.port}`;
  }

  /** Control connections that were established, whatever became of them. */
  get dialled(): number {
    return this.sockets.length;
  }

  /** The n-th of them (from 0). */
  async socket(n: number): Promise<Socket> {
    for (;;) {
      const socket = this.sockets[n];
      if (socket !== undefined) return socket;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.server.close();
    for (const socket of [...this.sockets, ...this.#others]) socket.destroy();
  }
}
