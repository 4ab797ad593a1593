/** Real processes that stand still, and a real disk that does. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { value } from "./rpc.js";
import { attempt } from "./workload.js";

const minutes = 60_000;

interface Status {
  readonly term: number;
  readonly leader: string | null;
  readonly appliedIndex: number;
}

async function statusOf(node: ClusterNode): Promise<Status> {
  return (await value(node.url, "cluster.status", [])) as unknown as Status;
}

/** Writes until so many more were acknowledged. */
async function write(node: ClusterNode, prefix: string, count: number): Promise<void> {
  for (let written = 0; written < count; ) {
    const end = await attempt(node.url, "kv.set", [`${prefix}${written}`, written]);
    if (end.kind === "fault") throw end.fault;
    if (end.kind === "ok") written++;
  }
}

test("a follower that stands still for more than two election timeouts starts no election when it wakes", {
  timeout: 3 * minutes,
}, async () => {
  // Slow on purpose: a busy machine must not bring about elections of its own.
  const electionTimeoutMs = 3_000;
  await using cluster = await Cluster.start({
    nodes: 3,
    settings: { raft: { heartbeat: "100ms", electionTimeout: `${electionTimeoutMs}ms` } },
  });
  const leader = await cluster.leader();
  const [stalled] = await cluster.followers();
  if (!stalled) throw new Error("three nodes have two followers");
  const before = await statusOf(leader);
  for (let round = 0; round < 2; round++) {
    stalled.pause();
    const endsAt = performance.now() + 2.5 * electionTimeoutMs;
    // The stall itself: writes go on through it.
    for (let count = 0; performance.now() < endsAt; count++) await write(leader, `r${round}/${count}/`, 1);
    stalled.resume();
    const { appliedIndex } = await statusOf(leader);
    await until(`${stalled.id} to catch up`, async () => {
      const { appliedIndex: reached } = await statusOf(stalled);
      return reached >= appliedIndex ? true : undefined;
    });
  }
  for (const node of cluster.nodes) {
    expect(await statusOf(node)).toMatchObject({ term: before.term, leader: leader.id });
  }
});

test.runIf(requireProgram("cc", "build-essential"))(
  "a disk that hangs under the leader costs it the lead; writes go on elsewhere; it comes back with everything",
  { timeout: 3 * minutes },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-stalled-disk-"));
    const library = join(folder, "slow-disk.so");
    const source = join(projectRoot, "test/chaos/slow-disk.c");
    const compiled = spawnSync("cc", ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"]);
    expect(compiled.status, compiled.stderr.toString()).toBe(0);
    const delayFile = (id: string) => join(folder, `${id}.ms`);
    try {
      await using cluster = await Cluster.start({
        nodes: 3,
        wrapper: (id) => ["env", `LD_PRELOAD=${library}`, `SLOW_DISK_FILE=${delayFile(id)}`],
      });
      const hung = await cluster.leader();
      await write(hung, "before", 10);
      const { term } = await statusOf(hung);
      writeFileSync(delayFile(hung.id), "600000");
      const calls = write(hung, "meanwhile", 10);
      const others = cluster.nodes.filter((node) => node !== hung);
      const successor = await cluster.leader(others);
      await calls;
      await write(successor, "after", 10);
      expect((await statusOf(successor)).term).toBeGreaterThan(term);
      writeFileSync(delayFile(hung.id), "0");
      const { appliedIndex } = await statusOf(successor);
      await until(`${hung.id} to catch up`, async () => {
        const { appliedIndex: reached } = await statusOf(hung);
        return reached >= appliedIndex ? true : undefined;
      });
      for (const key of ["before9", "meanwhile9", "after9"]) {
        expect(await value(hung.url, "kv.get", [key])).toBe(9);
      }
      expect(hung.running).toBe(true);
      expect(hung.log()).toMatch(/synced writes? took up to \d{4,} ms/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
