/** One XML-RPC call over HTTP: request → context and document → dispatcher → status and headers. */
import { encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RoutingMode } from "../cluster/routing.js";
import type { Answer, Dispatcher } from "../rpc/dispatcher.js";
import type { CallContext, Route } from "../rpc/ports.js";
import type { Authenticate } from "./authenticate.js";
import { BadCallOption, hopParameter, readCallOptions } from "./call-options.js";
import { checkMediaType, type Expander, expand, expanderFor } from "./content.js";
import { sendError, sendText, xmlType } from "./refusals.js";

export interface RpcRouteOptions {
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly routing: RoutingMode;
  /** Bytes of a body, before and after decompression. */
  readonly maxBody: number;
  readonly authenticate: Authenticate;
  readonly onAnswer: (answer: Answer) => void;
  readonly onRedirect: () => void;
  /** Names this cluster in read tokens; empty before birth. */
  tag(): string;
  /** Sets `Quorate-Index`. */
  readonly stampIndex: (reply: FastifyReply, index: number) => void;
}

const nothing = new Uint8Array();

/** What the headers of a call said, read once, before its body. */
export interface CallHeaders {
  readonly caller: string;
  readonly charset: string | undefined;
  readonly expander: Expander | null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null on addresses that take no calls. */
    callHeaders: CallHeaders | null;
  }
}

export class RpcRoute {
  readonly #options: RpcRouteOptions;

  constructor(options: RpcRouteOptions) {
    this.#options = options;
  }

  /**
   * Before the body is read: what can be refused by its headers alone. False when it was refused here.
   * Throws `BadContent`.
   */
  checkHeaders(request: FastifyRequest, reply: FastifyReply): boolean {
    const { headers } = request.raw;
    const charset = checkMediaType(headers["content-type"]);
    const expander = expanderFor(headers["content-encoding"]);
    const authentication = this.#options.authenticate(request.raw);
    if (authentication.ok) {
      request.callHeaders = { caller: authentication.caller, charset, expander };
      return true;
    }
    if (authentication.statusCode === 401) reply.header("www-authenticate", 'Basic realm="quorate"');
    sendText(reply, authentication.statusCode, authentication.sentence);
    return false;
  }

  handle(request: FastifyRequest, reply: FastifyReply): void {
    const { callHeaders } = request;
    if (callHeaders === null) throw new Error("a call came past the check of its headers");
    const body = request.body instanceof Uint8Array ? request.body : nothing;
    if (callHeaders.expander === null) {
      this.#call(request, reply, callHeaders, body);
      return;
    }
    const { maxBody } = this.#options;
    expand(callHeaders.expander, body, maxBody, (error, expanded) => {
      if (error === null) this.#call(request, reply, callHeaders, expanded);
      else sendError(reply, error, maxBody);
    });
  }

  #call(
    request: FastifyRequest,
    reply: FastifyReply,
    { caller, charset }: CallHeaders,
    document: Uint8Array,
  ): void {
    const { dispatcher, routing, tag, onAnswer } = this.#options;
    const { headers, url = "/" } = request.raw;
    let context: CallContext;
    try {
      context = readCallOptions(url, headers, { mode: routing, tag: tag() }, caller);
    } catch (error) {
      if (!(error instanceof BadCallOption)) throw error;
      reply.type(xmlType).send(encodeFault(new Fault(faultCodes.invalidParams, error.message)));
      return;
    }
    dispatcher.dispatch(document, charset, context, (answer) => {
      onAnswer(answer);
      this.#send(reply, answer, context.route, url);
    });
  }

  #send(reply: FastifyReply, answer: Answer, route: Route, url: string): void {
    const { onRedirect, stampIndex } = this.#options;
    if (answer.index !== null) stampIndex(reply, answer.index);
    if (route === "redirect" && answer.ending === "notLeader" && answer.leaderUrl !== null) {
      onRedirect();
      reply
        .code(307)
        .header("location", redirectTarget(answer.leaderUrl, url))
        .header("cache-control", "no-store");
    } else if (route === "redirect" && answer.ending === "noLeader") {
      reply.code(503).header("retry-after", "1");
    }
    reply.type(xmlType).send(answer.body);
  }
}

/** The same path and query at the leader, marked so that it is not redirected again. */
function redirectTarget(leaderUrl: string, url: string): string {
  return `${leaderUrl}${url}${url.includes("?") ? "&" : "?"}${hopParameter}=1`;
}
