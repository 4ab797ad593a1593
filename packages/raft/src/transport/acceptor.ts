import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { NodeId } from "../core/index.js";
import type { NodeIntroduction } from "../ports/index.js";
import { Connection } from "./connection.js";
import type { Party } from "./dial.js";
import { AcceptorHandshake, type Channel, type HandshakeStep, NONCE_BYTES } from "./handshake.js";
import type { Settings } from "./options.js";

export interface AcceptorContext {
  readonly party: Party;
  /** The callee owns the connection from here on and sets its `owner` inside this call. */
  onAccepted(connection: Connection, introduction: NodeIntroduction, channel: Channel): void;
  onRefused(peer: NodeId | string, reason: string): void;
}

/** Shakes hands with whoever connects. Strangers cost little: few at once, small frames, a deadline. */
export class Acceptor {
  readonly #settings: Settings;
  readonly #context: AcceptorContext;
  readonly #shaking = new Set<Connection>();

  constructor(settings: Settings, context: AcceptorContext) {
    this.#settings = settings;
    this.#context = context;
  }

  accept(socket: Socket): void {
    const { maxHandshakes, connectTimeoutMs, log } = this.#settings;
    if (this.#shaking.size >= maxHandshakes) {
      log.debug(
        { remote: socket.remoteAddress },
        "too many peer connections in their handshake: one was closed",
      );
      socket.destroy();
      return;
    }
    const handshake = new AcceptorHandshake({ ...this.#context.party, nonce: randomBytes(NONCE_BYTES) });
    const connection: Connection = new Connection(socket, this.#settings, {
      onFrame: (type, body) => advance(handshake.receive(type, body)),
      onClose: (reason) => {
        leave();
        log.debug({ remote, reason }, "a connection closed before its handshake was over");
      },
    });
    const { remote } = connection;
    const deadline = setTimeout(
      () => connection.close("handshake not finished in time"),
      2 * connectTimeoutMs,
    );
    const leave = () => {
      clearTimeout(deadline);
      this.#shaking.delete(connection);
    };
    const advance = (step: HandshakeStep) => {
      if (step.kind === "continue") {
        connection.send(step.reply);
      } else if (step.kind === "established") {
        leave();
        connection.allowLargeFrames();
        if (step.reply !== null) connection.send(step.reply);
        this.#context.onAccepted(connection, step.peer, step.channel);
      } else {
        const reason =
          step.by === "us" ? step.reason : `${step.peer ?? remote} refused this node: ${step.reason}`;
        connection.closeAfter(step.reply, reason);
        this.#context.onRefused(step.peer ?? remote, reason);
      }
    };
    this.#shaking.add(connection);
  }

  close(): void {
    for (const connection of this.#shaking) connection.close("closed by this node");
  }
}
