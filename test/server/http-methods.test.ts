/** Every address with every method, and the versions of HTTP: status, Allow, framing of what comes back. */
import { METHODS } from "node:http";
import { encodeCall } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";
import { count, head, RawClient, type Response, resultOf } from "./raw-client.js";

let cluster: InProcessCluster;
beforeAll(async () => {
  cluster = await InProcessCluster.start(1);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const connect = () => new RawClient(cluster.url("n1"));

const pages = ["/RPC2", "/"];
const probes = ["/leader", "/livez", "/readyz", "/readyz?verbose", "/status", "/metrics"];
/** All that Node's parser knows; what becomes of the others is in `http-socket.test.ts`. */
const methods = METHODS.filter((method) => method !== "POST" && method !== "CONNECT");

/** What an address must say to a method. */
function expected(
  path: string,
  method: string,
): { readonly status: number; readonly allow: string | undefined } {
  if (path === "/nothing") return { status: 404, allow: undefined };
  const allowed = pages.includes(path) ? ["POST", "GET", "HEAD"] : ["GET", "HEAD", "OPTIONS"];
  return allowed.includes(method)
    ? { status: 200, allow: undefined }
    : { status: 405, allow: allowed.join(", ") };
}

/** The head of a response to HEAD announces a body that does not come. */
async function ask(client: RawClient, method: string, path: string, version = "1.1"): Promise<Response> {
  client.send(head(`${method} ${path} HTTP/${version}`, { Origin: "http://elsewhere.example" }));
  return client.response(method === "HEAD");
}

describe.each([...pages, ...probes, "/nothing"])("%s", (path) => {
  it.each(methods)("%s", async (method) => {
    using client = connect();
    const { status, headers, body } = await ask(client, method, path);
    expect({ status, allow: headers.get("allow") }).toEqual(expected(path, method));
    expect(headers.has("transfer-encoding")).toBe(false);
    expect(headers.get("quorate-node")).toBe("n1");
    if (method === "HEAD") expect(body).toBe("");
    else expect(body.length).toBeGreaterThan(0);
    // Nothing is left over: the next answer on this connection begins where this one ended.
    expect((await ask(client, "GET", "/livez")).body).toBe("this node lives\n");
  });

  it("HEAD says what GET would", async () => {
    using client = connect();
    const get = await ask(client, "GET", path);
    const { status, headers } = await ask(client, "HEAD", path);
    expect(status).toBe(get.status);
    for (const name of ["content-type", "content-security-policy", "cache-control"]) {
      expect(headers.get(name)).toBe(get.headers.get(name));
    }
    // Figures move between two scrapes.
    if (path !== "/metrics") expect(headers.get("content-length")).toBe(get.headers.get("content-length"));
  });

  it("POST takes calls, or says who does", async () => {
    using client = connect();
    client.send(head(`POST ${path} HTTP/1.1`, { "Content-Length": count.length }), count);
    const response = await client.response();
    if (pages.includes(path)) expect(resultOf(response)).toBe(0);
    else expect(response.status).toBe(path === "/nothing" ? 404 : 405);
  });
});

describe("web pages of other origins", () => {
  it("are granted nothing, whatever they ask", async () => {
    for (const method of ["OPTIONS", "GET"]) {
      for (const path of [...pages, ...probes, "/nothing"]) {
        using client = connect();
        client.send(
          head(`${method} ${path} HTTP/1.1`, {
            Origin: "http://elsewhere.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
          }),
        );
        const { headers } = await client.response();
        expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
    }
  });

  it.each([
    "text/plain",
    "text/plain; charset=utf-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
  ])("cannot call by what they may send unasked: %s", async (type) => {
    const set = encodeCall("kv.set", ["forged", 1]);
    using client = connect();
    client.send(head("POST /RPC2 HTTP/1.1", { "Content-Type": type, "Content-Length": set.length }), set);
    expect((await client.response()).status).toBe(415);
    expect(await value(cluster.url("n1"), "kv.count", ["forged"])).toBe(0);
  });
});

describe("HTTP/1.0", () => {
  const post = (connection: string) =>
    `POST /RPC2 HTTP/1.0\r\nContent-Length: ${count.length}\r\n${connection}\r\n`;

  it("is answered with a length, never in chunks, and closed", async () => {
    using client = connect();
    client.send(post(""), count);
    const response = await client.response();
    expect(resultOf(response)).toBe(0);
    expect(response.headers.has("transfer-encoding")).toBe(false);
    expect(response.headers.get("connection")).toBe("close");
    await client.ended;
    expect(client.rest).toBe("");
  });

  it("keeps its connection when the client asks for it", async () => {
    using client = connect();
    for (const connection of ["Connection: keep-alive\r\n", "Connection: Keep-Alive\r\n"]) {
      client.send(post(connection), count);
      const response = await client.response();
      expect(resultOf(response)).toBe(0);
      expect(response.headers.get("connection")).toBe("keep-alive");
      expect(response.headers.has("transfer-encoding")).toBe(false);
    }
    client.send(post("Connection: close\r\n"), count);
    expect(resultOf(await client.response())).toBe(0);
    await client.ended;
  });

  it.each([...pages, ...probes])("GET %s has a length", async (path) => {
    using client = connect();
    client.send(`GET ${path} HTTP/1.0\r\n\r\n`);
    const response = await client.response();
    expect(response.status).toBe(200);
    expect(response.headers.has("transfer-encoding")).toBe(false);
    await client.ended;
  });

  it("needs a length for a body; without one there is none", async () => {
    using client = connect();
    client.send("POST /RPC2 HTTP/1.0\r\n\r\n", count);
    const response = await client.response();
    expect(resultOf(response)).toMatchObject({ faultCode: -32700 });
    await client.ended;
  });
});

describe("a proxy", () => {
  it("is what this server is not", async () => {
    using client = connect();
    client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    const response = await client.response();
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST, GET, HEAD");
    await client.ended;
  });
});
