/** Requests that Node could not parse, or that came too slowly: there is no request object to answer. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { endGently, hasHadLastAnswer } from "./linger.js";
import { textType } from "./refusals.js";

const refusals: ReadonlyMap<string, readonly [statusLine: string, sentence: string]> = new Map([
  ["HPE_HEADER_OVERFLOW", ["431 Request Header Fields Too Large", "the headers are too large"]],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", ["413 Content Too Large", "the chunk extensions are too large"]],
  ["ERR_HTTP_REQUEST_TIMEOUT", ["408 Request Timeout", "the request did not arrive in time"]],
]);
const notHttp = ["400 Bad Request", "this is not HTTP"] as const;

/**
 * Answers them in their turn: with pipelining, calls that came before may still be under way, and a client that
 * read the refusal of a later one as the answer to an earlier one would take what was executed for refused.
 */
export class BrokenRequests {
  /** Answers that were not written to their end yet, in order, of each connection. */
  readonly #unanswered = new WeakMap<Socket, ServerResponse[]>();
  readonly #refused = new WeakSet<Socket>();

  watch(server: Server): void {
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const answers = this.#unanswered.get(request.socket);
      if (answers === undefined) {
        this.#unanswered.set(request.socket, [response]);
        return;
      }
      let kept = 0;
      for (const answer of answers) if (!answer.writableFinished) answers[kept++] = answer;
      answers.length = kept;
      answers.push(response);
    });
  }

  refuse(error: Error & { readonly code?: string }, socket: Socket): void {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    if (this.#refused.has(socket) || hasHadLastAnswer(socket)) return;
    this.#refused.add(socket);
    const [statusLine, sentence] = refusals.get(error.code ?? "") ?? notHttp;
    const send = () => writeRefusal(socket, statusLine, sentence);
    const before = this.#unanswered
      .get(socket)
      ?.findLast((answer) => !answer.writableFinished && answer.req.complete);
    if (before === undefined) send();
    else before.once("close", send);
  }
}

/** A whole response on a connection that Node's HTTP no longer serves; it is the last one. */
export function writeRefusal(socket: Socket, statusLine: string, sentence: string, headers = ""): void {
  if (!socket.writable) return;
  const body = `${sentence}\n`;
  endGently(
    socket,
    `HTTP/1.1 ${statusLine}\r\nContent-Type: ${textType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `${headers}Connection: close\r\n\r\n${body}`,
  );
}
