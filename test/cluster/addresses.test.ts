/** A node that comes back at another address: it announces it, the cluster replicates it, and everybody goes there. */
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { ask, value } from "./rpc.js";

const minutes = 60_000;

interface MemberRow {
  readonly id: string;
  readonly peer: string;
  readonly http: string;
  readonly connected: boolean;
}

async function rowAt(node: ClusterNode, id: string): Promise<MemberRow | undefined> {
  const rows = (await value(node.url, "cluster.members", [])) as unknown as readonly MemberRow[];
  return rows.find((row) => row.id === id);
}

/** What `node` knows of `id` becomes this, and it reaches it there. */
async function untilKnown(node: ClusterNode, id: string, peer: string, http: string): Promise<void> {
  await until(
    () => `${node.id} to reach ${id} at ${peer}\n${node.logTail()}`,
    async () => {
      const row = await rowAt(node, id);
      return row?.peer === peer && row.http === http && row.connected ? true : undefined;
    },
  );
}

test.each(["follower", "leader"])("the address of a %s", { timeout: 3 * minutes }, async (which) => {
  await using cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  const old = which === "leader" ? leader : (await cluster.followers())[0];
  if (!old) throw new Error("three nodes have two followers");
  await value(leader.url, "kv.set", ["before", 1]);
  await old.kill("SIGTERM");
  const { node: moved, peer, http } = await cluster.move(old);
  moved.start();
  await moved.ready();
  const others = cluster.nodes.filter((node) => node !== moved);
  for (const node of cluster.nodes) await untilKnown(node, moved.id, peer, http);

  // Clients are led there when it leads, forwarded calls too.
  await until("it to lead", async () => {
    const { result } = await ask(moved.url, "cluster.transfer", [moved.id]);
    return result === moved.id || (await moved.isLeader()) ? true : undefined;
  });
  for (const node of others) {
    const redirected = await until(`${node.id} to redirect`, async () => {
      const answer = await ask(node.url, "kv.get", ["before"], { userAgent: "curl/8.5.0" });
      return answer.status === 307 ? answer : undefined;
    });
    expect(redirected.headers.get("location")).toMatch(new RegExp(`^${http}/RPC2\\?`));
    expect(await value(node.url, "kv.set", [`by ${node.id}`, 2])).toBe(true);
  }

  // One of the others restarts: its config names the old address, its log the new one.
  const [other] = others;
  if (!other) throw new Error("two others are expected");
  await other.kill("SIGTERM");
  other.start();
  await other.ready();
  await untilKnown(other, moved.id, peer, http);
  expect(await value(other.url, "kv.get", ["before"])).toBe(1);
});
