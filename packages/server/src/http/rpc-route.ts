/** One XML-RPC call over HTTP: request → context and document → dispatcher → status and headers. */
import { encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RoutingMode } from "../cluster/routing.js";
import type { Answer, Dispatcher } from "../rpc/dispatcher.js";
import type { CallContext, Route } from "../rpc/ports.js";
import type { Authenticate } from "./authenticate.js";
import { BadCallOption, hopParameter, readCallOptions } from "./call-options.js";
import { checkMediaType, expand, expanderFor } from "./content.js";
import { sendError, sendText, xmlType } from "./refusals.js";

export interface RpcRouteOptions {
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly routing: RoutingMode;
  /** Bytes of a body, before and after decompression. */
  readonly maxBody: number;
  readonly authenticate: Authenticate;
  readonly onAnswer: (answer: Answer) => void;
  readonly onRedirect: () => void;
  /** Sets `Quorate-Index`. */
  readonly stampIndex: (reply: FastifyReply, index: number) => void;
}

const nothing = new Uint8Array();

export class RpcRoute {
  readonly #options: RpcRouteOptions;

  constructor(options: RpcRouteOptions) {
    this.#options = options;
  }

  /** Before the body is read: what can be refused by its headers alone. Throws `BadContent`. */
  checkHeaders(request: FastifyRequest, reply: FastifyReply): boolean {
    const { headers } = request.raw;
    checkMediaType(headers["content-type"]);
    expanderFor(headers["content-encoding"]);
    const authentication = this.#options.authenticate(request.raw);
    if (authentication.ok) return true;
    if (authentication.statusCode === 401) reply.header("www-authenticate", 'Basic realm="quorate"');
    sendText(reply, authentication.statusCode, authentication.sentence);
    return false;
  }

  handle(request: FastifyRequest, reply: FastifyReply): void {
    const { headers } = request.raw;
    const body = request.body instanceof Uint8Array ? request.body : nothing;
    const expander = expanderFor(headers["content-encoding"]);
    if (expander === null) {
      this.#call(request, reply, body);
      return;
    }
    const { maxBody } = this.#options;
    expand(expander, body, maxBody, (error, expanded) => {
      if (error === null) this.#call(request, reply, expanded);
      else sendError(reply, error, maxBody);
    });
  }

  #call(request: FastifyRequest, reply: FastifyReply, document: Uint8Array): void {
    const { dispatcher, onAnswer } = this.#options;
    const { headers, url = "/" } = request.raw;
    const context = this.#contextOf(request, reply);
    if (context === null) return;
    const charset = checkMediaType(headers["content-type"]);
    dispatcher.dispatch(document, charset, context, (answer) => {
      onAnswer(answer);
      this.#send(reply, answer, context.route, url);
    });
  }

  /** Null when the request asked for what cannot be honoured, and was told so. */
  #contextOf(request: FastifyRequest, reply: FastifyReply): CallContext | null {
    const { authenticate, routing } = this.#options;
    const { headers, url = "/" } = request.raw;
    const authentication = authenticate(request.raw);
    try {
      return readCallOptions(url, headers, routing, authentication.ok ? authentication.caller : "");
    } catch (error) {
      if (!(error instanceof BadCallOption)) throw error;
      reply.type(xmlType).send(encodeFault(new Fault(faultCodes.invalidParams, error.message)));
      return null;
    }
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
