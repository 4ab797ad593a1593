import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DateTime, Double, struct, type Value } from "@quorate/protocol";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../config/index.js";
import { prepareDevCluster } from "./dev-cluster.js";
import { CommandFailed } from "./exit-codes.js";
import { jsonOfValue, valueOfArgument } from "./json-values.js";
import { callNode } from "./node-client.js";
import { table } from "./output.js";
import { buildProgram } from "./program.js";
import { addSettingFlags, sourcesOf } from "./setting-flags.js";

describe("arguments of `quorate call`", () => {
  test.each<[string, Value]>([
    ["hello", "hello"],
    ["1", 1],
    ["-7", -7],
    ["true", true],
    ["null", null],
    ['"5"', "5"],
    ["1.5", new Double(1.5)],
    ["3.0", new Double(3)],
    ["9223372036854775807", 9223372036854775807n],
    ["[1,[2]]", [1, [2]]],
    ['{"a":{"__proto__":1}}', struct([["a", struct([["__proto__", 1]])]])],
    ["", ""],
  ])("%s", (text, value) => {
    expect(valueOfArgument(text)).toEqual(value);
  });

  test("a member called __proto__ is just a member", () => {
    const value = valueOfArgument('{"__proto__":{"x":1}}');
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("what looks like JSON and is not, is an error that shows it", () => {
    expect(() => valueOfArgument("[1,")).toThrow(/argument \[1,: expected JSON or a plain word/);
  });
});

test("results are printed as JSON, with a form for what JSON lacks", () => {
  const value = struct([
    ["bytes", new Uint8Array([1, 2])],
    ["at", new DateTime("20260101T00:00:00")],
    ["big", 9223372036854775807n],
    ["list", [1, new Double(2), []]],
    ["none", null],
  ]);
  const text = jsonOfValue(value);
  expect(text).toContain('"big": 9223372036854775807');
  expect(JSON.parse(text)).toMatchObject({
    bytes: { base64: "AQI=" },
    at: { dateTime: "20260101T00:00:00" },
    list: [1, 2, []],
    none: null,
  });
});

test("a table pads its columns and sets numbers to the right", () => {
  expect(
    table(
      ["NAME", "N"],
      [
        ["a", 5],
        ["long name", 12],
      ],
    ),
  ).toBe("NAME       N\na           5\nlong name  12");
});

test("every setting is a flag of serve, and help names its variable", () => {
  const serve = buildProgram("0").commands.find((command) => command.name() === "serve");
  const help = serve?.helpInformation() ?? "";
  for (const flag of [
    "--config",
    "--node",
    "--raft-election-timeout",
    "--peer-secret-file",
    "--http-max-body",
  ])
    expect(help).toContain(flag);
  expect(help).toContain("QUORATE_RAFT_ELECTION_TIMEOUT");
});

test("a switch says yes by itself, and can say no", () => {
  const given = (...args: string[]) => {
    const command = addSettingFlags(new Command("serve").exitOverride());
    command.parse(args, { from: "user" });
    return sourcesOf(command.opts()).flags;
  };
  expect(given("--insecure", "--node", "n1")).toEqual({ insecure: "true", node: "n1" });
  expect(given("--reads-followers", "false", "--insecure")).toEqual({
    "reads.followers": "false",
    insecure: "true",
  });
});

test("a URL that is none of HTTP is a mistake of the command line, not a node that does not answer", async () => {
  for (const url of ["ftp://127.0.0.1", "127.0.0.1:8001", "localhost:8001"]) {
    const asked = buildProgram("0").parseAsync(["status", "--url", url], { from: "user" });
    await expect(asked).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(url) });
  }
});

test("a connection that breaks under a call is told with its cause, and not as an unreachable node", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const asked = callNode({ urls: [`http://127.0.0.1:${port}`], timeoutMs: 5_000 }, "kv.get", ["a"]);
  await expect(asked).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringMatching(/fetch failed \(.+\); the outcome of the call is unknown/),
  });
  await new Promise((resolve) => server.close(resolve));
});

describe("the folder of a local cluster", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-dev-folder-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const options = (more: object = {}) => ({
    service: null,
    nodes: 3,
    port: 8001,
    dataDir: join(folder, "data"),
    reset: false,
    ...more,
  });

  test("holds a secret that only its owner reads, and a config file per node that can be read", () => {
    const nodes = prepareDevCluster(options());
    expect(nodes.map((node) => node.url)).toEqual([
      "http://127.0.0.1:8001",
      "http://127.0.0.1:8002",
      "http://127.0.0.1:8003",
    ]);
    expect(statSync(join(folder, "data", "secret")).mode & 0o777).toBe(0o600);
    const config = readConfig({
      file: nodes[1]?.configFile ?? "",
      flags: {},
      environment: {},
      directory: "/",
    });
    expect(config).toMatchObject({
      node: "n2",
      dataDir: join(folder, "data", "n2"),
      peer: { listen: { host: "127.0.0.1", port: 9002 } },
    });
  });

  test("keeps its secret and data when it is used again, and gives them up on reset", () => {
    prepareDevCluster(options());
    const secret = readFileSync(join(folder, "data", "secret"), "utf8");
    mkdirSync(join(folder, "data", "n1"));
    prepareDevCluster(options());
    expect(readFileSync(join(folder, "data", "secret"), "utf8")).toBe(secret);
    prepareDevCluster(options({ reset: true, nodes: 5 }));
    expect(existsSync(join(folder, "data", "n1"))).toBe(false);
    expect(readFileSync(join(folder, "data", "secret"), "utf8")).not.toBe(secret);
  });

  test("is refused for another number of nodes or another service, with a hint", () => {
    prepareDevCluster(options());
    expect(() => prepareDevCluster(options({ nodes: 5 }))).toThrow(
      /nodes 3, but 5 is asked for; use --reset/,
    );
    writeFileSync(join(folder, "stock.ts"), "");
    expect(() => prepareDevCluster(options({ service: join(folder, "stock.ts") }))).toThrow(
      /service kv, but stock\.ts is asked for/,
    );
  });

  test("is never deleted when it is not one", () => {
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data", "precious"), "x");
    expect(() => prepareDevCluster(options({ reset: true }))).toThrow(CommandFailed);
    expect(existsSync(join(folder, "data", "precious"))).toBe(true);
  });

  test("options out of range are named", () => {
    expect(() => prepareDevCluster(options({ nodes: 0 }))).toThrow(/--nodes: expected 1 to 7, got 0/);
    expect(() => prepareDevCluster(options({ port: 70_000 }))).toThrow(/--port: expected 1 to/);
    expect(() => prepareDevCluster(options({ service: join(folder, "none.ts") }))).toThrow(/does not exist/);
  });
});
