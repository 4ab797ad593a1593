/** `quorate bench` against real clusters: what it prints, what it leaves behind, how it ends. No expectation of speed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { LoadResult } from "@quorate/server/load";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, until } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { quorateCommand } from "../support/project-root.js";

interface Report extends LoadResult {
  readonly prefix: string;
}

function bench(...args: readonly string[]) {
  const child = spawn(process.execPath, [quorateCommand, "bench", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
    report: () => JSON.parse(stdout) as Report,
  }));
  return { child, ended };
}

describe("on a cluster", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  const urls = () => cluster.nodes.map((node) => node.url).join(",");
  const small = ["--seconds", "1", "--connections", "3", "--keys", "20", "--value-bytes", "10"];

  test("a mix of reads and writes is told as JSON; its keys are gone, others are not", async () => {
    const [node] = cluster.nodes;
    const url = node?.url ?? "";
    await value(url, "kv.set", ["quorate-bench", "mine"]);
    const { code, stderr, report } = await bench("--url", urls(), ...small, "--mix", "80:20", "-o", "json")
      .ended;
    expect(stderr).toMatch(
      /80 % kv.get \(linearizable\), 20 % kv.set, on 20 keys of 10 bytes under quorate-bench/,
    );
    expect(code).toBe(0);
    const { kinds, errors, latency, perSecond } = report();
    expect(errors).toStrictEqual({});
    expect(perSecond).toBeGreaterThan(0);
    expect(Object.keys(kinds)).toStrictEqual(["kv.get", "kv.set"]);
    const [reads, writes] = [kinds["kv.get"]?.latency?.count ?? 0, kinds["kv.set"]?.latency?.count ?? 0];
    expect(reads + writes).toBe(latency?.count);
    expect(reads).toBeGreaterThan(writes);
    expect(await value(url, "kv.count", ["quorate-bench/"])).toBe(0);
    expect(await value(url, "kv.get", ["quorate-bench"])).toBe("mine");
  });

  test("an open loop makes as many calls as its rate says, forwarded by a follower, and a table is printed", async () => {
    const [follower] = await cluster.followers();
    const given = ["--url", follower?.url ?? "", ...small, "--rate", "40", "--route", "forward"];
    const { code, stdout, stderr } = await bench(...given, "--mix", "0:100").ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("open loop, 40 calls a second");
    expect(stdout).toMatch(
      /^CALL +PER SECOND +P50 MS +P99 MS +P99\.9 MS +MAX MS\nkv\.set +\d+( +[\d.]+){4}\n/,
    );
    const json = await bench(...given, "--consistency", "stale", "-o", "json").ended;
    expect(json.report().latency?.count).toBe(40);
  });

  test("Ctrl-C ends it early: it tells what it measured and removes its keys", async () => {
    const { child, ended } = bench("--url", urls(), ...small, "--seconds", "3600", "-o", "json");
    const [node] = cluster.nodes;
    await until("keys of the bench", async () =>
      (await value(node?.url ?? "", "kv.count", ["quorate-bench/"])) === 20 ? true : undefined,
    );
    child.kill("SIGINT");
    const { code, report } = await ended;
    expect(code).toBe(0);
    expect(report().measuredMs).toBeLessThan(3_600_000);
    expect(await value(node?.url ?? "", "kv.count", ["quorate-bench/"])).toBe(0);
  });

  test("a leader that dies makes calls fail: they are counted, the rest goes on, the exit code says it", async () => {
    const { child, ended } = bench(
      "--url",
      urls(),
      ...small,
      "--seconds",
      "3600",
      "--timeout",
      "2s",
      "-o",
      "json",
    );
    const leader = await cluster.leader();
    const metric = async () => {
      const text = (await (await leader.get("/metrics"))?.text()) ?? "";
      return Number(/quorate_calls_total\{[^}]*method="kv.get"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await metric();
    await until("calls of the bench", async () => ((await metric()) > before + 100 ? true : undefined));
    await leader.kill("SIGKILL");
    const next = await cluster.leader();
    const prefix = "quorate-bench/";
    await until("the bench to go on at the next leader", async () => {
      const text = (await (await next.get("/metrics"))?.text()) ?? "";
      return /method="kv.set"[^}]*\} [1-9]\d\d/.test(text) ? true : undefined;
    });
    child.kill("SIGINT");
    const { code, stderr, report } = await ended;
    expect({ code, stderr: stderr.includes("calls failed") }).toStrictEqual({ code: 3, stderr: true });
    expect(Object.keys(report().errors).join()).toMatch(/connection lost|ECONNREFUSED/);
    expect(await value(next.url, "kv.count", [prefix])).toBe(0);
    leader.start();
    await leader.ready();
  });
});

test.each([
  [["--mix", "80:30"], "--mix: expected reads:writes that add up to 100"],
  [["--mix", "reads"], "--mix: expected reads:writes that add up to 100"],
  [["--connections", "0"], "--connections: expected 1 to 1000, got 0"],
  [["--rate", "0"], "--rate: expected 1 to 1000000, got 0"],
  [["--keys", "100000", "--value-bytes", "1000000"], "expected 256 MiB at most"],
  [["--url", "https://127.0.0.1:8001"], "bench speaks http: only"],
])("refuses %j before anything is written", async (args, message) => {
  const { code, stderr } = await bench(...args).ended;
  expect({ code, stderr }).toStrictEqual({ code: 2, stderr: expect.stringContaining(message) });
});
