/** Reads with bounds, and linearizable reads from followers, on whole nodes. */
import { faultCodes, type Value } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { until } from "../cluster/cluster.js";
import { ask, value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";

/** With `route=redirect` a node shows whether it answers by itself. */
const here = (query: string) => ({ query: `?route=redirect&${query}` });

/** Polls, because a node sends its callers away for as long as an election runs. */
const untilAnsweredHere = (url: string, query: string, expected: Value) =>
  until(`${url} to answer by itself with ${query}`, async () => {
    const { status, result } = await ask(url, "kv.get", ["a"], here(query));
    if (status !== 200) return undefined;
    expect(result).toBe(expected);
    return true;
  });

const tokenOf = (headers: Headers) => {
  const token = headers.get("quorate-index") ?? "";
  const [tag = "", index] = token.split(":");
  return { token, tag, index: Number(index) };
};

describe("reads with bounds", () => {
  it("see what their token names on every node, and tell a token in turn", async () => {
    await using cluster = await InProcessCluster.start(3);
    const urls = cluster.configs.map(({ http }) => http.advertise);
    let token = "";
    for (let count = 0; count < 60; count++) {
      const written = await ask(urls[count % 3] ?? "", "kv.set", ["a", count]);
      expect(written.result).toBe(true);
      token = tokenOf(written.headers).token;
      for (const url of urls) {
        const query = `?consistency=stale&min_index=${token}`;
        const read = await ask(url, "kv.get", ["a"], { query });
        expect(read.result).toBe(count);
        expect(tokenOf(read.headers).index).toBeGreaterThanOrEqual(tokenOf(written.headers).index);
      }
    }
    // Once it is applied there, a follower answers by itself; and a linearizable read takes the bound as well.
    const [follower] = await cluster.followers();
    await untilAnsweredHere(cluster.url(follower), `consistency=stale&min_index=${token}`, 59);
    expect(await value(cluster.url(follower), "kv.get", ["a"], { query: `?min_index=${token}` })).toBe(59);
    const headers = { "quorate-consistency": "stale", "quorate-min-index": token };
    expect(await value(cluster.url(follower), "kv.get", ["a"], { headers })).toBe(59);
  });

  it("are refused when the token is invented or of another cluster", async () => {
    await using cluster = await InProcessCluster.start(3);
    const [follower] = await cluster.followers();
    for (const url of [cluster.url(follower), cluster.url(await cluster.leader())]) {
      const { tag, index } = tokenOf((await ask(url, "kv.set", ["a", 1])).headers);
      for (const consistency of ["linearizable", "stale"]) {
        const query = `?consistency=${consistency}&min_index=${tag}:${index + 1_000_000}`;
        const { status, result } = await ask(url, "kv.get", ["a"], { query });
        expect({ status, result }).toMatchObject({
          status: 200,
          result: { faultCode: faultCodes.noLeader, message: expect.stringContaining("has only reached") },
        });
      }
      const foreign = await ask(url, "kv.get", ["a"], { query: `?min_index=00000000:${index}` });
      expect(foreign.result).toMatchObject({
        faultCode: faultCodes.invalidParams,
        message: expect.stringMatching(new RegExp(`00000000.*${tag}`)),
      });
    }
  });

  it("with max_staleness are answered by any node while the leader answers its probes, and never after", async () => {
    await using cluster = await InProcessCluster.start(3);
    await value(cluster.url("n1"), "kv.set", ["a", 1]);
    for (const { http } of cluster.configs) {
      // An hour: whatever this machine is busy with, the probe ends within the bound.
      await untilAnsweredHere(http.advertise, "consistency=stale&max_staleness=1h", 1);
      // No probe ends in no time: as a linearizable read it is answered all the same.
      const query = "?consistency=stale&max_staleness=0ms";
      expect(await value(http.advertise, "kv.get", ["a"], { query })).toBe(1);
    }
    const [survivor, other] = await cluster.followers();
    await cluster.stopNode(other ?? "");
    await cluster.stopNode(await cluster.leader());
    await until("the survivor to know", async () =>
      (await cluster.status(survivor)).leader === null ? true : undefined,
    );
    const url = cluster.url(survivor);
    const bounded = await ask(url, "kv.get", ["a"], { query: "?consistency=stale&max_staleness=1ms" });
    expect(bounded).toMatchObject({
      status: 200,
      result: { faultCode: faultCodes.noLeader, message: expect.stringContaining("max_staleness") },
    });
    const redirected = await ask(url, "kv.get", ["a"], here("consistency=stale&max_staleness=1ms"));
    expect(redirected.status).toBe(503);
    expect(redirected.headers.get("retry-after")).toBe("1");
    expect(await value(url, "kv.get", ["a"], { query: "?consistency=stale&max_staleness=1h" })).toBe(1);
    const { token } = tokenOf(bounded.headers);
    expect(await value(url, "kv.get", ["a"], { query: `?consistency=stale&min_index=${token}` })).toBe(1);
  });
});

describe("a node that was away and finds nobody", () => {
  it("answers from what it has, but no read whose bounds that does not meet", async () => {
    await using cluster = await InProcessCluster.start(3);
    const [away, other] = await cluster.followers();
    const leader = await cluster.leader();
    await value(cluster.url(leader), "kv.set", ["a", "old"]);
    const before = await until("the follower to have applied it", async () => {
      const { result, headers } = await ask(cluster.url(away), "kv.get", ["a"], {
        query: "?consistency=stale",
      });
      return result === "old" ? tokenOf(headers).token : undefined;
    });
    await cluster.stopNode(away);
    const { token: after } = tokenOf((await ask(cluster.url(leader), "kv.set", ["a", "new"])).headers);
    await Promise.all([cluster.stopNode(leader), cluster.stopNode(other ?? "")]);
    await cluster.startNode(away);

    const read = async (bound: string) =>
      (await ask(cluster.url(away), "kv.get", ["a"], { query: `?consistency=stale${bound}` })).result;
    expect(await read("")).toBe("old");
    expect(await read(`&min_index=${before}`)).toBe("old");
    for (const bound of [
      `&min_index=${after}`,
      "&max_staleness=1h",
      `&max_staleness=1h&min_index=${before}`,
    ]) {
      expect(await read(bound)).toMatchObject({ faultCode: faultCodes.noLeader });
    }
    // With one more there is a majority, and every bound is met again.
    await cluster.startNode(leader);
    for (const bound of [`&min_index=${after}`, "&max_staleness=1h"]) {
      await until(`an answer with ${bound}`, async () => ((await read(bound)) === "new" ? true : undefined));
    }
  });
});

describe("reads.followers", () => {
  it("lets every node answer linearizable reads itself, and commands go on to the leader", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    for (const config of cluster.configs) Object.assign(config, { reads: { followers: true } });
    await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
    await cluster.ready();
    const leader = await cluster.leader();
    const followers = await cluster.followers();
    for (let count = 0; count < 100; count++) {
      await value(cluster.url(leader), "kv.set", ["a", count]);
      for (const follower of followers) {
        expect(await value(cluster.url(follower), "kv.get", ["a"])).toBe(count);
      }
    }
    for (const follower of followers) await untilAnsweredHere(cluster.url(follower), "x=1", 99);
    const command = await ask(cluster.url(followers[0]), "kv.set", ["a", -1], here("x=1"));
    expect(command.status).toBe(307);
  });

  it("ends like every other read without a leader", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    for (const config of cluster.configs) Object.assign(config, { reads: { followers: true } });
    await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
    await cluster.ready();
    const [survivor, other] = await cluster.followers();
    await cluster.stopNode(other ?? "");
    await cluster.stopNode(await cluster.leader());
    const { status, result } = await ask(cluster.url(survivor), "kv.get", ["a"]);
    expect({ status, result }).toMatchObject({ status: 200, result: { faultCode: faultCodes.noLeader } });
  });
});
