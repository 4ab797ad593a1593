/**
 * Ending a connection whose client is still sending. Closing it at once would make the system answer the rest of
 * the request with a reset, which also wipes out an answer that the client has not read yet: it would see a broken
 * connection instead of a status, and several clients then send the call again.
 */
import type { Socket } from "node:net";

/** For so long what still comes is thrown away. */
const lingerMs = 10_000;

/** Nothing more is written; the connection closes when the client does, or after a while. */
export function endGently(socket: Socket, lastWords = ""): void {
  socket.end(lastWords);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

const lingering = new WeakSet<Socket>();

/** The answer that is about to be written says `Connection: close`: after it, end gently. */
export function lingerAfterAnswer(socket: Socket): void {
  lingering.add(socket);
  // What Node calls after the last answer of a connection; its own closes as soon as everything is written.
  socket.destroySoon = () => endGently(socket);
}

/** Whether its last answer was given already: what else comes must not be executed (RFC 9112, section 9.6). */
export function hasHadLastAnswer(socket: Socket): boolean {
  return lingering.has(socket);
}
