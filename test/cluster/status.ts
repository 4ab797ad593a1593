import type { ClusterNode } from "./cluster.js";

/** What a test looks at of `/status`. */
interface Status {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly appliedIndex: number;
  readonly snapshotFrom: string | null;
}

/** Undefined while the node does not answer. */
export async function status(node: ClusterNode): Promise<Status | undefined> {
  const response = await node.get("/status");
  return response?.ok === true ? ((await response.json()) as Status) : undefined;
}
