/**
 * How a call that needs the leader goes on when it arrives at another node. A pure decision, made from what
 * the HTTP request says about its client.
 */
import type { Route } from "../rpc/ports.js";

/** What a node's configuration or a single call may ask for. */
export type RoutingMode = "auto" | Route;

export const routingModes: readonly RoutingMode[] = ["auto", "redirect", "forward", "fault"];

/**
 * Clients known not to follow a 307 answer to a POST: observed by running them, Apache's Lite transport by
 * reading its source. Matched anywhere in the User-Agent, because versions vary and programs add their names.
 */
const neverFollow: readonly string[] = [
  "Python-xmlrpc",
  "aioxmlrpc",
  "XMLRPC::Client",
  "libwww-perl",
  "XML-RPC for PHP",
  "Xmlrpc-c",
  "Lite HTTP Transport",
  "NodeJS XML-RPC Client",
  "LuaXMLRPC",
  "XMLRPC++",
  "aXMLRPC",
];

export interface Origin {
  /** The call's own wish, else the node's configuration. */
  readonly mode: RoutingMode;
  readonly userAgent: string | undefined;
  /** Whether the request carries an `Authorization` header. */
  readonly authorization: boolean;
  /** Whether the request was redirected once already (`quorate-hop=1`). */
  readonly hopped: boolean;
}

/**
 * The hop mark turns a redirect into a forward: two nodes with different ideas of who leads must not send a
 * client back and forth.
 */
export function chooseRoute(origin: Origin): Route {
  const wanted = origin.mode === "auto" ? automaticRoute(origin) : origin.mode;
  return wanted === "redirect" && origin.hopped ? "forward" : wanted;
}

/**
 * Clients drop `Authorization` when a redirect leads to another host or port, and two of the three client
 * libraries that send no User-Agent do not follow redirects: forwarding is what serves both.
 */
function automaticRoute({ userAgent, authorization }: Origin): Route {
  if (authorization || userAgent === undefined || userAgent === "") return "forward";
  return follows(userAgent) ? "redirect" : "forward";
}

/** A program sends the same words with every call, and few programs call one node. */
const known = new Map<string, boolean>();
const knownMax = 100;

function follows(userAgent: string): boolean {
  let answer = known.get(userAgent);
  if (answer === undefined) {
    answer = !neverFollow.some((name) => userAgent.includes(name));
    if (known.size === knownMax) known.clear();
    known.set(userAgent, answer);
  }
  return answer;
}
