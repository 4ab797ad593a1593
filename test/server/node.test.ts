import { join } from "node:path";
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { until } from "../cluster/cluster.js";
import { ask, value } from "../cluster/rpc.js";
import { projectRoot } from "../support/project-root.js";
import { InProcessCluster } from "./in-process-cluster.js";

const followsRedirects = "curl/7.88.1";

describe("one node", () => {
  it("takes calls, keeps what it acknowledged, and says what it is", async () => {
    await using cluster = await InProcessCluster.start(1);
    const url = cluster.url("n1");
    expect(await value(url, "kv.set", ["greeting", "hello"])).toBe(true);
    const { status, headers, result } = await ask(url, "kv.get", ["greeting"]);
    expect({ status, result }).toEqual({ status: 200, result: "hello" });
    expect(headers.get("quorate-node")).toBe("n1");
    expect(headers.get("quorate-leader")).toBe("n1");
    expect(headers.get("quorate-index")).toMatch(/^[0-9a-f]{8}:\d+$/);

    expect(await value(url, "cluster.status", [])).toMatchObject({
      node: "n1",
      leader: "n1",
      serves: true,
      born: true,
    });
    expect(await value(url, "cluster.members", [])).toMatchObject([
      { id: "n1", role: "voter", leader: true },
    ]);
    expect(await value(url, "system.listMethods", [])).toEqual(
      expect.arrayContaining(["cluster.members", "cluster.status", "kv.get", "kv.set", "system.listMethods"]),
    );
    expect(await value(url, "system.methodSignature", ["kv.set"])).toEqual([["boolean", "string", "any"]]);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const series of [
      /^quorate_call_duration_seconds_count\{method="kv\.set",kind="command",[^}]*\} 1$/m,
      /^quorate_call_duration_seconds_sum\{method="kv\.set",kind="command",[^}]*\} 0\.0*[1-9]/m,
      /^quorate_log_fsync_duration_seconds_count\{[^}]*\} [1-9]/m,
      /^quorate_log_fsync_duration_seconds_sum\{[^}]*\} 0\.0*[1-9]/m,
    ]) {
      expect(metrics).toMatch(series);
    }

    await cluster.stopNode("n1");
    await cluster.startNode("n1");
    await cluster.ready();
    expect(await value(url, "kv.get", ["greeting"])).toBe("hello");
  });

  it("refuses wrong calls by fault", async () => {
    await using cluster = await InProcessCluster.start(1);
    const url = cluster.url("n1");
    const codeOf = async (method: string, params: string[], headers: Record<string, string> = {}) => {
      const { result } = await ask(url, method, params, { headers });
      return result instanceof Fault ? result.faultCode : result;
    };
    expect(await codeOf("kv.set", ["only a key"])).toBe(faultCodes.invalidParams);
    expect(await codeOf("kv.get", [])).toBe(faultCodes.invalidParams);
    expect(await codeOf("kv.nope", [])).toBe(faultCodes.methodNotFound);
    expect(await codeOf("kv.get", ["missing"])).toBe(404);
    expect(await codeOf("kv.set", ["k", "v"], { "idempotency-key": "1" })).toBe(faultCodes.invalidParams);
    expect(await codeOf("kv.count", [])).toBe(0);
  });

  it("refuses wrong parameters of the server's own methods by fault, whichever it is", async () => {
    await using cluster = await InProcessCluster.start(1);
    const url = cluster.url("n1");
    const peer = "127.0.0.1:9";
    const cases: [method: string, params: Value[], text: RegExp][] = [
      ["cluster.add", [], /expected id, peer and http/],
      ["cluster.add", ["n4", peer], /expected id, peer and http/],
      ["cluster.add", ["n4", peer, 3], /expected id, peer and http/],
      ["cluster.add", ["n4", "somewhere", "http://127.0.0.1:8"], /peer: expected host:port .* "somewhere"/],
      ["cluster.add", ["n4", peer, "n4.example"], /http: expected a URL .* "n4\.example"/],
      ["cluster.add", ["n4", peer, "http://127.0.0.1:8/RPC2"], /http: expected a URL .* \(no path\)/],
      ["cluster.add", ["n 4", peer, "http://127.0.0.1:8"], /id: expected letters/],
      ["cluster.remove", [], /expected id/],
      ["cluster.replace", ["n1", peer], /expected id, or id, peer and http/],
      ["cluster.replace", ["n1", "x", "http://127.0.0.1:8"], /peer: expected host:port/],
      ["cluster.transfer", [1], /as a string/],
      ["cluster.void", ["3"], /a whole number from 1/],
      ["cluster.digest", [1], /no parameters/],
      ["cluster.status", [1], /no parameters/],
      ["cluster.members", [1], /no parameters/],
      ["system.listMethods", [1], /no parameters/],
      ["system.getCapabilities", [1], /no parameters/],
      ["system.methodHelp", [], /one parameter/],
      ["system.methodSignature", [], /one parameter/],
      ["system.multicall", [], /one parameter/],
    ];
    for (const [method, params, text] of cases) {
      const { status, result } = await ask(url, method, params);
      expect({ status, result }, `${method} ${JSON.stringify(params)}`).toMatchObject({
        status: 200,
        result: { faultCode: faultCodes.invalidParams, faultString: expect.stringMatching(text) },
      });
    }
    const methods = (await value(url, "system.listMethods", [])) as readonly string[];
    const own = methods.filter((name) => /^(cluster|system)\./.test(name));
    expect([...new Set(cases.map(([method]) => method))].sort()).toEqual(own);
  });

  it("warns at each start when other machines can call it, since nothing authenticates them", async () => {
    await using cluster = await InProcessCluster.prepare(1);
    const warned = () => cluster.lines.filter(({ message }) => message.includes("nothing authenticates"));
    await cluster.startNode("n1");
    await cluster.stopNode("n1");
    expect(warned()).toEqual([]);

    const config = cluster.config("n1");
    const { port } = config.http.listen;
    Object.assign(config, { http: { ...config.http, listen: { host: "0.0.0.0", port } } });
    await cluster.startNode("n1");
    expect(warned()).toMatchObject([
      { level: "warn", message: expect.stringMatching(`^0\\.0\\.0\\.0:${port} is reachable .*firewall`) },
    ]);
  });

  it("says by name that an address is taken, and leaves nothing open", async () => {
    await using cluster = await InProcessCluster.start(1);
    await using other = await InProcessCluster.prepare(1);
    const config = other.config("n1");
    const { http, peer } = cluster.config("n1");
    Object.assign(config, { http: { ...config.http, listen: http.listen } });
    await expect(other.startNode("n1")).rejects.toThrow(
      /cannot listen for HTTP on 127\.0\.0\.1:\d+: another process/,
    );
    Object.assign(config, { peer: { ...config.peer, listen: peer.listen } });
    await expect(other.startNode("n1")).rejects.toThrow(
      /cannot listen for peers on 127\.0\.0\.1:\d+: another process/,
    );
  });
});

describe("three nodes", () => {
  it("answer on every node, by redirect or by forwarding, as the client can bear", async () => {
    await using cluster = await InProcessCluster.start(3);
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    const url = cluster.url(follower);

    const forwarded = await ask(url, "kv.set", ["a", 1]);
    expect(forwarded).toMatchObject({ status: 200, result: true });
    expect(forwarded.headers.get("quorate-node")).toBe(follower);
    expect(await value(url, "kv.get", ["a"])).toBe(1);

    const redirected = await ask(url, "kv.set", ["a", 2], { userAgent: followsRedirects, query: "?x=y" });
    expect(redirected.status).toBe(307);
    expect(redirected.headers.get("location")).toBe(`${cluster.url(leader)}/RPC2?x=y&quorate-hop=1`);
    expect(redirected.result).toMatchObject({ faultCode: faultCodes.notLeader });
    const { result } = await ask(cluster.url(leader), "kv.set", ["a", 2], { query: "?x=y&quorate-hop=1" });
    expect(result).toBe(true);

    const refused = await ask(url, "kv.set", ["a", 3], { query: "?route=fault" });
    expect(refused).toMatchObject({ status: 200, result: { faultCode: faultCodes.notLeader } });
    expect(await value(url, "kv.get", ["a"])).toBe(2);
  });

  it("forward a call that was redirected to a node that does not lead", async () => {
    await using cluster = await InProcessCluster.start(3);
    const [follower] = await cluster.followers();
    const answer = await ask(cluster.url(follower), "kv.set", ["a", 1], {
      userAgent: followsRedirects,
      query: "?quorate-hop=1",
    });
    expect(answer).toMatchObject({ status: 200, result: true });
  });

  it("tell the index of a forwarded write, which the answering node may not have applied yet", async () => {
    await using cluster = await InProcessCluster.start(3);
    const [follower] = await cluster.followers();
    const { headers } = await ask(cluster.url(follower), "kv.set", ["a", 1]);
    const index = Number(headers.get("quorate-index")?.split(":")[1]);
    expect((await cluster.status(await cluster.leader())).appliedIndex).toBeGreaterThanOrEqual(index);
    await until("the follower to apply it", async () =>
      (await cluster.status(follower)).appliedIndex >= index ? true : undefined,
    );
    expect(await value(cluster.url(follower), "kv.get", ["a"], { query: "?consistency=stale" })).toBe(1);
  });

  it("tell the digest of their state, equal after the same entry, also after a restart", async () => {
    await using cluster = await InProcessCluster.start(3);
    const nodes = cluster.configs.map(({ node }) => node);
    const digestAt = async (node: string) =>
      (await value(cluster.url(node), "cluster.digest", [])) as { readonly [field: string]: Value };
    const equal = async () =>
      until("three nodes to have executed the same", async () => {
        const [first, ...others] = await Promise.all(nodes.map(digestAt));
        return others.every((other) => other.index === first?.index) ? [first, ...others] : undefined;
      });
    await value(cluster.url("n1"), "kv.set", ["a", 1]);
    const before = await equal();
    expect(before).toMatchObject(nodes.map((node) => ({ node, mismatches: 0 })));
    expect(new Set(before.map((report) => report?.digest)).size).toBe(1);
    expect(before[0]?.digest).toMatch(/^[0-9a-f]{64}$/);

    await value(cluster.url("n1"), "kv.set", ["a", 2]);
    const after = await equal();
    expect(after[0]?.digest).not.toBe(before[0]?.digest);
    await cluster.stopNode("n3");
    await cluster.startNode("n3");
    await cluster.ready();
    const again = await equal();
    expect(again.map((report) => report?.digest)).toEqual(after.map((report) => report?.digest));
  });

  it("lose no call when the leader is stopped in an orderly way", async () => {
    await using cluster = await InProcessCluster.start(3);
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    let going = true;
    const ends: unknown[] = [];
    const writer = (async () => {
      while (going) ends.push((await ask(cluster.url(follower), "kv.incr", ["n"])).result);
    })();
    await until("some writes", async () => (ends.length > 20 ? true : undefined));
    await cluster.stopNode(leader);
    const before = ends.length;
    await until("more writes", async () => (ends.length > before + 20 ? true : undefined));
    going = false;
    await writer;
    expect(ends).toEqual(ends.map((_, index) => index + 1));
    expect(cluster.lines.filter(({ message }) => message.includes("was handed over"))).toHaveLength(1);
  });

  it("say that there is no leader when two of three are gone", async () => {
    await using cluster = await InProcessCluster.start(3);
    await value(cluster.url("n1"), "kv.set", ["a", 1]);
    const [survivor, other] = await cluster.followers();
    await until("the survivor to apply it", async () => {
      const { result } = await ask(cluster.url(survivor), "kv.get", ["a"], { query: "?consistency=stale" });
      return result === 1 ? true : undefined;
    });
    await cluster.stopNode(other ?? "");
    await cluster.stopNode(await cluster.leader());
    await until("the survivor to know", async () =>
      (await cluster.status(survivor)).leader === null ? true : undefined,
    );
    const url = cluster.url(survivor);
    const inText = await ask(url, "kv.set", ["a", 2]);
    expect(inText).toMatchObject({ status: 200, result: { faultCode: faultCodes.noLeader } });
    const inStatus = await ask(url, "kv.set", ["a", 2], { userAgent: followsRedirects });
    expect(inStatus).toMatchObject({ status: 503, result: { faultCode: faultCodes.noLeader } });
    expect(inStatus.headers.get("retry-after")).toBe("1");
    expect(await value(url, "kv.get", ["a"], { query: "?consistency=stale" })).toBe(1);
    expect(await ask(url, "kv.get", ["a"])).toMatchObject({ result: { faultCode: faultCodes.noLeader } });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it("do not work with one that runs another service: it stops and names both", async () => {
    await using cluster = await InProcessCluster.start(3);
    await cluster.stopNode("n3");
    Object.assign(cluster.config("n3"), { service: join(projectRoot, "packages/server/examples/stock.ts") });
    await cluster.startNode("n3");
    const fatal = await until("n3 to give up", async () =>
      cluster.lines.find(({ node, level }) => node === "n3" && level === "fatal"),
    );
    expect(fatal.message).toMatch(/the leader n[12] runs service kv .* but this node runs service stock/);
    expect(cluster.lines.filter(({ level }) => level === "fatal")).toHaveLength(1);
  });

  it("answer what is in flight before they close, and say that the connection ends", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    await cluster.startNode("n1");
    // Nobody leads: the call waits for a leader when the node is told to stop.
    const answer = ask(cluster.url("n1"), "kv.set", ["a", 1]);
    await until("the call to be waiting", async () => {
      const text = await (await fetch(`${cluster.url("n1")}/metrics`)).text();
      return /^quorate_calls_pending\{[^}]*\} 1$/m.test(text) ? true : undefined;
    });
    const stopped = cluster.stopNode("n1");
    const { status, headers, result } = await answer;
    expect({ status, result }).toMatchObject({ status: 200, result: { faultCode: faultCodes.noLeader } });
    expect(headers.get("connection")).toBe("close");
    await stopped;
    await expect(fetch(cluster.url("n1"))).rejects.toThrow();
  });

  it("name who is missing before they are founded", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    await cluster.startNode("n1");
    await cluster.startNode("n2");
    const { result } = await ask(cluster.url("n1"), "kv.set", ["a", 1]);
    expect(result).toMatchObject({ faultCode: faultCodes.noLeader, message: expect.stringContaining("n3") });
    const readiness = await fetch(`${cluster.url("n1")}/readyz?verbose`);
    expect(readiness.status).toBe(503);
    expect(await readiness.text()).toContain("FAIL born: waiting for");
    await cluster.startNode("n3");
    await cluster.ready();
    expect(await value(cluster.url("n1"), "kv.set", ["a", 1])).toBe(true);
  });
});
