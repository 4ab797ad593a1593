/** All nodes are restarted one after the other while clients work: no client notices, no write is lost. */
import { expect, test } from "vitest";
import { Cluster, until } from "./cluster.js";
import { allEntries } from "./entries.js";
import { SteadyClient } from "./steady-client.js";

const minutes = 60_000;
/** One is forwarded by nodes that do not lead, the other one is redirected. */
const userAgents = ["Python-xmlrpc/3.11", "curl/8.5.0"];
/** Each client gets so many answers between two restarts: enough to be everywhere, whatever the machine's speed. */
const callsBetween = 20;

test.each([3, 5])("of %i nodes: no failed call, no lost write", { timeout: 4 * minutes }, async (nodes) => {
  await using cluster = await Cluster.start({ nodes });
  const urls = cluster.nodes.map((node) => node.url);
  const clients = urls.flatMap((_, first) =>
    userAgents.map(
      (userAgent, kind) =>
        new SteadyClient({
          name: `${kind}-${first}`,
          urls: [...urls.slice(first), ...urls.slice(0, first)],
          userAgent,
        }),
    ),
  );
  const more = async () => {
    const goals = clients.map((client) => client.acknowledged.size + callsBetween);
    await until(`${callsBetween} more writes of each client`, async () => {
      const failures = clients.flatMap((client) => client.failures);
      if (failures.length > 0) throw new Error(failures.join("\n"));
      return clients.every((client, at) => client.acknowledged.size >= (goals[at] ?? 0)) ? true : undefined;
    });
  };
  try {
    await more();
    for (const node of cluster.nodes) {
      await node.kill("SIGTERM");
      expect(node.exitCode, node.logTail()).toBe(0);
      await more();
      node.start();
      await node.ready();
    }
    // Once more the leader, for which it is the hardest, after every node has been away.
    const leader = await cluster.leader();
    await leader.kill("SIGTERM");
    expect(leader.exitCode, leader.logTail()).toBe(0);
    await more();
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  expect(clients.flatMap((client) => client.failures)).toEqual([]);
  for (const kind of ["redirects", "refusals"] as const) {
    expect(
      clients.reduce((sum, client) => sum + client[kind], 0),
      kind,
    ).toBeGreaterThan(0);
  }
  const node = await cluster.leader();
  const found = await allEntries(node.url, "w");
  for (const { acknowledged } of clients) {
    expect([...acknowledged].filter(([key, text]) => found.get(key) !== text)).toEqual([]);
  }
});
