/** At the end: what each node holds by itself. */
import { createHash } from "node:crypto";
import { type Cluster, type ClusterNode, until } from "../cluster/cluster.js";
import { allEntries } from "../cluster/entries.js";
import { value } from "../cluster/rpc.js";

export interface FinalState {
  readonly digests: Readonly<Record<string, string>>;
  /** Keys whose acknowledged value is missing, by node. */
  readonly lost: Readonly<Record<string, readonly string[]>>;
  readonly counter: number;
}

/**
 * Every node is read by itself, at one moment of the log. Nobody calls any more, but a call whose client gave up
 * may still be executed: then all is read again.
 */
export async function readFinalState(
  cluster: Cluster,
  acknowledged: ReadonlyMap<string, string>,
  counterKey: string,
): Promise<FinalState> {
  return until("a log that stands still", async () => {
    const leader = await cluster.leader();
    const { commitIndex } = await statusOf(leader);
    const counter = Number(await value(leader.url, "kv.get", [counterKey, 0]));
    const digests: Record<string, string> = {};
    const lost: Record<string, readonly string[]> = {};
    for (const node of cluster.nodes) {
      await until(`${node.id} to have executed entry ${commitIndex}`, async () =>
        (await statusOf(node)).appliedIndex >= commitIndex ? true : undefined,
      );
      const entries = await allEntries(node.url, "", 1000, { query: "?consistency=stale" });
      const hash = createHash("sha256");
      for (const [key, text] of entries) hash.update(JSON.stringify([key, text]));
      digests[node.id] = hash.digest("hex");
      lost[node.id] = [...acknowledged]
        .filter(([key, text]) => entries.get(key) !== text)
        .map(([key]) => key);
    }
    const after = await statusOf(leader);
    return after.commitIndex === commitIndex ? { digests, lost, counter } : undefined;
  });
}

export interface NodeStatusReport {
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

export async function statusOf(node: ClusterNode): Promise<NodeStatusReport> {
  return until(`the status of ${node.id}`, async () => {
    const response = await node.get("/status");
    return response?.ok === true ? ((await response.json()) as NodeStatusReport) : undefined;
  });
}
