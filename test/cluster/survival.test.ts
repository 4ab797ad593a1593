/** What a cluster of real processes keeps when processes die: every acknowledged write, and its word about reads. */
import { Fault, faultCodes } from "@quorate/protocol";
import { describe, expect, test } from "vitest";
import { checkLinearizable } from "../linearizability/checker.js";
import { registerModel } from "../linearizability/register-model.js";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { historyUnderFaults } from "./faulty-history.js";
import { ask, value } from "./rpc.js";
import { attempt } from "./workload.js";

const minutes = 60_000;

/** Writers of unique keys; what was acknowledged must be found at the end. */
function startWriters(urls: () => readonly string[], writers: number) {
  const acknowledged = new Map<string, string>();
  let stopped = false;
  const writer = async (name: number) => {
    for (let count = 0; !stopped; count++) {
      const key = `w${name}/${count}`;
      const all = urls();
      const end = await attempt(all[count % all.length] ?? "", "kv.set", [key, `value of ${key}`]);
      if (end.kind === "ok") acknowledged.set(key, `value of ${key}`);
      if (end.kind === "fault") throw end.fault;
    }
  };
  const done = Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
  return {
    acknowledged,
    /** Resolves once so many more writes were acknowledged. */
    more: (count: number) => {
      const goal = acknowledged.size + count;
      return until(`${count} more writes`, async () => (acknowledged.size >= goal ? true : undefined));
    },
    stop: async () => {
      stopped = true;
      await done;
    },
  };
}

async function expectAllThere(node: ClusterNode, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  const found = new Map<string, string>();
  let after = "";
  for (;;) {
    const page = await value(node.url, "kv.list", ["w", 1000, ...(after === "" ? [] : [after])]);
    if (!Array.isArray(page) || page.length === 0) break;
    for (const item of page as unknown as { key: string; value: string }[]) {
      found.set(item.key, item.value);
      after = item.key;
    }
  }
  const lost = [...acknowledged].filter(([key, text]) => found.get(key) !== text).map(([key]) => key);
  expect(lost).toEqual([]);
}

describe("three nodes", () => {
  test("kill -9 of the leader under load loses no acknowledged write, and the node comes back", {
    timeout: 3 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const writers = startWriters(
      () => cluster.nodes.filter((node) => node.running).map((node) => node.url),
      8,
    );
    for (let round = 0; round < 3; round++) {
      await writers.more(200);
      const leader = await cluster.leader();
      await leader.kill("SIGKILL");
      await writers.more(200);
      leader.start();
      await leader.ready();
    }
    await writers.stop();
    for (const node of cluster.nodes) await expectAllThere(node, writers.acknowledged);
  });

  test("kill -9 of all nodes at once and a restart lose no acknowledged write", {
    timeout: 3 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const writers = startWriters(() => cluster.nodes.map((node) => node.url), 8);
    await writers.more(500);
    const killed = Promise.all(cluster.nodes.map((node) => node.kill("SIGKILL")));
    const stopped = writers.stop();
    await killed;
    await stopped;
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    for (const node of cluster.nodes) await expectAllThere(node, writers.acknowledged);
  });

  test("a paused leader never serves a stale linearizable read when it wakes up", {
    timeout: 3 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await value(cluster.nodes[0]?.url ?? "", "kv.set", ["register", "old"]);
    const leader = await cluster.leader();
    const others = cluster.nodes.filter((node) => node !== leader);
    leader.pause();
    const next = await cluster.leader(others);
    await value(next.url, "kv.set", ["register", "new"]);
    // These lie in the paused process's socket buffers and are the first thing it sees when it runs again.
    const reads = Array.from({ length: 20 }, () => ask(leader.url, "kv.get", ["register"]));
    leader.resume();
    for (const { result } of await Promise.all(reads)) {
      if (result instanceof Fault)
        expect([faultCodes.noLeader, faultCodes.notLeader, faultCodes.outcomeUnknown]).toContain(
          result.faultCode,
        );
      else expect(result).toBe("new");
    }
    expect(await value(leader.url, "kv.get", ["register"])).toBe("new");
  });

  test("a minority answers no write and no linearizable read, says so, and serves stale reads", {
    timeout: 3 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await value(cluster.nodes[0]?.url ?? "", "kv.set", ["a", 1]);
    const [last, ...others] = [...cluster.nodes].reverse();
    if (last === undefined) throw new Error("no nodes");
    await until("the write on the node that stays", async () => {
      const { result } = await ask(last.url, "kv.get", ["a"], { query: "?consistency=stale" });
      return result === 1 ? true : undefined;
    });
    await Promise.all(others.map((node) => node.kill("SIGKILL")));
    await until("the survivor to notice", async () => ((await last.isLeader()) ? undefined : true));
    for (const method of ["kv.set", "kv.get"]) {
      const forwarded = await ask(last.url, method, method === "kv.set" ? ["a", 2] : ["a"]);
      expect(forwarded.status).toBe(200);
      expect(forwarded.result).toMatchObject({ faultCode: faultCodes.noLeader });
      const redirected = await ask(last.url, method, method === "kv.set" ? ["a", 3] : ["a"], {
        userAgent: "curl/7.88.1",
      });
      expect(redirected.status).toBe(503);
      expect(redirected.headers.get("retry-after")).toBe("1");
      expect(redirected.result).toMatchObject({ faultCode: faultCodes.noLeader });
    }
    expect((await last.get("/leader"))?.status).toBe(503);
    expect((await last.get("/readyz"))?.status).toBe(503);
    expect((await last.get("/livez"))?.status).toBe(200);
    const stale = await ask(last.url, "kv.get", ["a"], { query: "?consistency=stale" });
    expect(stale.result).toBe(1);
  });

  test("histories of concurrent set, get and cas are linearizable while nodes are killed and paused", {
    timeout: 4 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const history = await historyUnderFaults(cluster);
    expect(history.filter(({ outcome }) => outcome.kind === "ok").length).toBeGreaterThan(800);
    expect(checkLinearizable(registerModel, history)).toEqual({ ok: true });
  });
});

describe("five nodes", () => {
  test("go on with two killed and lose no acknowledged write", { timeout: 3 * minutes }, async () => {
    await using cluster = await Cluster.start({ nodes: 5 });
    const writers = startWriters(
      () => cluster.nodes.filter((node) => node.running).map((node) => node.url),
      8,
    );
    await writers.more(200);
    const leader = await cluster.leader();
    const follower = cluster.nodes.find((node) => node !== leader);
    await Promise.all([leader.kill("SIGKILL"), follower?.kill("SIGKILL")]);
    await writers.more(200);
    await writers.stop();
    for (const node of cluster.nodes.filter((candidate) => candidate.running))
      await expectAllThere(node, writers.acknowledged);
  });
});
