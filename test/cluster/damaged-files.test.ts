/**
 * Every kind of file of a stopped node, damaged in a real cluster: a byte flipped, the end cut off, the file gone.
 * Whatever it is, no answer is wrong, nothing acknowledged is lost, and the node is back: as it was where the file says
 * nothing that counts, rebuilt by itself, or, without its identity, when an operator has replaced it.
 *
 * By default each file meets one kind of damage, at a place that the seed draws. More:
 *
 *     QUORATE_DAMAGE_ROUNDS=20 QUORATE_DAMAGE_SEED=7 npx vitest run --config test/vitest.config.ts test/cluster/damaged-files
 */
import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { createRandom } from "@quorate/raft/core";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { allEntries } from "./entries.js";
import { value } from "./rpc.js";

const rounds = Number(process.env.QUORATE_DAMAGE_ROUNDS ?? 1);
const seed = Number(process.env.QUORATE_DAMAGE_SEED ?? 1);
const minutes = 60_000;
const settings = { raft: { heartbeat: "50ms", electionTimeout: "500ms", promoteAfter: "500ms" } };
const kinds = ["flipped", "cut", "gone"] as const;
const pageSize = 500;

/** What became of the node. */
type Outcome = "as it was" | "rebuilt" | "replaced";

interface Damage {
  readonly file: string;
  readonly kind: (typeof kinds)[number];
  readonly at: number;
}

/** Numbers in names of LevelDB's files differ between runs: `000005.ldb` is a kind of file, not a file. */
const kindOfFile = (file: string) => file.replace(/\d+/g, "*");

function filesOf(folder: string): readonly string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return all.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

function* sampled(folder: string): Generator<Damage> {
  const random = createRandom(seed);
  for (let round = 0; round < rounds; round++) {
    for (const [place, file] of filesOf(folder).entries()) {
      const size = readFileSync(join(folder, file)).length;
      const kind = kinds[(place + round + seed) % kinds.length] ?? "gone";
      if (size > 0 || kind === "gone") yield { file, kind, at: Math.floor(random() * size) };
    }
  }
}

function inflict(folder: string, { file, kind, at }: Damage): void {
  const path = join(folder, file);
  if (kind === "gone") rmSync(path);
  else if (kind === "cut") truncateSync(path, at);
  else {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    writeFileSync(path, bytes);
  }
}

/** Writes, a restart that moves them into tables, and writes after it: every kind of file is there, in use. */
async function prepared(cluster: Cluster, acknowledged: Map<string, string>): Promise<void> {
  for (let start = 0; start < 2; start++) {
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    const { url } = await cluster.leader();
    for (let i = 0; i < 40; i++) await write(url, acknowledged, `${start}-${i}`);
    // Of the index that a node that is not the leader has learned to be committed, the last may be missing.
    await until("all to have executed all", async () => {
      const applied = await Promise.all(
        cluster.nodes.map(
          async (node) => (await value(node.url, "kv.count", [], { query: "?consistency=stale" })) as number,
        ),
      );
      return applied.every((count) => count === acknowledged.size) ? true : undefined;
    });
    for (const node of cluster.nodes) {
      await node.kill("SIGTERM");
      expect(node.exitCode, node.logTail()).toBe(0);
    }
  }
}

async function write(url: string, acknowledged: Map<string, string>, key: string): Promise<void> {
  const text = `${key} ${"x".repeat(500)}`;
  expect(await value(url, "kv.set", [`w${key}`, text])).toBe(true);
  acknowledged.set(`w${key}`, text);
}

interface MemberRow {
  readonly id: string;
  readonly role: string;
  readonly rebuilding: boolean;
}

async function untilBack(node: ClusterNode, asked: ClusterNode): Promise<void> {
  await until(`${node.id} to vote and to be ready`, async () => {
    if (!node.running) throw new Error(`${node.id} ended:\n${node.logTail()}`);
    const members = (await value(asked.url, "cluster.members", [])) as unknown as readonly MemberRow[];
    const row = members.find(({ id }) => id === node.id);
    if (row?.role !== "voter" || row.rebuilding) return undefined;
    return (await node.get("/readyz"))?.ok === true ? true : undefined;
  });
}

/** Refused by name until somebody empties its folder, and by the cluster until somebody replaces it. */
async function replaceByHand(cluster: Cluster, node: ClusterNode, asked: ClusterNode): Promise<void> {
  expect(await node.exited()).toBe(1);
  expect(node.log()).toMatch(/identity\.json/);
  rmSync(join(cluster.folder, node.id), { recursive: true });
  node.start();
  const command = `quorate replace ${node.id}`;
  await until(`${node.id} to ask for ${command}`, async () =>
    node.log().includes(`bring the old disk back, or give the place to the new one: ${command}`)
      ? true
      : undefined,
  );
  await until("the leader to have noticed that it is gone", async () => {
    const { code } = await quorate("replace", node.id, "--url", asked.url);
    return code === 0 ? true : undefined;
  });
}

test(`damaged files of a stopped node (seed ${seed})`, { timeout: rounds * 10 * minutes }, async () => {
  await using cluster = await Cluster.prepare({ nodes: 3, settings });
  const [n1, n2, victim] = cluster.nodes;
  if (!n1 || !n2 || !victim) throw new Error("three nodes are expected");
  const before = new Map<string, string>();
  await prepared(cluster, before);
  const sound = join(cluster.folder, "sound");
  for (const { id } of cluster.nodes) cpSync(join(cluster.folder, id), join(sound, id), { recursive: true });

  const outcomes = new Map<string, Outcome>();
  for (const damage of sampled(join(sound, victim.id))) {
    const what = `${damage.file} ${damage.kind} at ${damage.at}`;
    // Everybody begins anew, since a disk is rebuilt by itself once an hour only.
    for (const { id, logFile } of cluster.nodes) {
      rmSync(join(cluster.folder, id), { recursive: true });
      cpSync(join(sound, id), join(cluster.folder, id), { recursive: true });
      writeFileSync(logFile, "");
    }
    const acknowledged = new Map(before);
    inflict(join(cluster.folder, victim.id), damage);
    for (const node of cluster.nodes) node.start();
    await cluster.ready([n1, n2]);
    await write(n1.url, acknowledged, "meanwhile");

    let outcome: Outcome = "as it was";
    if (damage.file === "identity.json" && !(await startsAnyway(victim))) {
      await replaceByHand(cluster, victim, n1);
      outcome = "replaced";
    }
    await untilBack(victim, n1).catch((error: unknown) => {
      throw new Error(`${what}: ${victim.logTail()}`, { cause: error });
    });
    if (victim.log().includes("the disk is damaged")) outcome = "rebuilt";
    outcomes.set(`${kindOfFile(damage.file)} ${damage.kind}`, outcome);
    await write(victim.url, acknowledged, "after");

    for (const node of cluster.nodes)
      expect(new Map(await allEntries(node.url, "w", pageSize)), `${what}, at ${node.id}`).toEqual(
        acknowledged,
      );
    await until(`${victim.id} to have executed everything itself`, async () => {
      const own = await allEntries(victim.url, "w", pageSize, { query: "?consistency=stale" });
      return own.size === acknowledged.size ? true : undefined;
    });
    const own = await allEntries(victim.url, "w", pageSize, { query: "?consistency=stale" });
    expect(new Map(own), `${what}, ${victim.id} by itself`).toEqual(acknowledged);
    await Promise.all(cluster.nodes.map((node) => node.kill("SIGKILL")));
  }
  const seen = [...outcomes].map(([what, outcome]) => `${what}: ${outcome}`).sort();
  process.stdout.write(`${seen.join("\n")}\n`);
  expect([...new Set(outcomes.values())].sort()).toEqual(["as it was", "rebuilt", "replaced"]);
});

/** White space and a file of an earlier format aside, no change of an identity goes unnoticed. */
async function startsAnyway(node: ClusterNode): Promise<boolean> {
  return until(`${node.id} to start or to end`, async () => {
    if (!node.running) return false;
    return (await node.get("/livez"))?.ok === true ? true : undefined;
  });
}

/** A table file of that folder and the place of the last `text` in it: values lie behind the log in key order. */
function placeOf(folder: string, text: string): { readonly path: string; readonly at: number } {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".ldb"))) {
    const path = join(folder, name);
    const at = readFileSync(path).lastIndexOf(text);
    if (at >= 0) return { path, at };
  }
  throw new Error(`${text} is in no table of ${folder}`);
}

test("a value that rots under a running node is not served: the node ends, by name, and is rebuilt when it is started", {
  timeout: 5 * minutes,
}, async () => {
  await using cluster = await Cluster.prepare({ nodes: 3, settings });
  const acknowledged = new Map<string, string>();
  await prepared(cluster, acknowledged);
  for (const node of cluster.nodes) node.start();
  await cluster.ready();
  const leader = await cluster.leader();
  const victim = cluster.nodes.find((node) => node !== leader);
  if (!victim) throw new Error("a follower is expected");
  const key = "w1-9";
  const text = acknowledged.get(key) ?? "";
  const { path, at } = placeOf(join(cluster.folder, victim.id, "db"), text);
  const file = openSync(path, "r+");
  writeSync(file, "y", at + text.length - 10);
  closeSync(file);

  await expect(value(victim.url, "kv.get", [key], { query: "?consistency=stale" })).rejects.toThrow();
  expect(await victim.exited(), victim.logTail()).toBe(1);
  expect(victim.log()).toMatch(/this node stops: damaged storage: .*state key/);
  victim.start();
  await untilBack(victim, leader);
  expect(victim.log()).toContain("the disk is damaged");
  const own = await allEntries(victim.url, "w", pageSize, { query: "?consistency=stale" });
  for (const [name, value] of own) expect(value).toBe(acknowledged.get(name));
  expect(new Map(await allEntries(victim.url, "w", pageSize))).toEqual(acknowledged);
});
