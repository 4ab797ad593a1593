/** Nodes come and go under load: nothing that was acknowledged is lost, and no call of a client fails. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { allEntries } from "./entries.js";
import { value } from "./rpc.js";
import { SteadyClient } from "./steady-client.js";

const minutes = 60_000;
const settings = { raft: { heartbeat: "50ms", electionTimeout: "500ms", promoteAfter: "1s" } };
/** One is forwarded by nodes that do not lead, the other one is redirected. */
const userAgents = ["Python-xmlrpc/3.11", "curl/8.5.0"];
const callsBetween = 20;

interface MemberRow {
  readonly id: string;
  readonly role: string;
  readonly incarnation: string;
}

async function membersAt(node: ClusterNode): Promise<readonly MemberRow[]> {
  return (await value(node.url, "cluster.members", [])) as unknown as readonly MemberRow[];
}

const rolesAt = async (node: ClusterNode) =>
  Object.fromEntries((await membersAt(node)).map(({ id, role }) => [id, role]));

async function untilRole(node: ClusterNode, id: string, role: string): Promise<void> {
  await until(`${id} to be a ${role}`, async () => ((await rolesAt(node))[id] === role ? true : undefined));
}

test("nodes are added, removed, replaced and restarted under load", { timeout: 5 * minutes }, async () => {
  await using cluster = await Cluster.start({ nodes: 3, settings });
  const [n1, n2, n3] = cluster.nodes;
  if (!n1 || !n2 || !n3) throw new Error("three nodes are expected");
  const urls = cluster.nodes.map(({ url }) => url);
  const clients = userAgents.map(
    (userAgent, kind) => new SteadyClient({ name: `m${kind}`, urls, userAgent }),
  );
  const more = async () => {
    const goals = clients.map((client) => client.acknowledged.size + callsBetween);
    await until(`${callsBetween} more writes of each client`, async () => {
      const failures = clients.flatMap((client) => client.failures);
      if (failures.length > 0) throw new Error(failures.join("\n"));
      return clients.every((client, at) => client.acknowledged.size >= (goals[at] ?? 0)) ? true : undefined;
    });
  };
  const run = async (...args: readonly string[]) => {
    const ended = await quorate(...args);
    expect(ended.code, `${args.join(" ")}: ${ended.out}${ended.errors}`).toBe(0);
    return ended.out;
  };
  try {
    await more();
    for (const id of ["n4", "n5"]) {
      const { node, peer, http } = await cluster.newcomer(id, { settings });
      const early = await quorate("add", id, peer, http, "--url", n1.url);
      expect([early.code, early.errors]).toEqual([3, expect.stringContaining("start it first")]);
      node.start();
      // It says by itself what to run.
      const hint = `quorate add ${id} ${peer} ${http}`;
      await until(`${id} to ask for ${hint}`, async () => (node.log().includes(hint) ? true : undefined));
      expect(await run("add", id, peer, http, "--url", n1.url, "--wait", "60s")).toContain(
        `${id} was added; it votes`,
      );
      await node.ready();
      await more();
    }
    expect(await rolesAt(n1)).toEqual({ n1: "voter", n2: "voter", n3: "voter", n4: "voter", n5: "voter" });

    // The leader goes: it hands over first. It is one that no client has in its list, as it should be.
    expect(await value(n1.url, "cluster.transfer", ["n4"])).toBe("n4");
    const leader = cluster.node("n4");
    const others = cluster.nodes.filter((node) => node !== leader);
    await run("remove", leader.id, "--url", leader.url);
    await leader.kill("SIGTERM");
    const [asked] = others;
    if (!asked) throw new Error("four nodes stay");
    expect(Object.keys(await rolesAt(asked))).not.toContain(leader.id);
    await more();

    // One loses its disk, and is refused by name until it is replaced.
    const successor = await cluster.leader(others);
    const follower = others.find((node) => node !== asked && node !== successor);
    if (!follower) throw new Error("a follower is expected");
    const before = (await membersAt(asked)).find(({ id }) => id === follower.id)?.incarnation;
    await follower.kill("SIGKILL");
    rmSync(join(cluster.folder, follower.id), { recursive: true });
    follower.start();
    const wiped = `quorate replace ${follower.id}`;
    await until(`${follower.id} to ask for ${wiped}`, async () =>
      follower.log().includes(wiped) ? true : undefined,
    );
    await more();
    await until("the leader to notice", async () => {
      const { code } = await quorate("replace", follower.id, "--url", asked.url);
      return code === 0 ? true : undefined;
    });
    await untilRole(asked, follower.id, "voter");
    expect((await membersAt(asked)).find(({ id }) => id === follower.id)?.incarnation).not.toBe(before);
    await follower.ready();
    await more();

    // Each of those that stay is restarted.
    for (const node of others) {
      await node.kill("SIGTERM");
      expect(node.exitCode, node.logTail()).toBe(0);
      node.start();
      await node.ready();
      await more();
    }
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  expect(clients.flatMap((client) => client.failures)).toEqual([]);
  const node = await cluster.leader();
  const found = await allEntries(node.url, "w");
  for (const { acknowledged } of clients) {
    expect([...acknowledged].filter(([key, text]) => found.get(key) !== text)).toEqual([]);
  }
});
