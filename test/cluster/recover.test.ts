/** Two of three machines are gone for good: the third one goes on alone, and becomes three again. */
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contentsOf } from "../support/folder-contents.js";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { allEntries } from "./entries.js";
import { ask, value } from "./rpc.js";
import { SteadyClient } from "./steady-client.js";

const minutes = 60_000;
const settings = { raft: { heartbeat: "50ms", electionTimeout: "500ms", promoteAfter: "1s" } };
const writesMin = 100;

const tokenOf = async (node: ClusterNode): Promise<string> =>
  (await ask(node.url, "kv.count", [])).headers.get("quorate-index") ?? "";

const termOf = async (node: ClusterNode): Promise<unknown> =>
  ((await value(node.url, "cluster.status", [])) as { term: number }).term;

function peerOf({ configFile, id }: ClusterNode): string | undefined {
  const config = JSON.parse(readFileSync(configFile, "utf8")) as {
    cluster: { members: { id: string; peer: string }[] };
  };
  return config.cluster.members.find((member) => member.id === id)?.peer;
}

/** What the folder's log says was written. */
async function writesIn(folder: string): Promise<Map<string, string>> {
  const { code, out } = await quorate("log", folder, "-o", "json", "--from", "1", "--full");
  expect(code).toBe(0);
  const writes = new Map<string, string>();
  for (const line of out.trimEnd().split("\n")) {
    const { method, params } = JSON.parse(line) as { method: string | null; params: [string, string] };
    if (method === "kv.set") writes.set(params[0], params[1]);
  }
  return writes;
}

test("a lost majority, from the plan to three nodes again", { timeout: 5 * minutes }, async () => {
  await using cluster = await Cluster.start({ nodes: 3, settings });
  const [n1, n2, n3] = cluster.nodes;
  if (!n1 || !n2 || !n3) throw new Error("three nodes are expected");
  const folder = join(cluster.folder, "n1");
  const copies = join(cluster.folder, "copies");
  const clients = cluster.nodes.map(
    ({ url }, at) => new SteadyClient({ name: `r${at}`, urls: [url], userAgent: "Python-xmlrpc/3.11" }),
  );
  const acknowledged = () => new Map(clients.flatMap((client) => [...client.acknowledged]));
  await until(`${writesMin} writes`, async () => (acknowledged().size >= writesMin ? true : undefined));
  const tokenBefore = await tokenOf(n1);

  // A folder in use, and a cluster that is not lost: both are refused.
  expect(await quorate("recover", folder)).toMatchObject({
    code: 5,
    errors: expect.stringContaining(`a running node uses ${join(folder, "db")}`),
  });
  await n1.kill("SIGKILL");
  const early = await quorate("recover", folder);
  expect(early.code, early.errors).toBe(0);
  expect(early.out).toMatch(/^WARNING: n2 and n3 run, and with n1 that is a MAJORITY/m);
  expect(await quorate("recover", folder, "--yes")).toMatchObject({
    code: 6,
    errors: expect.stringContaining("nothing was changed: n2, n3 run, and with n1 that is a majority"),
  });
  n1.start();
  await n1.ready();

  // The end of n2 and n3, in the middle of writes.
  const goal = acknowledged().size + writesMin;
  await until("more writes", async () => (acknowledged().size >= goal ? true : undefined));
  await Promise.all([n2.kill("SIGKILL"), n3.kill("SIGKILL")]);
  await Promise.all([n1.kill("SIGKILL"), ...clients.map((client) => client.stop())]);
  mkdirSync(copies);
  for (const { id } of [n2, n3]) {
    cpSync(join(cluster.folder, id), join(copies, id), { recursive: true });
    rmSync(join(cluster.folder, id), { recursive: true });
  }

  // The plan changes nothing.
  const before = contentsOf(folder);
  const plan = await quorate("recover", "--config", n1.configFile);
  expect(plan.code, plan.errors).toBe(0);
  expect(plan.out).toMatch(/^PLAN: n1 goes on alone, .* Nothing has been changed\.$/m);
  expect(plan.out).toMatch(/^n2 +voter +dropped +does not answer at /m);
  expect(plan.out).toContain(`quorate recover ${folder} --yes`);
  const facts = JSON.parse((await quorate("recover", folder, "-o", "json")).out);
  expect(facts).toMatchObject({ node: "n1", cluster: "test", executed: false, majorityRuns: false });
  const compared = await quorate("recover", join(copies, "n2"), join(copies, "n3"), folder);
  expect(compared.out).toMatch(/^Choose n\d \(.*\): /m);
  expect(contentsOf(folder)).toEqual(before);

  const held = await writesIn(folder);
  const kept = [...acknowledged()].filter(([key]) => held.has(key));
  expect(kept.length).toBeGreaterThanOrEqual(writesMin);

  // Carried out, and started with the config as it was.
  const done = await quorate("recover", folder, "--yes");
  expect(done.code, done.errors).toBe(0);
  expect(done.out).toMatch(/^n1 is the only voter of the cluster "test" with the new id [0-9a-f]{32} /);
  expect(await quorate("recover", folder, "--yes")).toMatchObject({ code: 6 });
  n1.start();
  await n1.ready();
  expect(await allEntries(n1.url, "")).toEqual(held);

  // Another tag: what was said of the old cluster's indexes counts no more.
  const tokenAfter = await tokenOf(n1);
  expect(tokenAfter.split(":")[0]).not.toBe(tokenBefore.split(":")[0]);
  const options = { headers: { "quorate-min-index": tokenBefore } };
  expect(await value(n1.url, "kv.count", [], options).catch((fault: unknown) => fault)).toMatchObject({
    faultCode: -32602,
  });

  // The others come back with their old folders: a cluster of their own, refused by name.
  const term = await termOf(n1);
  for (const node of [n2, n3]) {
    cpSync(join(copies, node.id), join(cluster.folder, node.id), { recursive: true });
    node.start();
  }
  await cluster.ready([n2, n3]);
  for (const [node, other] of [
    [n1, "n2"],
    [n1, "n3"],
    [n2, "n1"],
    [n3, "n1"],
  ] as const) {
    const said = new RegExp(`"peer":"${other}".*belongs to the cluster with id .*or one was recovered from`);
    await until(
      () => `${node.id} to refuse ${other}:\n${node.logTail()}`,
      async () => (said.test(node.log()) ? true : undefined),
    );
  }
  expect(await value(n1.url, "kv.set", ["after", "recovery"])).toBe(true);
  expect(await termOf(n1)).toBe(term);
  await Promise.all([n2.kill("SIGKILL"), n3.kill("SIGKILL")]);

  // Emptied, they are admitted as newcomers under their old ids.
  for (const node of [n2, n3]) {
    rmSync(join(cluster.folder, node.id), { recursive: true });
    node.start();
    const hint = `quorate add ${node.id} ${peerOf(node)} ${node.url}`;
    await until(`${node.id} to ask for ${hint}`, async () => (node.log().includes(hint) ? true : undefined));
    const [, ...words] = hint.split(" ");
    const added = await quorate(...words, "--url", n1.url, "--wait", "60s");
    expect(added.code, added.errors).toBe(0);
    expect(added.out).toContain(`${node.id} was added; it votes`);
  }
  await cluster.ready();
  await n1.kill("SIGKILL");
  const leader = await cluster.leader([n2, n3]);
  expect(await allEntries(leader.url, "")).toEqual(new Map([...held, ["after", "recovery"]]));
});

test("what cannot be recovered is refused by name, with an exit code of its own", async () => {
  await using cluster = await Cluster.prepare({ nodes: 3 });
  const [n1] = cluster.nodes;
  if (n1 === undefined) throw new Error("a node is expected");
  n1.start();
  await until("n1 to wait for the others", async () => (n1.log().includes("waiting for") ? true : undefined));
  await n1.kill("SIGTERM");
  const folder = join(cluster.folder, "n1");
  for (const [args, code, text] of [
    [[folder], 6, "says that n1 never belonged to a cluster: there is nothing to recover"],
    [[folder, "--yes"], 6, "never belonged to a cluster"],
    [[cluster.folder], 2, "holds no identity.json; expected the data folder of a node"],
    [[join(cluster.folder, "nowhere"), "--yes"], 2, "does not exist; expected the data folder of a node"],
    [[], 2, "name the data folder of a stopped node, or --config FILE"],
    [[folder, "--node", "n1"], 2, "--node goes with --config"],
    [[folder, "--config", n1.configFile], 2, "--config names the folder already"],
    [[folder, folder, "--yes"], 2, "--yes takes one folder"],
    [["--config", n1.configFile, "--node", "n9"], 2, "n9"],
  ] as const) {
    const ended = await quorate("recover", ...args);
    expect([ended.code, ended.out], `${args.join(" ")}: ${ended.errors}`).toEqual([code, ""]);
    expect(ended.errors).toContain(text);
  }
});
