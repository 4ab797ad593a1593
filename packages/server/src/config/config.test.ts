import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "./index.js";
import { nearest } from "./suggest.js";
import { parseDuration, parseSize } from "./units.js";

const complete = `
dataDir: data
peer: { secretFile: ./secret }
cluster:
  name: prod
  members:
    - { id: n1, peer: 127.0.0.1:9001, http: "http://127.0.0.1:8001" }
    - { id: n2, peer: 127.0.0.1:9002, http: "http://127.0.0.1:8002" }
    - { id: n3, peer: 127.0.0.1:9003, http: "http://127.0.0.1:8003" }
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quorate-config-"));
  writeFileSync(join(folder, "secret"), "0123456789abcdef\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string, flags: Record<string, string> = {}, environment: Record<string, string> = {}) {
  const file = join(folder, "quorate.yaml");
  writeFileSync(file, text);
  return readConfig({ file, flags, environment, directory: "/somewhere" });
}

describe("one file for all machines", () => {
  test("defaults come from this node's entry in the member list", () => {
    const config = read(complete, { node: "n2" });
    expect(config).toMatchObject({
      node: "n2",
      dataDir: join(folder, "data"),
      service: null,
      http: {
        listen: { host: "127.0.0.1", port: 8002 },
        advertise: "http://127.0.0.1:8002",
        maxBody: 8388608,
        paths: ["/RPC2", "/"],
      },
      peer: { listen: { host: "127.0.0.1", port: 9002 }, advertise: "127.0.0.1:9002" },
      routing: "auto",
      reads: { followers: false },
      raft: { heartbeatMs: 50, electionTimeoutMs: 500 },
      logLevel: "info",
    });
    expect(new TextDecoder().decode(config.peer.secret)).toBe("0123456789abcdef");
  });

  test("JSON is read as well, since every JSON text is YAML", () => {
    const json = JSON.stringify({
      node: "n1",
      dataDir: "/d",
      peer: { secret: "x".repeat(16) },
      cluster: { name: "c", members: [{ id: "n1", peer: "[::1]:9001", http: "http://[::1]:8001" }] },
    });
    expect(read(json).peer.listen).toEqual({ host: "::1", port: 9001 });
  });
});

describe("precedence", () => {
  const file = `${complete}\nnode: n1\nraft: { heartbeat: 20ms, electionTimeout: 200ms }`;
  test("the environment beats the file, a flag beats the environment", () => {
    const environment = { QUORATE_NODE: "n2", QUORATE_RAFT_HEARTBEAT: "30ms" };
    expect(read(file)).toMatchObject({ node: "n1", raft: { heartbeatMs: 20, electionTimeoutMs: 200 } });
    expect(read(file, {}, environment)).toMatchObject({ node: "n2", raft: { heartbeatMs: 30 } });
    expect(read(file, { node: "n3" }, environment)).toMatchObject({ node: "n3", raft: { heartbeatMs: 30 } });
  });

  test("relative paths start at the file's folder, or at the working directory for a flag", () => {
    expect(read(file).dataDir).toBe(join(folder, "data"));
    expect(read(file, { dataDir: "data" }).dataDir).toBe("/somewhere/data");
  });

  test("everything can come from the environment, lists as YAML", () => {
    const config = readConfig({
      flags: {},
      directory: "/",
      environment: {
        PATH: "/bin",
        QUORATE_NODE: "a",
        QUORATE_DATA_DIR: "/data",
        QUORATE_PEER_SECRET: "0123456789abcdef",
        QUORATE_CLUSTER_NAME: "c",
        QUORATE_CLUSTER_MEMBERS: "[{ id: a, peer: 'host-a:9000', http: 'http://host-a:8000' }]",
        QUORATE_INSECURE: "true",
        QUORATE_HTTP_PATHS: "[/api]",
      },
    });
    expect(config.http.paths).toEqual(["/api"]);
    expect(config.http.listen).toEqual({ host: "host-a", port: 8000 });
  });
});

describe("refusals name the place, what was expected, what came", () => {
  const cases: [title: string, text: string, message: RegExp][] = [
    [
      "a typo in a key",
      `${complete}\nnode: n1\nrouting: auto\nelectionTimeout: 1s`,
      /quorate\.yaml:13:1: electionTimeout: unknown setting; did you mean raft\.electionTimeout\?/,
    ],
    [
      "a typo in a section",
      `${complete}\nnode: n1\nrafft: { heartbeat: 50ms }`,
      /quorate\.yaml:12:1: rafft: unknown setting; did you mean raft\?/,
    ],
    [
      "a typo inside a section",
      `${complete}\nnode: n1\nraft: { hartbeat: 50ms }`,
      /quorate\.yaml:12:9: raft\.hartbeat: unknown setting; did you mean raft\.heartbeat\?/,
    ],
    [
      "a setting that is not built yet",
      `${complete}\nnode: n1\nauth: { users: ./users }`,
      /auth: not available in this version of Quorate; remove it/,
    ],
    ["a missing key", complete, /^node: missing; set it in the config file, as --node or as QUORATE_NODE$/],
    ["an id that is not a member", `${complete}\nnode: n9`, /n9 is not in cluster\.members \(n1, n2, n3\)/],
    [
      "a number where a duration belongs",
      `${complete}\nnode: n1\nraft: { heartbeat: 50 }`,
      /raft\.heartbeat: expected text, got 50/,
    ],
    [
      "a duration without unit",
      `${complete}\nnode: n1\nraft: { heartbeat: "50" }`,
      /expected a duration such as 50ms.*got "50"/,
    ],
    [
      "times that cannot work",
      `${complete}\nnode: n1\nraft: { heartbeat: 500ms }`,
      /expected at least 4 times raft\.heartbeat \(2000ms\), got 500ms/,
    ],
    [
      "headers that may take longer than their request",
      `${complete}\nnode: n1\nhttp: { headersTimeout: 1m }`,
      /http\.requestTimeout: expected at least http\.headersTimeout \(60000ms\), got 30000ms/,
    ],
    [
      "a time that Node would take for forever",
      `${complete}\nnode: n1\nhttp: { keepAliveTimeout: 0s }`,
      /http\.keepAliveTimeout: expected at least 1ms, got 0ms/,
    ],
    [
      "no connections",
      `${complete}\nnode: n1\nhttp: { maxConnections: 0 }`,
      /http\.maxConnections: expected at least 1, got 0/,
    ],
    [
      "an address of the server as a path for calls",
      `${complete}\nnode: n1\nhttp: { paths: [/RPC2, /leader] }`,
      /http\.paths\.1: expected a path that the server does not use itself, got "\/leader"/,
    ],
    [
      "a path that would need escapes",
      `${complete}\nnode: n1\nhttp: { paths: ["/a b"] }`,
      /http\.paths\.0: expected a path of letters, .* such as \/RPC2, got "\/a b"/,
    ],
    [
      "an unknown dialect",
      `${complete}\nnode: n1\nhttp: { dialect: loose }`,
      /http\.dialect: expected standard, strict or apache, got "loose"/,
    ],
    [
      "an unknown routing mode",
      `${complete}\nnode: n1\nrouting: proxy`,
      /routing: expected auto, redirect, forward or fault, got "proxy"/,
    ],
    [
      "an open listener",
      `${complete}\nnode: n1\nhttp: { listen: "0.0.0.0:8001" }`,
      /nothing authenticates clients yet; set `insecure: true`/,
    ],
    [
      "a contradiction",
      `${complete}\nnode: n1\nhttp: { advertise: "http://10.0.0.9:1" }`,
      /http\.advertise: says http:\/\/10\.0\.0\.9:1, but cluster\.members says http:\/\/127\.0\.0\.1:8001/,
    ],
    [
      "a text instead of a section",
      `${complete}\nnode: n1\nraft: fast`,
      /raft: expected a mapping of settings, got a string; write `raft: \{ heartbeat: … \}`/,
    ],
    ["broken YAML", "node: [", /quorate\.yaml:1:8: not YAML/],
  ];
  test.each(cases)("%s", (_, text, message) => {
    expect(() => read(text)).toThrow(ConfigError);
    expect(() => read(text)).toThrow(message);
  });

  test("a short secret, two secrets, no secret, a missing secret file", () => {
    const without = complete.replace("peer: { secretFile: ./secret }", "");
    expect(() => read(without, { node: "n1", "peer.secret": "short" })).toThrow(
      /expected at least 16 bytes, got 5/,
    );
    expect(() => read(complete, { node: "n1", "peer.secret": "0123456789abcdef" })).toThrow(
      /are both set; keep one/,
    );
    expect(() => read(without, { node: "n1" })).toThrow(/peer\.secret or peer\.secretFile is missing/);
    expect(() => read(without, { node: "n1", "peer.secretFile": "/none" })).toThrow(/cannot read \/none/);
  });

  test("a member that is listed twice", () => {
    expect(() => read(complete.replace("127.0.0.1:9002", "127.0.0.1:9001"), { node: "n1" })).toThrow(
      /peer 127\.0\.0\.1:9001 is used twice \(n1, n2\)/,
    );
  });

  test("a mistyped environment variable", () => {
    expect(() => read(complete, { node: "n1" }, { QUORATE_RAFT_HARTBEAT: "1s" })).toThrow(
      /unknown variable QUORATE_RAFT_HARTBEAT; did you mean QUORATE_RAFT_HEARTBEAT\?/,
    );
  });

  test("a file that is not there", () => {
    expect(() => readConfig({ file: "/none.yaml", flags: {}, environment: {}, directory: "/" })).toThrow(
      /^\/none\.yaml: cannot read the config file: ENOENT.*$/,
    );
  });
});

test("units", () => {
  expect([parseDuration("50ms"), parseDuration("1.5s"), parseDuration("2m")]).toEqual([50, 1500, 120_000]);
  expect([parseSize("8MiB"), parseSize("1 KiB"), parseSize("7B")]).toEqual([8_388_608, 1024, 7]);
  for (const text of ["", "5", "ms", "-1s", "1e3ms", "1 day"])
    expect(() => parseDuration(text)).toThrow(/expected a duration/);
});

test("the nearest word is suggested, a far one is not", () => {
  expect(nearest("hartbeat", ["heartbeat", "node"])).toBe("heartbeat");
  expect(nearest("zzz", ["heartbeat", "node"])).toBeUndefined();
});

test("the example that is shipped for three machines is complete", () => {
  const file = fileURLToPath(new URL("../../../../deploy/example/quorate.yaml", import.meta.url));
  const flags = { node: "n2", "peer.secretFile": join(folder, "secret") };
  const config = readConfig({ file, flags, environment: {}, directory: "/" });
  expect(config.http.listen).toEqual({ host: "10.0.0.2", port: 8000 });
  expect(config.cluster.members).toHaveLength(3);
});
