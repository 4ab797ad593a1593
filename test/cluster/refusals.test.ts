/** Wrong input and wrong set-ups end in a clear, named error, and the cluster goes on. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault, faultCodes } from "@quorate/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePorts } from "../support/ports.js";
import { Cluster, ClusterNode, until } from "./cluster.js";
import { ask, post, value } from "./rpc.js";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await Cluster.start({ nodes: 3, settings: { http: { maxBody: "64KiB" } } });
});
afterEach(async () => {
  for (const node of cluster.nodes.filter((candidate) => candidate.running)) {
    expect(await value(node.url, "kv.set", [`alive/${node.id}`, true])).toBe(true);
  }
  await cluster[Symbol.asyncDispose]();
});

/** Waits until a line of the node's log matches. */
const logged = (node: ClusterNode, pattern: RegExp) =>
  until(`${pattern} in the log of ${node.id}`, async () => (pattern.test(node.log()) ? true : undefined));

describe("calls", () => {
  const call = (method: string, params = "") =>
    `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>`;

  test("that are wrong are told so on every node", async () => {
    const cases: [body: string, code: number, text: RegExp][] = [
      ["<methodCall><methodName>kv.get", faultCodes.notWellFormed, /./],
      ["not xml at all", faultCodes.notWellFormed, /./],
      ['<!DOCTYPE a [<!ENTITY b "c">]><methodCall/>', faultCodes.notWellFormed, /DOCTYPE/],
      ["<methodResponse/>", faultCodes.notXmlRpc, /methodCall/],
      [call("kv.get", "<param><value><int>12x</int></value></param>"), faultCodes.notXmlRpc, /int/],
      [call("no.such.method"), faultCodes.methodNotFound, /no\.such\.method/],
      [call("__proto__"), faultCodes.methodNotFound, /__proto__/],
      [call("kv.get"), faultCodes.invalidParams, /key/],
      [call("kv.get", "<param><value><int>1</int></value></param>"), faultCodes.invalidParams, /key.*string/],
    ];
    for (const node of cluster.nodes) {
      for (const [body, code, text] of cases) {
        const answer = await post(node.rpcUrl, body);
        expect(answer.result, body).toBeInstanceOf(Fault);
        expect(answer.result).toMatchObject({ faultCode: code, message: expect.stringMatching(text) });
      }
    }
  });

  test("that are too large, of a wrong kind or to a wrong path get the HTTP status that says so", async () => {
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("no nodes");
    const large = await post(
      node.rpcUrl,
      call("kv.set", `<param><value>k</value></param><param><value>${"x".repeat(70_000)}</value></param>`),
    );
    expect(large.status).toBe(413);
    expect(large.result).toMatchObject({
      faultCode: faultCodes.tooLarge,
      message: expect.stringMatching(/65536|64 ?KiB/),
    });
    expect(
      (await post(node.rpcUrl, "a=b", { headers: { "content-type": "application/x-www-form-urlencoded" } }))
        .status,
    ).toBe(415);
    expect((await post(`${node.url}/other`, call("kv.get"))).status).toBe(404);
    const get = await fetch(`${node.url}/RPC2`, { method: "DELETE" });
    expect([get.status, get.headers.get("allow")]).toEqual([405, expect.stringContaining("POST")]);
  });

  test("with what this version does not have are refused by name, not ignored", async () => {
    const [node] = cluster.nodes;
    const keyed = await ask(node?.url ?? "", "kv.set", ["a", 1], { headers: { "idempotency-key": "k1" } });
    expect(keyed.result).toMatchObject({ message: expect.stringMatching(/Idempotency-Key/i) });
  });

  test("with bounds that make no sense are told which and why, on every node", async () => {
    const cases: [query: string, text: RegExp][] = [
      ["?max_staleness=500ms", /max_staleness.*consistency=stale/],
      ["?consistency=stale&max_staleness=soon", /max_staleness.*500ms.*"soon"/],
      ["?min_index=41", /min_index.*Quorate-Index.*"41"/],
      ["?min_index=00000000:41", /min_index.*00000000.*[0-9a-f]{8}/],
    ];
    for (const node of cluster.nodes) {
      for (const [query, text] of cases) {
        const { status, result } = await ask(node.url, "kv.get", ["a"], { query });
        expect({ status, result }).toMatchObject({
          status: 200,
          result: { faultCode: faultCodes.invalidParams, message: expect.stringMatching(text) },
        });
      }
    }
  });
});

describe("nodes", () => {
  test("with another secret are refused on both sides by name", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGTERM");
    const config = JSON.parse(readFileSync(node.configFile, "utf8"));
    writeFileSync(
      node.configFile,
      JSON.stringify({ ...config, peer: { secret: "another secret, long enough" } }),
    );
    node.start();
    await logged(node, /secret/);
    await until("a log line about the secret on the others", async () =>
      cluster.nodes.some((other) => other !== node && /secret/.test(other.log())) ? true : undefined,
    );
    await node.kill("SIGKILL");
    writeFileSync(node.configFile, JSON.stringify(config));
    node.start();
    await node.ready();
  });

  test("with an id that is taken are refused, and the first one stays", async () => {
    const node = cluster.node("n3");
    const [peer, http] = await freePorts(2);
    const second = startCopy(node, [
      "--data-dir",
      join(cluster.folder, "second"),
      "--peer-listen",
      `127.0.0.1:${peer}`,
      "--http-listen",
      `127.0.0.1:${http}`,
    ]);
    await logged(second, /n3.*(incarnation|already)/);
    await second.kill("SIGKILL");
    expect(await value(node.url, "kv.set", ["still", "here"])).toBe(true);
  });

  test("with a data folder of another node end with a sentence", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGTERM");
    node.start(["--data-dir", join(cluster.folder, "n2")]);
    expect(await node.exited()).toBe(1);
    expect(node.logTail()).toMatch(/n2.*n3|n3.*n2/s);
  });

  test("whose data folder was wiped are refused by name", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGKILL");
    node.start(["--data-dir", join(cluster.folder, "empty")]);
    await logged(node, /incarnation|wiped/);
    expect((await node.get("/readyz"))?.status).toBe(503);
    await node.kill("SIGKILL");
    node.start();
    await node.ready();
  });

  test("with a typo in the config do not start", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGTERM");
    const config = readFileSync(node.configFile, "utf8");
    copyFileSync(node.configFile, `${node.configFile}.good`);
    writeFileSync(node.configFile, config.replace('"cluster"', '"clutser"'));
    node.start();
    expect(await node.exited()).toBe(2);
    expect(node.logTail()).toMatch(/clutser: unknown setting; did you mean cluster\?/);
    copyFileSync(`${node.configFile}.good`, node.configFile);
    node.start();
    await node.ready();
  });

  test("whose service cannot be used do not start, nor again by themselves", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGTERM");
    const services: [content: string | null, text: RegExp][] = [
      [null, /service\.ts: no such service file/],
      ["export default 5;", /the default export is no service/],
      ["export default {", /service\.ts: .* \(service\.ts:1:\d+\)/],
    ];
    const file = join(cluster.folder, "service.ts");
    for (const [content, text] of services) {
      if (content !== null) writeFileSync(file, content);
      node.start(["--service", file]);
      expect(await node.exited()).toBe(2);
      expect(node.logTail()).toMatch(text);
    }
    node.start();
    await node.ready();
  });

  test("on an address that is in use end with a sentence", async () => {
    const node = cluster.node("n3");
    await node.kill("SIGTERM");
    node.start(["--http-listen", cluster.node("n1").url.replace("http://", "")]);
    expect(await node.exited()).toBe(1);
    expect(node.logTail()).toMatch(/another process listens there already/);
  });
});

function startCopy(node: ClusterNode, flags: readonly string[]): ClusterNode {
  const { id, url, configFile } = node;
  const logFile = `${node.logFile}.second`;
  const copy = new ClusterNode({ id, url, configFile, logFile, environment: {}, wrapper: [] });
  copy.start(flags);
  return copy;
}
