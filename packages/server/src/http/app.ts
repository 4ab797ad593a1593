/**
 * The HTTP face of a node, a thin skin over the dispatcher: `buildApp(deps)` listens nowhere by itself and
 * can be tried with `inject`.
 *
 *     POST /RPC2, /        calls                       GET /leader, /livez, /readyz   probes: 200 or 503
 *     GET  /RPC2           methods, as a page          GET /status                    JSON
 *     GET  /               state of this node          GET /metrics                   Prometheus
 */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { NodeStatus } from "@quorate/raft";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import type { ClusterView } from "../cluster/cluster-watch.js";
import { formatToken } from "../cluster/read-token.js";
import type { RoutingMode } from "../cluster/routing.js";
import type { MemberReport, StatusReport } from "../cluster/status.js";
import { callPath, isReserved } from "../config/call-paths.js";
import type { Dispatcher } from "../rpc/dispatcher.js";
import type { Authenticate } from "./authenticate.js";
import { BrokenRequests, writeRefusal } from "./broken-requests.js";
import { askForBody, waitsToSend, watchExpectations } from "./expectations.js";
import { faultyFraming } from "./framing.js";
import { describeChecks, readinessChecks, readinessStatus } from "./health.js";
import { hasHadLastAnswer, lingerAfterAnswer } from "./linger.js";
import type { Metrics } from "./metrics.js";
import { methodsPage } from "./pages/methods-page.js";
import { contentSecurityPolicy } from "./pages/page.js";
import { statusPage } from "./pages/status-page.js";
import { sendError, sendNoRoute, sendText } from "./refusals.js";
import { RpcRoute } from "./rpc-route.js";
import { type HttpLimits, serverOptions } from "./server-options.js";

/**
 * On its way out a node first says that it is not ready and goes on answering (`draining`), so that callers
 * find another one; then every answer closes its connection (`closing`).
 */
export type Phase = "serving" | "draining" | "closing";

export interface AppDependencies {
  readonly nodeId: string;
  readonly clusterName: string;
  /** Name of the service that is served. */
  readonly serviceName: string;
  /** This node's base URL as clients reach it. */
  readonly advertise: string;
  readonly dispatcher: Pick<Dispatcher, "dispatch" | "describe">;
  readonly authenticate: Authenticate;
  readonly routing: RoutingMode;
  /** Paths that take calls. */
  readonly paths: readonly string[];
  /** Bytes of a body, before and after decompression. */
  readonly maxBody: number;
  readonly limits: HttpLimits;
  readonly metrics: Metrics;
  view(): ClusterView;
  /** Last log index executed here. */
  appliedIndex(): number;
  status(): NodeStatus;
  report(): StatusReport;
  members(): readonly MemberReport[];
  phase(): Phase;
  readonly onFailure: (error: unknown, url: string) => void;
}

const probeMethods = ["GET", "HEAD", "OPTIONS"];

export function buildApp(deps: AppDependencies): FastifyInstance {
  const { maxBody } = deps;
  const fail = (error: unknown, url: string, reply: FastifyReply) => {
    const statusCode =
      typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : 500;
    if (statusCode === 500) deps.onFailure(error, url);
    return sendError(reply, error, maxBody);
  };
  const broken = new BrokenRequests();
  const app = fastify({
    ...serverOptions(deps.limits),
    bodyLimit: maxBody,
    clientErrorHandler: (error, socket) => broken.refuse(error, socket),
    frameworkErrors: (error, request, reply) => {
      fail(error, request.raw.url ?? "", reply);
    },
    rewriteUrl: originForm,
  });
  app.server.maxConnections = deps.limits.maxConnections;
  app.server.on("drop", () => deps.metrics.countRefusedConnection());
  broken.watch(app.server);
  watchExpectations(app.server);
  app.server.on("connect", (_request, socket: Socket) =>
    writeRefusal(socket, "405 Method Not Allowed", "this server is no proxy", "Allow: POST, GET, HEAD\r\n"),
  );
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => fail(error, request.raw.url ?? "", reply));
  const allowed = new Map<string, readonly string[]>();
  app.addHook("onRequest", (request, reply, done) => {
    const { raw } = request;
    const fault = hasHadLastAnswer(raw.socket) ? "this connection is at its end" : faultyFraming(raw);
    if (fault !== null) {
      lingerAfterAnswer(raw.socket);
      sendText(reply.header("connection", "close"), 400, fault);
    } else if (request.is404) {
      sendNoRoute(request, reply, allowed); // before fastify reads a body for it, or judges the method by its own rules
    } else {
      done();
    }
  });
  // Not for calls: their route reads the body itself.
  app.addHook("preParsing", ({ raw }, _reply, payload, done) => {
    askForBody(raw);
    done(null, payload);
  });
  app.addHook("onSend", ({ raw }, reply, payload, done) => {
    if (waitsToSend(raw)) lingerAfterAnswer(raw.socket);
    reply.headers(nodeFields(deps, null));
    done(null, payload);
  });
  addCallRoutes(app, deps, allowed);
  addProbes(app, deps, allowed);
  return app;
}

function addCallRoutes(
  app: FastifyInstance,
  deps: AppDependencies,
  allowed: Map<string, readonly string[]>,
): void {
  const { dispatcher, routing, maxBody, authenticate, metrics } = deps;
  const route = new RpcRoute({
    dispatcher,
    routing,
    maxBody,
    authenticate,
    onAnswer: (answer, seconds) => metrics.countCall(answer, seconds),
    onRedirect: () => metrics.countRedirect(),
    tag: () => deps.view().tag,
    nodeFields: (index) => nodeFields(deps, index),
  });
  for (const path of new Set([...deps.paths, "/"])) {
    if (isReserved(path)) throw new Error(`http.paths: ${path} is an address of the server itself`);
    if (!callPath.form.test(path)) throw new Error(`http.paths: ${path}: ${callPath.expected}`);
    const takesCalls = deps.paths.includes(path);
    allowed.set(path, takesCalls ? ["POST", "GET", "HEAD"] : ["GET", "HEAD"]);
    const html = pageOf(deps, path);
    app.route({
      method: ["GET", "HEAD"],
      url: path,
      handler: (_request, reply) => sendPage(reply, html()),
    });
    if (!takesCalls) continue;
    app.route({
      method: "POST",
      url: path,
      // Answered here: fastify goes no further with it.
      onRequest: (request, reply, _done) => route.take(request, reply),
      handler: (_request, reply) => reply,
    });
  }
}

/** Gives the HTML of a path: the state at that moment, or the documentation, which never changes and is made once. */
function pageOf(deps: AppDependencies, path: string): () => string {
  if (path === "/") {
    const methodsPath = deps.paths.find((one) => one !== "/") ?? "/status";
    return () => statusPage(deps.report(), deps.members(), methodsPath);
  }
  let html: string | null = null;
  return () => {
    html ??= methodsPage({
      cluster: deps.clusterName,
      service: deps.serviceName,
      node: deps.nodeId,
      url: deps.advertise + path,
      methods: deps.dispatcher.describe(),
    });
    return html;
  };
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header("content-security-policy", contentSecurityPolicy)
    .header("x-content-type-options", "nosniff")
    .header("referrer-policy", "no-referrer")
    .header("cache-control", "no-store")
    .type("text/html; charset=utf-8")
    .send(html);
}

function addProbes(
  app: FastifyInstance,
  deps: AppDependencies,
  allowed: Map<string, readonly string[]>,
): void {
  const probe = (url: string, handler: (reply: FastifyReply, query: string) => unknown) => {
    allowed.set(url, probeMethods);
    app.route({
      method: probeMethods,
      url,
      handler: (request, reply) => handler(reply, request.raw.url?.split("?", 2)[1] ?? ""),
    });
  };
  probe("/leader", (reply) => {
    const leads = deps.view().serves && deps.phase() === "serving";
    return sendText(reply, leads ? 200 : 503, leads ? "this node leads" : "this node does not lead");
  });
  probe("/livez", (reply) => sendText(reply, 200, "this node lives"));
  probe("/readyz", (reply, query) => {
    const checks = readinessChecks(deps.status(), deps.phase() !== "serving");
    const options = new URLSearchParams(query);
    const status = readinessStatus(checks, options.get("stopping") === "404");
    if (options.has("verbose")) return sendText(reply, status, describeChecks(checks).trimEnd());
    const failed = checks.find((check) => !check.ok);
    return sendText(reply, status, failed === undefined ? "ready" : `not ready: ${failed.detail}`);
  });
  probe("/status", (reply) => {
    const body = `${JSON.stringify({ ...deps.report(), members: deps.members() }, null, 2)}\n`;
    return reply.type("application/json; charset=utf-8").send(body);
  });
  probe("/metrics", async (reply) => {
    const { contentType, text } = await deps.metrics.scrape();
    return reply.type(contentType).send(text);
  });
}

/**
 * What every answer tells of the node and its cluster.
 *
 * @param index of what was applied where the result was made; null: what is applied here
 */
function nodeFields(deps: AppDependencies, index: number | null): OutgoingHttpHeaders {
  const { leader, term, tag } = deps.view();
  const fields: OutgoingHttpHeaders = { "quorate-node": deps.nodeId, "quorate-term": String(term) };
  if (leader !== null) fields["quorate-leader"] = leader.id;
  if (tag !== "") fields["quorate-index"] = formatToken({ tag, index: index ?? deps.appliedIndex() });
  if (deps.phase() === "closing") fields.connection = "close";
  return fields;
}

/**
 * A request target may name scheme and host (RFC 9112, section 3.2.2); routes know only the path. A fragment has no place
 * in it, and would hide in a redirect what is added behind.
 */
function originForm(request: IncomingMessage): string {
  const url = withoutFragment(request.url ?? "/");
  if (url.startsWith("/")) return url;
  if (url === "*") return "/*"; // the server as a whole: routes would take it for "/"
  const match = /^https?:\/\/[^/?]*(.*)$/i.exec(url);
  if (match === null) return url;
  const rest = match[1] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function withoutFragment(url: string): string {
  const fragment = url.indexOf("#");
  return fragment === -1 ? url : url.slice(0, fragment);
}
