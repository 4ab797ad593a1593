import { Fault, faultCodes, type Value } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../cluster/cluster.js";
import { ask, value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";

let cluster: InProcessCluster;
let leader: string;
let follower: string;
beforeAll(async () => {
  cluster = await InProcessCluster.start(3);
  leader = await cluster.leader();
  [follower] = await cluster.followers();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const item = (methodName: string, ...params: Value[]): Value => ({ methodName, params });
const multicall = (node: string, items: Value[], query = "") =>
  value(cluster.url(node), "system.multicall", [items], { query });

describe("system.multicall on three nodes", () => {
  it("is forwarded as one by a follower, and its queries see the commands before them", async () => {
    const before = (await cluster.status(leader)).appliedIndex;
    const { status, headers, result } = await ask(cluster.url(follower), "system.multicall", [
      [
        item("kv.set", "a", 1),
        item("kv.get", "a"),
        item("kv.incr", "a", 2),
        item("kv.set", "a"),
        item("kv.get", "nothing"),
        item("kv.list", "a"),
        item("cluster.status"),
      ],
    ]);
    expect(result).toEqual([
      [true],
      [1],
      [3],
      { faultCode: faultCodes.invalidParams, faultString: expect.stringContaining("kv.set") },
      { faultCode: 404, faultString: "key not found: nothing" },
      [[{ key: "a", value: 3 }]],
      [expect.objectContaining({ node: follower })],
    ]);
    expect({ status, node: headers.get("quorate-node") }).toEqual({ status: 200, node: follower });
    const index = Number(headers.get("quorate-index")?.split(":")[1]);
    expect(index).toBe(before + 1);
  });

  it("is redirected as one, and as one refused by fault", async () => {
    const items = [item("kv.set", "r", 1), item("kv.get", "r")];
    const redirected = await ask(cluster.url(follower), "system.multicall", [items], {
      userAgent: "curl/7.88.1",
    });
    expect(redirected.status).toBe(307);
    expect(redirected.headers.get("location")).toBe(`${cluster.url(leader)}/RPC2?quorate-hop=1`);
    const refused = await ask(cluster.url(follower), "system.multicall", [items], { query: "?route=fault" });
    expect(refused).toMatchObject({ status: 200, result: { faultCode: faultCodes.notLeader } });
    const { result } = await ask(cluster.url(leader), "kv.get", ["r"]);
    expect(result).toBeInstanceOf(Fault);
  });

  it("takes nothing into the log when it only reads", async () => {
    await value(cluster.url(leader), "kv.set", ["read", 1]);
    const { appliedIndex } = await cluster.status(leader);
    const items = [item("kv.get", "read"), item("kv.list", "read"), item("kv.count", "read")];
    const expected = [[1], [[{ key: "read", value: 1 }]], [1]];
    expect(await multicall(follower, items)).toEqual(expected);
    await until("the follower to apply it", async () =>
      (await cluster.status(follower)).appliedIndex >= appliedIndex ? true : undefined,
    );
    expect(await multicall(follower, items, "?consistency=stale")).toEqual(expected);
    expect((await cluster.status(leader)).appliedIndex).toBe(appliedIndex);
  });

  it("lets nothing come between its calls, wherever others write", async () => {
    const done = { writing: false };
    const ids = cluster.configs.map(({ node }) => node);
    const writers = ids.map(async (node) => {
      let writes = 0;
      for (; !done.writing; writes++) await value(cluster.url(node), "kv.incr", ["shared"]);
      return writes;
    });
    const batches = ids.map(async (node) => {
      for (let round = 0; round < 30; round++) {
        const items = Array.from({ length: 20 }, (_, at) =>
          at % 2 === 0 ? item("kv.incr", "shared") : item("kv.get", "shared"),
        );
        const seen = ((await multicall(node, items)) as [number][]).map(([number]) => number);
        const [first = 0] = seen;
        expect(seen).toEqual(seen.map((_, at) => first + (at >> 1)));
        // Reads alone must all see one moment, too; `kv.list` waits for the disk, and others write meanwhile.
        const reads = [item("kv.get", "shared"), item("kv.list", "shared"), item("kv.get", "shared")];
        const [[before], [[pair]], [after]] = (await multicall(node, reads)) as [
          [number],
          [[Value]],
          [number],
        ];
        expect([pair, after]).toEqual([{ key: "shared", value: before }, before]);
      }
    });
    await Promise.all(batches).finally(() => {
      done.writing = true;
    });
    const writes = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
    expect(writes).toBeGreaterThan(0);
    expect(await value(cluster.url(leader), "kv.get", ["shared"])).toBe(writes + 3 * 30 * 10);
  });
});
