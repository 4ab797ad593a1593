/** What a node grants to clients that are slow, many, or send more than they may. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { encodeCall, Fault, faultCodes } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { requireProgram } from "../support/system.js";
import { InProcessCluster } from "./in-process-cluster.js";
import { call, count, head, RawClient, resultOf } from "./raw-client.js";

const run = promisify(execFile);

/** One node with these HTTP settings. */
async function oneNode(http: object): Promise<InProcessCluster> {
  const cluster = await InProcessCluster.prepare(1);
  const config = cluster.config("n1");
  Object.assign(config, { http: { ...config.http, ...http } });
  await cluster.startNode("n1");
  await cluster.ready();
  return cluster;
}

describe.concurrent("slow clients", () => {
  let cluster: InProcessCluster;
  beforeAll(async () => {
    cluster = await oneNode({ headersTimeoutMs: 1000, requestTimeoutMs: 1000, keepAliveTimeoutMs: 1000 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it.each([
    ["stop in the request line", "POST /RP"],
    ["stop in the headers", "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Le"],
    ["send no body", call()],
    ["stop in the body", call() + Buffer.from(count.subarray(0, 20)).toString()],
    ["stop in a chunk", `${head("POST /RPC2 HTTP/1.1", { "Transfer-Encoding": "chunked" })}ff\r\n<`],
    ["stop between chunks", `${head("POST /RPC2 HTTP/1.1", { "Transfer-Encoding": "chunked" })}1\r\n<\r\n`],
  ])("that %s get 408, and their connection closes", async (_name, text) => {
    using client = new RawClient(cluster.url("n1"));
    client.send(text);
    const response = await client.response();
    expect(response.status).toBe(408);
    expect(response.headers.get("connection")).toBe("close");
    await client.ended;
    expect(client.rest).toBe("");
  });

  it("that send a little again and again are not spared", async () => {
    using client = new RawClient(cluster.url("n1"));
    client.send("POST /RPC2 HTTP/1.1\r\nHost: a\r\n");
    const drip = setInterval(() => client.send("X: y\r\n"), 50);
    expect((await client.response()).status).toBe(408);
    clearInterval(drip);
  });

  it("that are silent between two calls are closed without a word", async () => {
    using client = new RawClient(cluster.url("n1"));
    client.send(call(), count);
    expect(resultOf(await client.response())).toBe(0);
    await client.ended;
    expect(client.rest).toBe("");
  });

  it("do not keep others waiting", async () => {
    expect(await value(cluster.url("n1"), "kv.count", [])).toBe(0);
  });
});

describe("a broken request behind a call that is under way", () => {
  it("is refused after the call's answer, so that nobody takes the one for the other", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    await cluster.startNode("n1");
    using client = new RawClient(cluster.url("n1"));
    const set = encodeCall("kv.set", ["a", 1]);
    // Nobody leads: the call waits for a leader while the parser already sees what follows.
    client.send(
      head("POST /RPC2?route=forward HTTP/1.1", { "Content-Length": set.length }),
      set,
      "garbage\r\n\r\n",
    );
    const first = await client.response();
    expect(first.status).toBe(200);
    expect(resultOf(first)).toMatchObject({ faultCode: faultCodes.noLeader });
    expect((await client.response()).status).toBe(400);
    await client.ended;
  });
});

describe("more connections than http.maxConnections", () => {
  it("are closed at once, counted, and taken again when others have gone; the node keeps its quorum", async () => {
    await using cluster = await InProcessCluster.prepare(3);
    for (const { http } of cluster.configs) Object.assign(http, { maxConnections: 6 });
    await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
    await cluster.ready();
    const url = cluster.url("n1");
    const connected: RawClient[] = [];
    const served = async () => {
      const client = new RawClient(url);
      client.send(head("GET /livez HTTP/1.1", {}));
      const answered = await Promise.race([client.response(), client.ended]).catch(() => undefined);
      if (answered !== undefined) connected.push(client);
      else client[Symbol.dispose]();
      return answered !== undefined;
    };
    await until("the node to be full", async () => ((await served()) ? undefined : true));
    expect(connected.length).toBeGreaterThanOrEqual(3);
    const [first, second] = connected;
    first?.send(head("GET /metrics HTTP/1.1", {}));
    const metrics = (await first?.response())?.body ?? "";
    expect(metrics).toMatch(/^quorate_http_connections_refused_total\{[^}]*\} [1-9]/m);
    expect(metrics).toMatch(/^quorate_raft_has_leader\{[^}]*\} 1$/m);
    const set = encodeCall("kv.set", ["a", 1]);
    first?.send(head("POST /RPC2?route=forward HTTP/1.1", { "Content-Length": set.length }), set);
    expect(first && resultOf(await first.response())).toBe(true);
    second?.[Symbol.dispose]();
    await until("the place to be free", async () => ((await served()) ? true : undefined));
    for (const client of connected) client[Symbol.dispose]();
  });
});

describe("bodies that are too large", () => {
  const maxBody = 64 * 1024;
  const pieces = 256;
  let cluster: InProcessCluster;
  beforeAll(async () => {
    cluster = await oneNode({ maxBody });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it("are refused before they are sent, when the client asks", async () => {
    using client = new RawClient(cluster.url("n1"));
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": maxBody + 1, Expect: "100-continue" }));
    const response = await client.response();
    expect(response.status).toBe(413);
    expect(resultOf(response)).toMatchObject({ faultCode: faultCodes.tooLarge });
    await client.ended;
  });

  it.each([
    ["with a length", { "Content-Length": maxBody * pieces }, (text: string) => text],
    [
      "in chunks",
      { "Transfer-Encoding": "chunked" },
      (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
  ])(
    "are refused with 413 also when all of it is sent before the answer is read: %s",
    async (_, fields, frame) => {
      using client = new RawClient(cluster.url("n1"));
      client.socket.pause();
      client.send(head("POST /RPC2 HTTP/1.1", fields as Record<string, string | number>));
      for (let sent = 0; sent < pieces; sent++) {
        if (!client.socket.write(frame("x".repeat(maxBody)))) await once(client.socket, "drain");
      }
      client.socket.resume();
      const response = await client.response();
      expect(response.status).toBe(413);
      expect(response.headers.get("connection")).toBe("close");
      expect(resultOf(response)).toMatchObject({ faultCode: faultCodes.tooLarge });
      await client.ended;
    },
  );

  it("end their connection: what follows them is not executed", async () => {
    const set = encodeCall("kv.set", ["after", 1]);
    using client = new RawClient(cluster.url("n1"));
    client.send(
      head("POST /RPC2 HTTP/1.1", { "Content-Length": maxBody + 1 }),
      Buffer.alloc(maxBody + 1, 32),
    );
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Length": set.length }), set);
    expect((await client.response()).status).toBe(413);
    await client.ended;
    expect(client.rest).toBe("");
    expect(await value(cluster.url("n1"), "kv.count", ["after"])).toBe(0);
  });

  describe.runIf(requireProgram("python3", "python3"))("from stock Python", () => {
    it("end as a ProtocolError with the status, not as a broken connection", async () => {
      const script = `
import sys, xmlrpc.client
server = xmlrpc.client.ServerProxy(sys.argv[1])
try:
    server.kv.set("big", "x" * ${maxBody * pieces})
except xmlrpc.client.ProtocolError as error:
    print(error.errcode)
print(server.kv.count())
`;
      const { stdout } = await run("python3", ["-c", script, `${cluster.url("n1")}/RPC2`]);
      expect(stdout).toBe("413\n0\n");
    });
  });

  const bomb = Buffer.alloc(maxBody * 100, 32);
  it.each([
    ["gzip", gzipSync(bomb)],
    ["deflate", deflateSync(bomb)],
    ["deflate", deflateRawSync(bomb)],
    ["gzip", Buffer.concat([gzipSync(bomb.subarray(0, maxBody)), gzipSync(bomb.subarray(0, 1))])],
  ])("are too large by what they unpack to: %s", async (encoding, body) => {
    using client = new RawClient(cluster.url("n1"));
    client.send(
      head("POST /RPC2 HTTP/1.1", { "Content-Encoding": encoding, "Content-Length": body.length }),
      body,
    );
    const response = await client.response();
    expect(response.status).toBe(413);
    expect(resultOf(response)).toBeInstanceOf(Fault);
    await client.ended;
  });
});
