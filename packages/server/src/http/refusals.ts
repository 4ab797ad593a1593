/** Answers that are not results: a sentence with a status, for broken requests and wrong addresses. */
import { encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { BadContent, Overloaded, tooLarge } from "./content.js";
import { lingerAfterAnswer } from "./linger.js";

export const xmlType = "text/xml; charset=utf-8";
export const textType = "text/plain; charset=utf-8";

/** A sentence for people, in one line. */
export function sendText(reply: FastifyReply, statusCode: number, sentence: string): FastifyReply {
  return reply.code(statusCode).type(textType).send(`${sentence}\n`);
}

/** Of what was thrown before a call could be decoded. */
export function sendError(reply: FastifyReply, error: unknown, maxBody: number): FastifyReply {
  // Most clients see a fault only where HTTP says that all is well.
  if (error instanceof Overloaded)
    return sendWhileReceiving(reply, 200, faultCodes.overloaded, error.message);
  const statusCode = statusOf(error);
  if (statusCode === 413) {
    return sendWhileReceiving(reply, 413, faultCodes.tooLarge, tooLarge(maxBody).message);
  }
  if (error instanceof BadContent) return sendText(reply, statusCode, error.message);
  return sendText(
    reply,
    statusCode,
    statusCode === 500 ? "this node failed; its log says why" : "the request is broken",
  );
}

/** The client may still be sending: the connection cannot be used for another call. */
function sendWhileReceiving(
  reply: FastifyReply,
  statusCode: number,
  faultCode: number,
  sentence: string,
): FastifyReply {
  lingerAfterAnswer(reply.raw.req.socket);
  return reply
    .header("connection", "close")
    .code(statusCode)
    .type(xmlType)
    .send(encodeFault(new Fault(faultCode, sentence)));
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
