/** One XML-RPC call over HTTP: request → context and document → dispatcher → status and headers. */
import type { OutgoingHttpHeaders } from "node:http";
import { encodeFault, Fault, faultCodes } from "@quorate/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RoutingMode } from "../cluster/routing.js";
import type { Answer } from "../rpc/answer.js";
import type { Dispatcher } from "../rpc/dispatcher.js";
import type { CallContext, Route } from "../rpc/ports.js";
import type { Authenticate } from "./authenticate.js";
import { readBody } from "./body.js";
import { BodyBudget, bodyBudgetFor } from "./body-budget.js";
import { BadCallOption, hopParameter, readCallOptions } from "./call-options.js";
import { checkMediaType, type Expander, expand, expanderFor } from "./content.js";
import { sendError, sendText, xmlType } from "./refusals.js";

export interface RpcRouteOptions {
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly routing: RoutingMode;
  /** Bytes of a body, before and after decompression. */
  readonly maxBody: number;
  /** Bytes of all bodies that are coming in. Default: `bodyBudgetFor(maxBody)`. */
  readonly bodyBudget?: number;
  readonly authenticate: Authenticate;
  /** `seconds`: from when the whole document was there. */
  readonly onAnswer: (answer: Answer, seconds: number) => void;
  readonly onRedirect: () => void;
  /** Names this cluster in read tokens; empty before birth. */
  tag(): string;
  /** What every answer tells of the node; `index`: everything up to it was applied where the result was made. */
  nodeFields(index: number | null): OutgoingHttpHeaders;
}

/** What the headers of a call said, read once, before its body. */
interface CallHeaders {
  readonly caller: string;
  readonly charset: string | undefined;
  readonly expander: Expander | null;
}

/** Up to here header and body leave as one text, written at once; the copy of a large body would cost more. */
const joinedBytesMax = 16 * 1024;

export class RpcRoute {
  readonly #options: RpcRouteOptions;
  readonly #bodies: BodyBudget;

  constructor(options: RpcRouteOptions) {
    this.#options = options;
    this.#bodies = new BodyBudget(options.bodyBudget ?? bodyBudgetFor(options.maxBody));
  }

  /**
   * Takes a request whose headers have come, and answers it. It reads the body itself, because fastify would
   * make an asynchronous resource, a list and several hooks of every call.
   * Throws `BadContent` for what its headers alone forbid.
   */
  take(request: FastifyRequest, reply: FastifyReply): void {
    const { headers } = request.raw;
    const charset = checkMediaType(headers["content-type"]);
    const expander = expanderFor(headers["content-encoding"]);
    const authentication = this.#options.authenticate(request.raw);
    if (!authentication.ok) {
      if (authentication.statusCode === 401) reply.header("www-authenticate", 'Basic realm="quorate"');
      sendText(reply, authentication.statusCode, authentication.sentence);
      return;
    }
    const { maxBody } = this.#options;
    const callHeaders = { caller: authentication.caller, charset, expander };
    readBody(request.raw, maxBody, this.#bodies, (error, body) => {
      try {
        if (error === null) this.#expand(request, reply, callHeaders, body);
        else sendError(reply, error, maxBody);
      } catch (thrown) {
        reply.send(thrown);
      }
    });
  }

  #expand(request: FastifyRequest, reply: FastifyReply, callHeaders: CallHeaders, body: Uint8Array): void {
    if (callHeaders.expander === null) {
      this.#call(request, reply, callHeaders, body);
      return;
    }
    const { maxBody } = this.#options;
    expand(callHeaders.expander, Uint8Array.from(body), maxBody, (error, expanded) => {
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
    const since = performance.now();
    dispatcher.dispatch(document, charset, context, (answer) => {
      onAnswer(answer, (performance.now() - since) / 1_000);
      this.#send(reply, answer, context.route, url);
    });
  }

  #send(reply: FastifyReply, answer: Answer, route: Route, url: string): void {
    const { onRedirect } = this.#options;
    if (route === "redirect" && answer.ending === "notLeader" && answer.leaderUrl !== null) {
      onRedirect();
      reply
        .code(307)
        .header("location", redirectTarget(answer.leaderUrl, url))
        .header("cache-control", "no-store");
    } else if (route === "redirect" && answer.ending === "noLeader") {
      reply.code(503).header("retry-after", "1");
    } else {
      this.#sendResult(reply, answer);
      return;
    }
    reply.type(xmlType).send(answer.body);
  }

  /** Past fastify, which would write header and body apart. */
  #sendResult(reply: FastifyReply, { body, index }: Answer): void {
    reply.hijack();
    const fields = this.#options.nodeFields(index);
    fields["content-type"] = xmlType;
    fields["content-length"] = body.length;
    const response = reply.raw.writeHead(200, fields);
    // Latin-1 keeps every byte as it is, whatever the text says.
    if (body.length <= joinedBytesMax) response.end(latin1(body), "latin1");
    else response.end(body);
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

/** The same path and query at the leader, marked so that it is not redirected again. */
function redirectTarget(leaderUrl: string, url: string): string {
  return `${leaderUrl}${url}${url.includes("?") ? "&" : "?"}${hopParameter}=1`;
}
