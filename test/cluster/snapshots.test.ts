/** A node that was away so long that its entries are gone: it catches up by a snapshot, under load, killed on the way. */
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openLevelStorage } from "@quorate/raft/level";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { status } from "./status.js";
import { attempt } from "./workload.js";

const minutes = 60_000;
const KiB = 1024;
const MiB = 1024 * KiB;

/** Writes one large value after the other, each under a key of its own, until `enough`. */
async function fill(urls: readonly string[], enough: () => Promise<boolean>): Promise<void> {
  for (let count = 0; !(await enough()); count += 4) {
    const writes = Array.from({ length: 4 }, async (_, i) => {
      const text = `${count + i}/`.repeat(48 * KiB);
      return attempt(urls[i % urls.length] ?? "", "kv.set", [`large/${count + i}`, text]);
    });
    await Promise.all(writes);
  }
}

/** Small writes, one after the other, until stopped. */
function trickle(urls: readonly string[]) {
  const acknowledged = new Map<string, string>();
  let stopped = false;
  const run = async () => {
    for (let count = 0; !stopped; count++) {
      const key = `small/${count % 500}`;
      const end = await attempt(urls[count % urls.length] ?? "", "kv.set", [key, `${count}`]);
      if (end.kind === "ok") acknowledged.set(key, `${count}`);
    }
  };
  const done = run();
  return {
    acknowledged,
    stop: async () => {
      stopped = true;
      await done;
    },
  };
}

/** What a folder holds; its node goes on meanwhile and removes files between the listing and the look at them. */
function bytesOf(folder: string): number {
  const sizeOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return readdirSync(folder).reduce((sum, name) => sum + sizeOf(name), 0);
}

/** A digest of the whole state on a stopped node's disk. */
async function digestOf(cluster: Cluster, node: ClusterNode): Promise<string> {
  const storage = await openLevelStorage({ directory: join(cluster.folder, node.id, "db"), mustExist: true });
  const snapshot = storage.snapshot();
  const hash = createHash("sha256");
  for (let after: Uint8Array | null = null; ; ) {
    const pairs = await snapshot.read(after, MiB);
    if (pairs.length === 0) break;
    for (const [key, value] of pairs) hash.update(`${key.length}/${value.length}/`).update(key).update(value);
    after = pairs.at(-1)?.[0] ?? null;
  }
  await snapshot.close();
  await storage.close();
  return hash.digest("hex");
}

test("a follower whose entries are gone, killed in the middle, and then a newcomer catch up by a snapshot under load", {
  timeout: 5 * minutes,
}, async () => {
  const settings = { raft: { heartbeat: "50ms", electionTimeout: "500ms", promoteAfter: "1s" } };
  await using cluster = await Cluster.start({ nodes: 3, settings });
  const [behind] = await cluster.followers();
  if (behind === undefined) throw new Error("three nodes have two followers");
  const others = cluster.nodes.filter((node) => node !== behind);
  const urls = others.map(({ url }) => url);
  await behind.kill("SIGKILL");

  const load = trickle(urls);
  const leader = await cluster.leader(others);
  await fill(urls, async () => ((await status(leader))?.firstIndex ?? 1) > 1);
  expect((await status(leader))?.firstIndex).toBeGreaterThan(1);

  behind.start();
  const database = join(cluster.folder, behind.id, "db");
  await until(
    () => `a part of the snapshot on ${behind.id}\n${behind.logTail()}`,
    async () => (bytesOf(database) > 16 * MiB ? true : undefined),
  );
  expect((await status(behind))?.firstIndex).toBe(1);
  await behind.kill("SIGKILL");
  behind.start();
  await until(
    () => `${behind.id} to go on where it was\n${behind.logTail()}`,
    async () => (behind.log().includes("going on where it broke off") ? true : undefined),
  );
  await behind.ready();

  const { node: newcomer, peer, http } = await cluster.newcomer("n4", { settings });
  newcomer.start();
  await until(
    () => `n4 to wait for its admission\n${newcomer.logTail()}`,
    async () => (newcomer.log().includes(`quorate add n4 ${peer} ${http}`) ? true : undefined),
  );
  const added = await quorate("add", "n4", peer, http, "--url", leader.url, "--wait", "120s");
  expect([added.code, added.out], added.errors).toEqual([
    0,
    expect.stringContaining("n4 was added; it votes"),
  ]);
  await newcomer.ready();
  expect(newcomer.log()).toContain("took the place of log and state");
  expect((await status(newcomer))?.firstIndex).toBeGreaterThan(1);
  await load.stop();

  const end = (await status(leader))?.lastIndex ?? 0;
  for (const node of cluster.nodes) {
    await until(`${node.id} to apply ${end}`, async () =>
      ((await status(node))?.appliedIndex ?? 0) >= end ? true : undefined,
    );
  }
  const caughtUp = await status(behind);
  expect(caughtUp?.firstIndex).toBeGreaterThan(1);
  expect(caughtUp?.snapshotFrom).toBeNull();
  expect(behind.log()).toContain("took the place of log and state");
  const metrics = await (await behind.get("/metrics"))?.text();
  expect(metrics).toMatch(/quorate_snapshot_duration_seconds_count\{.*op="receive".*\} 1/);

  for (const node of cluster.nodes) await node.kill("SIGTERM");
  const digests = [];
  for (const node of cluster.nodes) digests.push(await digestOf(cluster, node));
  expect(new Set(digests).size).toBe(1);
});
