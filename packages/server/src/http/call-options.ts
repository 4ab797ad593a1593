/** What a request says about how its call is to be served: `?consistency=`, `?route=`, and their headers. */
import type { IncomingHttpHeaders } from "node:http";
import { chooseRoute, type RoutingMode, routingModes } from "../cluster/routing.js";
import type { CallContext, Consistency } from "../rpc/ports.js";

/** The mark of a request that was redirected once. */
export const hopParameter = "quorate-hop";

/** Options of later versions: refused, because ignoring a bound would break what it promises. */
const notYet = [
  ["max_staleness", "quorate-max-staleness"],
  ["min_index", "quorate-min-index"],
] as const;

const consistencies: readonly Consistency[] = ["linearizable", "stale"];

/** An option that cannot be honoured; the message is a sentence for the caller. */
export class BadCallOption extends Error {
  override readonly name = "BadCallOption";
}

/**
 * `url` is the request target as it came; `mode` is the node's configuration. A query parameter wins over
 * the header of the same meaning. Throws `BadCallOption`.
 */
export function readCallOptions(
  url: string,
  headers: IncomingHttpHeaders,
  mode: RoutingMode,
  caller: string,
): CallContext {
  const queryAt = url.indexOf("?");
  const query = queryAt < 0 ? null : new URLSearchParams(url.slice(queryAt + 1));
  for (const [parameter, header] of notYet) {
    if (single(query, parameter, headers[header]) === undefined) continue;
    throw new BadCallOption(
      `${parameter} (header ${header}) is not supported yet; the call was not executed. Leave it out, ` +
        "or ask for consistency linearizable or stale",
    );
  }
  const consistency = single(query, "consistency", headers["quorate-consistency"]);
  const route = single(query, "route", headers["quorate-route"]);
  const key = headers["idempotency-key"];
  return {
    caller,
    consistency:
      consistency === undefined ? "linearizable" : oneOf("consistency", consistencies, consistency),
    route: chooseRoute({
      mode: route === undefined ? mode : oneOf("route", routingModes, route),
      userAgent: headers["user-agent"],
      authorization: headers.authorization !== undefined,
      hopped: query?.has(hopParameter) === true,
    }),
    idempotencyKey: key === undefined ? null : String(key),
  };
}

function single(
  query: URLSearchParams | null,
  parameter: string,
  header: string | string[] | undefined,
): string | undefined {
  const given = query?.getAll(parameter) ?? [];
  if (given.length > 1) throw new BadCallOption(`${parameter} is given ${given.length} times; give it once`);
  return given[0] ?? header?.toString();
}

function oneOf<T extends string>(name: string, known: readonly T[], given: string): T {
  const found = known.find((value) => value === given);
  if (found !== undefined) return found;
  const shown = given.length > 40 ? `${given.slice(0, 40)}…` : given;
  throw new BadCallOption(`${name} must be one of ${known.join(", ")}, not ${JSON.stringify(shown)}`);
}
