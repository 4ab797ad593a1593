/** Answers that are not results: a sentence with a status, for broken requests and wrong addresses. */
import type { Socket } from "node:net";
import { encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { BadContent, tooLarge } from "./content.js";

export const xmlType = "text/xml; charset=utf-8";
const textType = "text/plain; charset=utf-8";

/** A sentence for people, in one line. */
export function sendText(reply: FastifyReply, statusCode: number, sentence: string): FastifyReply {
  return reply.code(statusCode).type(textType).send(`${sentence}\n`);
}

/** Of what was thrown before a call could be decoded. */
export function sendError(reply: FastifyReply, error: unknown, maxBody: number): FastifyReply {
  const statusCode = statusOf(error);
  if (statusCode === 413) {
    // The client may still be sending: the connection cannot be used for another call.
    reply.header("connection", "close");
    const { message } = tooLarge(maxBody);
    return reply
      .code(413)
      .type(xmlType)
      .send(encodeFault(new Fault(faultCodes.tooLarge, message)));
  }
  if (error instanceof BadContent) return sendText(reply, statusCode, error.message);
  return sendText(
    reply,
    statusCode,
    statusCode === 500 ? "this node failed; its log says why" : "the request is broken",
  );
}

function statusOf(error: unknown): number {
  const statusCode =
    typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  return typeof statusCode === "number" && statusCode >= 400 ? statusCode : 500;
}

export type AllowedMethods = ReadonlyMap<string, readonly string[]>;

/** 405 with what is allowed where the path exists, else 404. */
export function sendNoRoute(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: AllowedMethods,
): FastifyReply {
  const path = request.raw.url?.split("?", 1)[0] ?? "";
  const methods = allowed.get(path);
  if (methods === undefined) {
    return sendText(reply, 404, "nothing is here; calls go to /RPC2, and GET / shows the state of this node");
  }
  const list = methods.join(", ");
  return sendText(reply.header("allow", list), 405, `this address takes ${list}`);
}

const brokenRequests: ReadonlyMap<string, readonly [statusLine: string, sentence: string]> = new Map([
  ["HPE_HEADER_OVERFLOW", ["431 Request Header Fields Too Large", "the headers are too large"]],
  ["ERR_HTTP_REQUEST_TIMEOUT", ["408 Request Timeout", "the request did not arrive in time"]],
]);

/** Node could not parse the request, or it came too slowly: there is no request object to answer. */
export function refuseBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [statusLine, sentence] = brokenRequests.get(error.code ?? "") ?? [
    "400 Bad Request",
    "this is not HTTP",
  ];
  const body = `${sentence}\n`;
  socket.end(
    `HTTP/1.1 ${statusLine}\r\nContent-Type: ${textType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
