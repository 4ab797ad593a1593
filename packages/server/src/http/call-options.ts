/** What a request says about how its call is to be served: `?consistency=` and its kin, and their headers. */
import type { IncomingHttpHeaders } from "node:http";
import { formatToken, parseToken } from "../cluster/read-token.js";
import { chooseRoute, type RoutingMode, routingModes } from "../cluster/routing.js";
import { parseDuration } from "../config/units.js";
import type { CallContext, Consistency } from "../rpc/ports.js";

/** The mark of a request that was redirected once. */
export const hopParameter = "quorate-hop";

const consistencies: readonly Consistency[] = ["linearizable", "stale"];

/** An option that cannot be honoured; the message is a sentence for the caller. */
export class BadCallOption extends Error {
  override readonly name = "BadCallOption";
}

/** What the node brings to the reading of a call's options. */
export interface NodeSide {
  /** Its configured routing. */
  readonly mode: RoutingMode;
  /** Names its cluster in read tokens; empty before birth. */
  readonly tag: string;
}

/**
 * `url` is the request target as it came. A query parameter wins over the header of the same meaning.
 * Throws `BadCallOption`.
 */
export function readCallOptions(
  url: string,
  headers: IncomingHttpHeaders,
  { mode, tag }: NodeSide,
  caller: string,
): CallContext {
  const queryAt = url.indexOf("?");
  const query = queryAt < 0 ? null : new URLSearchParams(url.slice(queryAt + 1));
  const consistency = readConsistency(single(query, "consistency", headers["quorate-consistency"]));
  const maxStaleness = single(query, "max_staleness", headers["quorate-max-staleness"]);
  const minIndex = single(query, "min_index", headers["quorate-min-index"]);
  const route = single(query, "route", headers["quorate-route"]);
  const key = headers["idempotency-key"];
  return {
    caller,
    consistency,
    maxStalenessMs: maxStaleness === undefined ? null : readMaxStaleness(maxStaleness, consistency),
    minIndex: minIndex === undefined ? null : readMinIndex(minIndex, tag),
    route: chooseRoute({
      mode: route === undefined ? mode : oneOf("route", routingModes, route),
      userAgent: headers["user-agent"],
      authorization: headers.authorization !== undefined,
      hopped: query?.has(hopParameter) === true,
    }),
    idempotencyKey: key === undefined ? null : String(key),
  };
}

function readConsistency(given: string | undefined): Consistency {
  return given === undefined ? "linearizable" : oneOf("consistency", consistencies, given);
}

/** Milliseconds. */
function readMaxStaleness(given: string, consistency: Consistency): number {
  if (consistency !== "stale") {
    throw new BadCallOption(
      "max_staleness bounds stale reads only: add consistency=stale, or leave max_staleness out " +
        "(a linearizable read is never stale)",
    );
  }
  try {
    return parseDuration(given);
  } catch {
    throw new BadCallOption(
      `max_staleness must be a duration such as 500ms (units: ms, s, m, h), not ${shown(given)}`,
    );
  }
}

/** A node that is not born yet cannot judge the tag; it has applied nothing, so it cannot meet the bound either. */
function readMinIndex(given: string, tag: string): number {
  const token = parseToken(given);
  if (token === null) {
    const example = formatToken({ tag: tag || "c0ffee00", index: 41 });
    throw new BadCallOption(
      `min_index must be what Quorate-Index said, such as ${example}, not ${shown(given)}`,
    );
  }
  if (tag !== "" && token.tag !== tag) {
    throw new BadCallOption(
      `min_index is of cluster ${token.tag}, but this node belongs to cluster ${tag}; ` +
        "use the Quorate-Index of an answer of this cluster",
    );
  }
  return token.index;
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
  throw new BadCallOption(`${name} must be one of ${known.join(", ")}, not ${shown(given)}`);
}

/** Only a little of what a stranger sent. */
function shown(given: string): string {
  return JSON.stringify(given.length > 40 ? `${given.slice(0, 40)}…` : given);
}
