/** One run of one client against one node, and what came of each feature in each direction. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ClusterNode } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { normalised, toTagged } from "../conformance/tagged.js";
import { type Direction, features } from "./features.js";

const run = promisify(execFile);
const patienceMs = 60_000;

/** `ok`, or what was seen instead. What the client has no way to do is absent. */
export type Outcomes = ReadonlyMap<string, string>;

export const outcomeKey = (direction: Direction, feature: string): string => `${direction} ${feature}`;

/** Plants what clients receive: under `in/`, written by our own encoder, type by type. */
export async function plant(node: ClusterNode): Promise<void> {
  for (const [feature, planted] of features) await value(node.url, "kv.set", [`in/${feature}`, planted]);
}

/**
 * Runs the client's program. It says of each feature whether it received what was planted, and whether the
 * server took what it sent; what the cluster holds then is looked at here, at the leader, so that the calls which
 * the node sends elsewhere are all the client's.
 */
export async function tryClient(
  command: readonly string[],
  node: ClusterNode,
  { leader, prefix }: { readonly leader: ClusterNode; readonly prefix: string },
): Promise<Outcomes> {
  const [program = "", ...rest] = command;
  // Emacs and Go write into their user's folders; everybody's dates are in UTC.
  const { stdout } = await run(program, [...rest, node.rpcUrl, prefix], {
    timeout: patienceMs,
    env: { ...process.env, TZ: "UTC" },
  });
  const outcomes = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [direction, feature, said] = line.split("\t");
    if (said === undefined || (direction !== "receive" && direction !== "send")) continue;
    const outcome =
      direction === "send" && said === "ok"
        ? await held(leader, `${prefix}/${feature}`, feature ?? "")
        : said;
    outcomes.set(outcomeKey(direction, feature ?? ""), outcome);
  }
  return outcomes;
}

/** Whether the cluster holds exactly the value that was to be sent. */
async function held(leader: ClusterNode, key: string, feature: string): Promise<string> {
  const expected = features.get(feature);
  if (expected === undefined) throw new Error(`no feature is called ${feature}`);
  const found = JSON.stringify(normalised(toTagged(await value(leader.url, "kv.get", [key]))));
  return found === JSON.stringify(normalised(toTagged(expected))) ? "ok" : `the server got ${found}`;
}

export interface RouteCounts {
  readonly redirects: number;
  readonly forwards: number;
}

/** How many calls this node has sent elsewhere so far. */
export async function routeCounts(node: ClusterNode): Promise<RouteCounts> {
  const metrics = (await (await node.get("/metrics"))?.text()) ?? "";
  const sum = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}\\{.*\\} ([0-9]+)$`, "gm"))].reduce(
      (total, [, count]) => total + Number(count),
      0,
    );
  return { redirects: sum("quorate_redirects_total"), forwards: sum("quorate_forwards_total") };
}
