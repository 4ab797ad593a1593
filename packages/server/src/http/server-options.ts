/** Limits of the HTTP server, each set on purpose: Node's and fastify's own are too long or absent. */

import type { Server } from "node:http";
import type { FastifyHttpOptions } from "fastify";

/** What the operator may set. */
export interface HttpLimits {
  /** Connections at the same time; more are closed before a byte is read. */
  readonly maxConnections: number;
  /** A request's headers must be complete by then; ends slow-loris connections. */
  readonly headersTimeoutMs: number;
  /** The whole request must be here by then. */
  readonly requestTimeoutMs: number;
  /** Silence between two requests. */
  readonly keepAliveTimeoutMs: number;
}

/** Silence on a socket in the middle of anything: also a client that does not read its answer. */
const socketTimeoutMs = 120_000;
/** How often Node looks for connections beyond these limits; its default of 30 s would make them meaningless. */
const checkIntervalMs = 1_000;

export function serverOptions(limits: Omit<HttpLimits, "maxConnections">) {
  return {
    http: {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(checkIntervalMs, limits.headersTimeoutMs),
      maxHeaderSize: 16 * 1024,
      noDelay: true,
      insecureHTTPParser: false,
      // Node's own refusal has no Content-Length; `app.ts` refuses the same requests.
      requireHostHeader: false,
    },
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionTimeout: socketTimeoutMs,
    // While stopping, calls on open connections are still answered; each answer closes its connection.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    exposeHeadRoutes: false,
    logger: false,
  } satisfies FastifyHttpOptions<Server>;
}
