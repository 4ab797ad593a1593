/**
 * Closing the HTTP server so that no call is lost:
 *
 *     stop listening ─▶ every answer says `Connection: close` ─▶ silent connections close ─▶ the last answer
 *
 * In this order: whom an answer sends away must find the port closed and go to another node, not wait in the
 * queue of a socket that is about to close. A kept connection may carry the next call at any moment, so the
 * silent ones are kept for a while, too: most callers have come by then and were told to go.
 */
import type { Server } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Clock } from "@quorate/raft";

export interface CloseOptions {
  readonly clock: Pick<Clock, "after" | "nextTurn">;
  /** How long a connection without a call in flight may bring one more. */
  readonly silenceMs: number;
  /** Then every connection is cut, also one whose caller does not take the answer. */
  readonly timeoutMs: number;
  /** From this call on every answer must close its connection. */
  readonly onClosing: () => void;
}

/** Knows the open connections of one server, from its start. */
export class Connections {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** Resolves when the last connection is closed. At once when the server does not listen. */
  async closeGently({ clock, silenceMs, timeoutMs, onClosing }: CloseOptions): Promise<void> {
    // Right after the sockets' turn: who has connected before it was accepted in it.
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
    const ended = this.#stopListening();
    onClosing();
    const cancelSilence = clock.after(silenceMs, () => this.#closeSilent());
    const cancelTimeout = clock.after(timeoutMs, () => this.#server.closeAllConnections());
    await ended;
    cancelSilence();
    cancelTimeout();
  }

  #stopListening(): Promise<void> {
    return new Promise((resolve) => {
      // An HTTP server's own `close` would also close the silent connections at once. An error says that it
      // was not listening.
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
  }

  #closeSilent(): void {
    this.#server.closeIdleConnections();
    // Node counts a connection that never brought a byte as busy with its first request.
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }
}
