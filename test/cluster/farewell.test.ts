/** A node that is removed: its clients are led to the leader for a while, then they are told by name. */
import { Fault, faultCodes } from "@quorate/protocol";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { ask, value } from "./rpc.js";
import { SteadyClient } from "./steady-client.js";

const minutes = 60_000;
/** One is forwarded by nodes that do not lead, the other one is redirected. */
const userAgents = ["Python-xmlrpc/3.11", "curl/8.5.0"];

async function remove(id: string, asked: ClusterNode): Promise<void> {
  const ended = await quorate("remove", id, "--url", asked.url);
  expect(ended.code, `${ended.out}${ended.errors}`).toBe(0);
}

/** A call of either kind is refused by name. */
async function untilRefusedByName(node: ClusterNode, members: readonly ClusterNode[]): Promise<void> {
  const urls = members.map(({ id, url }) => `${id} (${url})`).join(", ");
  const sentence = `this node was removed from the cluster: call one of ${urls}`;
  for (const userAgent of userAgents) {
    await until(`${node.id} to say that it was removed`, async () => {
      const { result } = await ask(node.url, "kv.set", ["a", 1], { userAgent });
      return result instanceof Fault &&
        result.faultCode === faultCodes.noLeader &&
        result.faultString.includes(sentence)
        ? true
        : undefined;
    });
  }
}

test("clients of a removed node notice nothing, whoever leads, until its farewell is over", {
  timeout: 3 * minutes,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  const [leaving, other] = await cluster.followers();
  if (!leaving || !other) throw new Error("three nodes have two followers");
  const clients = userAgents.map(
    (userAgent, kind) => new SteadyClient({ name: `f${kind}`, urls: [leaving.url], userAgent }),
  );
  const more = async () => {
    const goals = clients.map((client) => client.acknowledged.size + 10);
    await until("ten more writes of each client", async () => {
      const failures = clients.flatMap((client) => client.failures);
      if (failures.length > 0) throw new Error(failures.join("\n"));
      return clients.every((client, at) => client.acknowledged.size >= (goals[at] ?? 0)) ? true : undefined;
    });
  };
  try {
    await more();
    await remove(leaving.id, leader);
    await more();
    // Whoever sends calls by readiness sends them elsewhere from now on.
    await until("readiness to end", async () => {
      const response = await leaving.get("/readyz?verbose");
      const text = await response?.text();
      return text?.includes("FAIL member: this node was removed from the cluster") ? true : undefined;
    });
    expect((await leaving.get("/readyz"))?.status).toBe(503);
    await more();
    expect(await value(leader.url, "cluster.transfer", [other.id])).toBe(other.id);
    await more();
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
  expect(clients[1]?.redirects).toBeGreaterThan(0);

  await untilRefusedByName(
    leaving,
    [leader, other].sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  expect(leaving.running).toBe(true);
  expect((await leaving.get("/livez"))?.status).toBe(200);
  expect(leaving.log()).toContain("this node was removed from the cluster: for 20 s");
  expect(await value(leaving.url, "cluster.status", [])).toMatchObject({ removed: true });
});

test("a node that was away when it was removed is told by the others, and tells its clients", {
  timeout: 3 * minutes,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  const [leaving, other] = await cluster.followers();
  if (!leaving || !other) throw new Error("three nodes have two followers");
  await leaving.kill("SIGKILL");
  await until("the leader to notice", async () => {
    const ended = await quorate("remove", leaving.id, "--url", leader.url);
    return ended.code === 0 ? true : undefined;
  });
  leaving.start();
  await until(`${leaving.id} to run`, async () => ((await leaving.get("/livez"))?.ok ? true : undefined));
  // The others still let it in, or do not any more: its calls go to the leader first, or never do.
  await until(
    () => `${leaving.id} to say so to its clients\n${leaving.logTail()}`,
    async () => {
      const { result } = await ask(leaving.url, "kv.set", ["a", 1]);
      if (!(result instanceof Fault)) return undefined;
      expect(result.faultCode).toBe(faultCodes.noLeader);
      return result.faultString.includes("removed from the cluster") ? true : undefined;
    },
  );
  expect(leaving.log()).toContain("removed from the cluster");
  expect(leaving.running).toBe(true);
  expect(await value(other.url, "cluster.status", [])).toMatchObject({ removed: false, refusals: [] });
});
