/** Limits of the HTTP server, each set on purpose: Node's and fastify's own are too long or absent. */

import type { Server } from "node:http";
import type { FastifyHttpOptions } from "fastify";

/** A request's headers must be complete by then; ends slow-loris connections. */
const headersTimeoutMs = 10_000;
/** The whole request must be here by then. */
const requestTimeoutMs = 30_000;
/** Several clients send a POST again by themselves when an idle connection dies under them: keep it long. */
const keepAliveTimeoutMs = 75_000;
/** Silence on a socket in the middle of anything: also a client that does not read its answer. */
const socketTimeoutMs = 120_000;
/** How often Node looks for connections beyond these limits; its default of 30 s would make them meaningless. */
const checkIntervalMs = 1_000;
export const connectionsMax = 10_000;

export const serverOptions = {
  http: {
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    maxHeaderSize: 16 * 1024,
    noDelay: true,
    insecureHTTPParser: false,
    // Node's own refusal has no Content-Length; `app.ts` refuses the same requests.
    requireHostHeader: false,
  },
  requestTimeout: requestTimeoutMs,
  keepAliveTimeout: keepAliveTimeoutMs,
  connectionTimeout: socketTimeoutMs,
  // While stopping, calls on open connections are still answered; each answer closes its connection.
  return503OnClosing: false,
  forceCloseConnections: "idle",
  exposeHeadRoutes: false,
  logger: false,
} satisfies FastifyHttpOptions<Server>;
