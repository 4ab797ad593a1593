/** Reads from followers keep their promise when real processes are killed and paused. */
import { describe, expect, test } from "vitest";
import { checkLinearizable } from "../linearizability/checker.js";
import { registerModel } from "../linearizability/register-model.js";
import { Cluster, until } from "./cluster.js";
import { historyUnderFaults } from "./faulty-history.js";
import { ask, value } from "./rpc.js";

const minutes = 60_000;

describe("reads.followers", () => {
  test("histories are linearizable while the leader is killed and paused", {
    timeout: 4 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3, settings: { reads: { followers: true } } });
    const history = await historyUnderFaults(cluster, async () => {
      // What the history is about: followers answered reads without the leader.
      for (const node of await cluster.followers()) {
        await until(`${node.id} to answer a read itself`, async () => {
          const { status } = await ask(node.url, "kv.count", [], { query: "?route=redirect" });
          return status === 200 ? true : undefined;
        });
      }
    });
    expect(history.filter(({ outcome }) => outcome.kind === "ok").length).toBeGreaterThan(800);
    expect(checkLinearizable(registerModel, history)).toEqual({ ok: true });
  });

  test("a paused follower never serves what is old when it wakes up", { timeout: 3 * minutes }, async () => {
    await using cluster = await Cluster.start({ nodes: 3, settings: { reads: { followers: true } } });
    const leader = await cluster.leader();
    await value(leader.url, "kv.set", ["register", "old"]);
    const [follower] = await cluster.followers();
    if (follower === undefined) throw new Error("no followers");
    expect(await value(follower.url, "kv.get", ["register"])).toBe("old");
    follower.pause();
    const { headers } = await ask(leader.url, "kv.set", ["register", "new"]);
    // These lie in the paused process's socket buffers and are the first thing it sees when it runs again.
    const reads = Array.from({ length: 20 }, () => value(follower.url, "kv.get", ["register"]));
    const bounded = ["max_staleness=0ms", `min_index=${headers.get("quorate-index")}`].flatMap((bound) =>
      Array.from({ length: 20 }, () =>
        value(follower.url, "kv.get", ["register"], { query: `?consistency=stale&${bound}` }),
      ),
    );
    follower.resume();
    expect(new Set(await Promise.all([...reads, ...bounded]))).toEqual(new Set(["new"]));
  });
});
