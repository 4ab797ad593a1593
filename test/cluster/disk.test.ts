/**
 * A disk that fails for real: the node ends at once and says why, the cluster goes on, nothing that was acknowledged is
 * lost; started again, the node is rebuilt.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { allEntries } from "./entries.js";
import { attempt } from "./workload.js";

const minutes = 60_000;
const text = "x".repeat(64 * 1024);
/** So many values fit one answer. */
const pageSize = 50;
/** Far more than LevelDB writes before it needs another file. */
const writesMax = 1000;

/**
 * Takes the database's folder away under the running node. LevelDB goes on with the files that are open, and
 * fails for real (ENOENT) as soon as it must create the next one.
 */
function breakDisk(cluster: Cluster, node: ClusterNode): void {
  const database = join(cluster.folder, node.id, "db");
  expect(existsSync(database)).toBe(true);
  rmSync(database, { recursive: true });
}

const fatalLines = (node: ClusterNode) =>
  node
    .log()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter(({ level }) => level === 60)
    .map(({ msg }) => msg);

test.each(["leader", "follower"])("the disk of the %s", { timeout: 3 * minutes }, async (role) => {
  await using cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  const broken = role === "leader" ? leader : (cluster.nodes.find((node) => node !== leader) ?? leader);
  const others = cluster.nodes.filter((node) => node !== broken);
  const acknowledged: string[] = [];
  const write = async (urls: readonly string[]) => {
    const key = `w${String(acknowledged.length).padStart(4, "0")}`;
    const end = await attempt(urls[acknowledged.length % urls.length] ?? "", "kv.set", [key, text]);
    if (end.kind === "fault") throw end.fault;
    if (end.kind === "ok") acknowledged.push(key);
  };

  // Clients of the node whose disk fails: what it acknowledged itself counts as well.
  await write([broken.url]);
  breakDisk(cluster, broken);
  for (let writes = 0; broken.running && writes < writesMax; writes++) await write([broken.url]);
  expect(await broken.exited(), broken.logTail()).toBe(1);
  expect(fatalLines(broken)).toHaveLength(1);
  expect(fatalLines(broken)[0]).toMatch(/^this node stops: .*(No such file|IO error|ENOENT)/);

  await cluster.leader(others);
  const before = acknowledged.length;
  await until("the others to go on", async () => {
    await write(others.map((node) => node.url));
    return acknowledged.length >= before + 20 ? true : undefined;
  });
  for (const node of others) {
    const found = await allEntries(node.url, "w", pageSize);
    expect(acknowledged.filter((key) => found.get(key) !== text)).toEqual([]);
  }

  // It knows that it had a database: what it promised with that it never promises again, but as another disk.
  broken.start();
  await until(`${broken.id} to be given its place again`, async () =>
    broken.log().includes(`${broken.id} was admitted to the cluster and catches up`) ? true : undefined,
  );
  expect(broken.log()).toMatch(/the disk is damaged: .*found no database. It begins anew/);
  await broken.ready();
  const found = await allEntries(broken.url, "w", pageSize);
  expect(acknowledged.filter((key) => found.get(key) !== text)).toEqual([]);
});
