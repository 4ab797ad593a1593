/** A real cluster whose leader is killed under a stream of calls: what an application sees of it. */
import { Client, NotExecutedError, OutcomeUnknownError } from "@quorate/client";
import { expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "../cluster/cluster.js";
import { allEntries } from "../cluster/entries.js";

const minutes = 60_000;
const callers = 16;

/** Waits until every other node follows a leader that is not `gone`. */
async function allKnowAnother(cluster: Cluster, gone: ClusterNode): Promise<void> {
  for (const node of cluster.nodes.filter((other) => other !== gone)) {
    await until(`${node.id} to follow another leader than ${gone.id}`, async () => {
      const leader = (await node.get("/livez"))?.headers.get("quorate-leader");
      return leader && leader !== gone.id ? true : undefined;
    });
  }
}

interface Kv {
  set(key: string, value: string): boolean;
  get(key: string): string;
}

test("kill -9 of the leader: no acknowledged write lost, no call refused, unknown only what was in flight", {
  timeout: 3 * minutes,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  await using client = new Client({ nodes: cluster.nodes.map((node) => node.rpcUrl) });
  const kv = client.proxy<Kv>("kv");
  const acknowledged = new Map<string, string>();
  const failures: { key: string; error: unknown; startedAt: number; endedAt: number }[] = [];
  let stopped = false;
  const caller = async (name: number) => {
    for (let count = 0; !stopped; count++) {
      const [key, text] = [`w${name}/${count}`, `value ${count} of ${name}`];
      const startedAt = performance.now();
      try {
        await kv.set(key, text);
        acknowledged.set(key, text);
      } catch (error) {
        failures.push({ key, error, startedAt, endedAt: performance.now() });
      }
    }
  };
  const work = Promise.all(Array.from({ length: callers }, (_, name) => caller(name)));
  const more = (count: number) => {
    const goal = acknowledged.size + count;
    return until(`${count} more writes`, async () => (acknowledged.size >= goal ? true : undefined));
  };

  const kills: { from: number; to: number }[] = [];
  for (let round = 0; round < 2; round++) {
    await more(300);
    const leader = await cluster.leader();
    const from = performance.now();
    await leader.kill("SIGKILL");
    await allKnowAnother(cluster, leader);
    kills.push({ from, to: performance.now() });
    await more(300);
    leader.start();
    await leader.ready();
  }
  stopped = true;
  await work;

  expect(failures.filter(({ error }) => error instanceof NotExecutedError)).toEqual([]);
  expect(failures.filter(({ error }) => !(error instanceof OutcomeUnknownError))).toEqual([]);
  // A caller may meet one kill more than once: its next call can reach a survivor that still forwards to the
  // dead leader. Calls that began after every survivor knew another leader, or ended before the kill, meet none.
  const metNoKill = failures.filter(
    ({ startedAt, endedAt }) => !kills.some((kill) => startedAt <= kill.to && endedAt >= kill.from),
  );
  expect(metNoKill).toEqual([]);
  for (const node of cluster.nodes) {
    const found = await allEntries(node.url, "w");
    expect([...acknowledged].filter(([key, text]) => found.get(key) !== text)).toEqual([]);
  }
});

test("safe calls see nothing of it: every read ends with its value", { timeout: 3 * minutes }, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  await using client = new Client({ nodes: cluster.nodes.map((node) => node.rpcUrl) });
  await client.call("kv.set", ["a", "there"]);
  const reads = client.proxy<Kv>("kv", { safe: true });
  let [stopped, answered] = [false, 0];
  const caller = async () => {
    while (!stopped) {
      expect(await reads.get("a")).toBe("there");
      answered += 1;
    }
  };
  const work = Promise.all(Array.from({ length: callers }, caller));
  const more = (count: number) => {
    const goal = answered + count;
    return until(`${count} more reads`, async () => (answered >= goal ? true : undefined));
  };
  await more(300);
  await (await cluster.leader()).kill("SIGKILL");
  await more(300);
  stopped = true;
  await work;
});

test("stale reads at a follower see what the client wrote", { timeout: 3 * minutes }, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  const followers = await cluster.followers();
  const leader = await cluster.leader();
  await using client = new Client({
    nodes: [...followers, leader].map((node) => node.rpcUrl),
    readYourWrites: true,
  });
  const [kv, near] = [client.proxy<Kv>("kv"), client.proxy<Kv>("kv", { consistency: "stale" })];
  for (let count = 0; count < 200; count++) {
    await kv.set("a", `${count}`);
    expect(await near.get("a")).toBe(`${count}`);
  }
  expect(client.lastIndex).toMatch(/^[0-9a-f]{8}:\d+$/);
  const another = await client.call("kv.get", ["a"], {
    consistency: "stale",
    maxStalenessMs: 500,
    minIndex: client.lastIndex ?? undefined,
  });
  expect(another).toBe("199");
});
