/** A tiny run of the whole benchmark against real servers: every row is there and real. No expectation of speed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadResult } from "@quorate/server/load";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import type { Measurement } from "./measurement.js";
import type { SweepPoint } from "./sweep.js";

const main = join(projectRoot, "test/dist/test/bench/main.js");
const installed = [
  requireProgram("etcd", "etcd-server"),
  requireProgram("python3", "python3"),
  requireProgram("cc", "build-essential"),
];

async function bench(args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...output };
}

interface Report {
  readonly machine: { readonly node: string };
  readonly closed: Record<string, Record<string, Measurement>>;
  readonly open: readonly SweepPoint[];
  readonly disk: Record<string, Record<string, Record<string, Measurement>>>;
  readonly cold: Record<string, Measurement>;
  readonly catchup: { readonly tookMs: number; readonly phases: Record<string, LoadResult> };
}

describe.runIf(process.platform === "linux" && installed.every(Boolean))("npm run bench", () => {
  test("measures every target in every part, without a failed call", { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-bench-test-"));
    const files = { json: join(folder, "run.json"), svg: join(folder, "run.svg") };
    const tiny = [
      "--seconds",
      "0.1",
      "--warm-up",
      "0.1",
      "--settle",
      "0.1",
      "--rounds",
      "1",
      "--keys",
      "20",
      "--delays",
      "1",
      "--behind",
      "2",
    ];
    const run = await bench([
      ...["--only", "closed,open,disk,cold,catchup", ...tiny, "--connections", "2"],
      ...["--json", files.json, "--svg", files.svg],
    ]);
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    const report = JSON.parse(readFileSync(files.json, "utf8")) as Report;
    const svg = readFileSync(files.svg, "utf8");
    rmSync(folder, { recursive: true });

    expect(report.machine.node).toBe(process.version);
    const closed = report.closed["2"] ?? {};
    expect(Object.keys(closed).sort()).toStrictEqual([
      "SimpleXMLRPCServer, get",
      "SimpleXMLRPCServer, set",
      "bare fastify echo",
      "etcd half put, half range",
      "etcd put",
      "etcd range, linearizable",
      "etcd range, serializable",
      "half kv.set, half kv.get",
      "kv.get, linearizable",
      "kv.get, stale",
      "kv.set at a follower, forwarded",
      "kv.set at the leader",
      "raw synced append",
    ]);
    const all = [
      ...Object.values(closed),
      ...report.open.map((point) => point.measured),
      ...Object.values(report.disk["1"]?.["2"] ?? {}),
      ...Object.values(report.cold),
    ];
    expect(all).toHaveLength(13 + 5 * 5 + 3 + 2);
    expect(all.filter((one) => one.failed > 0)).toStrictEqual([]);
    expect(Object.keys(closed["kv.set at the leader"]?.processes ?? {})).toStrictEqual([
      "leader",
      "follower 1",
      "follower 2",
      "generator",
    ]);
    expect(closed["etcd put"]?.processes.leader?.rssMaxMiB).toBeGreaterThan(1);
    const phases = Object.entries(report.catchup.phases);
    expect(phases.map(([name]) => name)).toStrictEqual([
      "two of three nodes",
      "while the third catches up",
      "three nodes",
    ]);
    expect(phases.filter(([, phase]) => Object.keys(phase.errors).length > 0)).toStrictEqual([]);
    for (const heading of [
      "a node 2 MiB behind catches up",
      "closed loop, 2 connections",
      "open loop",
      "fdatasync and fsync + 1 ms",
      "page cache",
    ])
      expect(run.stdout).toContain(heading);
    expect(svg.match(/<polyline/g)).toHaveLength(10);
  });

  test("says what it did not understand", async () => {
    const { status, stderr } = await bench(["--only", "nothing"]);
    expect(status).toBe(2);
    expect(stderr).toContain("--only: expected some of");
    expect(stderr).toContain("--svg FILE");
  });
});
