/** `quorate log` on the folder of a real node: what it shows, and that it leaves no trace. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DateTime, Double, struct } from "@quorate/protocol";
import { openLogReadOnly } from "@quorate/raft/level";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contentsOf } from "../support/folder-contents.js";
import { quorateCommand } from "../support/project-root.js";
import { Cluster } from "./cluster.js";
import { value } from "./rpc.js";

let cluster: Cluster;
let folder = "";
/** Where the command keeps what it copies. */
let temporary = "";
const long = "long ".repeat(1000);

beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 1 });
  folder = join(cluster.folder, "n1");
  temporary = join(cluster.folder, "tmp");
  mkdirSync(temporary);
  const { url } = cluster.node("n1");
  await value(url, "kv.set", [
    "\u009b2J\u202ek",
    [new Double(2), new DateTime("20260101T00:00:00"), 2n ** 40n],
  ]);
  await value(url, "kv.set", ["blob", new Uint8Array([0, 255])]);
  await value(url, "kv.set", ["long", long]);
  await value(url, "system.multicall", [
    [
      struct([
        ["methodName", "kv.incr"],
        ["params", ["n"]],
      ]),
      struct([
        ["methodName", "kv.get"],
        ["params", ["n"]],
      ]),
    ],
  ]);
});
afterAll(async () => cluster[Symbol.asyncDispose]());

function quorate(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [quorateCommand, ...args], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: temporary },
  });
}

const leftovers = () => readdirSync(temporary);

test("a folder whose node runs is refused by name, with an exit code of its own", () => {
  const { status, stdout, stderr } = quorate("log", folder);
  expect([status, stdout]).toEqual([5, ""]);
  expect(stderr).toContain(`a running node uses ${join(folder, "db")}; stop it first`);
  expect(leftovers()).toEqual([]);
});

describe("of a node that was killed", () => {
  beforeAll(async () => cluster.node("n1").kill("SIGKILL"));

  test("the table shows every entry; no byte of the folder changes, nothing is left behind", () => {
    const before = contentsOf(folder);
    const { status, stdout, stderr } = quorate("log", folder);
    expect(stderr).toMatch(/^n1 of cluster test: entries 1 to 6, term 2, executed up to \d\n$/);
    expect(status).toBe(0);
    const [header, ...lines] = stdout.trimEnd().split("\n");
    expect(header).toMatch(/^INDEX +TERM +KIND +TIME +CALLER +METHOD +PARAMETERS$/);
    expect(lines.map((line) => line.trim().split(/ +/).slice(0, 3).join(" "))).toEqual([
      "1 1 membership",
      "2 2 no-op",
      "3 2 command",
      "4 2 command",
      "5 2 command",
      "6 2 batch",
    ]);
    expect(lines[2]).toContain('["\\u009b2J\\u202ek", [2, {"dateTime":"20260101T00:00:00"}, 10…');
    expect(lines[4]).toMatch(/kv\.set +\["long", "long long [a-z ]+…$/);
    expect(lines[5]).toMatch(/2 calls +\[\["kv.incr", \["n"\]\], \["kv.get", \["n"\]\]\]$/);
    expect(contentsOf(folder)).toEqual(before);
    expect(leftovers()).toEqual([]);
  });

  test("JSON is one object per line, with times and parameters that programs read", () => {
    const { stdout } = quorate("log", folder, "-o", "json");
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ index, term, kind }) => [index, term, kind])).toEqual([
      [1, 1, "membership"],
      [2, 2, "no-op"],
      [3, 2, "command"],
      [4, 2, "command"],
      [5, 2, "command"],
      [6, 2, "batch"],
    ]);
    expect(entries[0]).toMatchObject({ params: { voters: ["n1"] }, time: null, method: null });
    expect(entries[3]).toMatchObject({
      method: "kv.set",
      params: ["blob", { base64: "AP8=" }],
      service: "kv",
    });
    const age = Date.now() - Date.parse(String(entries[3]?.time));
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(600_000);
    expect(entries[4]).toMatchObject({
      params: null,
      paramsStart: expect.stringMatching(/^\["long", "long /),
    });
    const full = quorate("log", folder, "-o", "json", "--full", "--from", "5", "--to", "5").stdout;
    expect(JSON.parse(full)).toMatchObject({ index: 5, params: ["long", long] });
  });

  test("--from, --to and --last choose; what does not exist is no error, what contradicts itself is one", () => {
    const indexes = (...args: string[]) =>
      [...quorate("log", folder, "-o", "json", ...args).stdout.matchAll(/^\{"index":(\d+)/gm)].map((found) =>
        Number(found[1]),
      );
    expect(indexes("--from", "5")).toEqual([5, 6]);
    expect(indexes("--to", "2")).toEqual([1, 2]);
    expect(indexes("--last", "2")).toEqual([5, 6]);
    expect(indexes("--last", "2", "--to", "4")).toEqual([3, 4]);
    expect(indexes("--from", "7")).toEqual([]);
    expect(indexes("--from", "4", "--to", "999")).toEqual([4, 5, 6]);
    expect(quorate("log", folder, "--from", "1", "--last", "1")).toMatchObject({
      status: 2,
      stderr: "quorate: --from and --last contradict each other; keep one\n",
    });
    expect(quorate("log", folder, "--last", "0").status).toBe(2);
  });

  test("while it is read, no node starts on the folder", async () => {
    const read = await openLogReadOnly(folder);
    const node = cluster.node("n1");
    try {
      node.start();
      expect(await node.exited()).toBe(1);
      expect(node.logTail()).toMatch(/storage in use: another process uses/);
    } finally {
      await read.close();
    }
  });

  test("a reader that has seen enough ends it without an error", async () => {
    const child = spawn(process.execPath, [quorateCommand, "log", folder, "--full"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: temporary },
    });
    child.stdout.destroy();
    let errors = "";
    child.stderr.on("data", (text) => (errors += String(text)));
    const [code] = await once(child, "exit");
    expect([code, errors]).toEqual([0, expect.stringMatching(/^n1 of cluster test: [^\n]*\n$/)]);
    expect(leftovers()).toEqual([]);
  });

  test("damage is named at its real place, and not repaired", () => {
    const copy = join(cluster.folder, "damaged");
    cpSync(folder, copy, { recursive: true });
    const logFile = readdirSync(join(copy, "db")).find((name) => name.endsWith(".log")) ?? "";
    const path = join(copy, "db", logFile);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(300) ^ 1, 300);
    writeFileSync(path, bytes);
    const before = contentsOf(copy);
    const { status, stdout, stderr } = quorate("log", copy);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`damaged storage: ${path}, offset`);
    expect(contentsOf(copy)).toEqual(before);
  });

  test("what is no data folder is refused with a hint", () => {
    expect(quorate("log", join(cluster.folder, "none"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("none does not exist; expected the data folder of a node"),
    });
    expect(quorate("log", cluster.folder).stderr).toContain("holds no identity.json");
    const dev = join(cluster.folder, "dev");
    mkdirSync(dev);
    writeFileSync(join(dev, "dev.json"), "{}");
    symlinkSync(folder, join(dev, "n1"));
    expect(quorate("log", dev).stderr).toContain(`name one of its nodes: ${join(dev, "n1")}`);
    expect(quorate("log", join(dev, "n1")).status).toBe(0);
  });
});
