/**
 * Clients that ask before they send a body (`Expect: 100-continue`). Who is refused by the headers alone is told so at
 * once, and need not send it (RFC 9110, section 10.1.1).
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";

const waiting = new WeakMap<IncomingMessage, ServerResponse>();

export function watchExpectations(server: Server): void {
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    server.emit("request", request, response);
  });
  // An expectation that nobody knows may be ignored.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
}

/** The body is going to be read. */
export function askForBody(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return;
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

/** Whether the client was not asked for its body: it may send it nevertheless, or not. */
export function waitsToSend(request: IncomingMessage): boolean {
  return request.headers.expect !== undefined && waiting.has(request);
}
