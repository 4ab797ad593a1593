/** A short run in every test run: one fault of most kinds. It judges what is kept, never how long something took. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";
import { requireNoObstacles } from "../support/system.js";
import { obstacles } from "./enclosure.js";
import type { Report } from "./report.js";

const minutes = 60_000;
const main = join(projectRoot, "test/dist/test/chaos/main.js");

async function chaos(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      output += bytes;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

test("a fault or a number that does not exist is refused in a sentence", async () => {
  const unknown = await chaos("--only", "kill-leader,earthquake");
  expect(unknown.code).toBe(2);
  expect(unknown.output).toMatch(/^--only: "earthquake" is no fault for 3 nodes; there are kill-leader, /);
  expect(await chaos("--nodes", "2")).toEqual({
    code: 2,
    output: '--nodes must be a whole number from 3 to 7, not "2"\n',
  });
});

const faults = [
  ...["kill-leader", "kill-all", "pause-leader", "restart-leader", "transfer"],
  ...["cut-leader", "mute-leader", "loss-5"],
  ...["slow-disk-10", "disk-full-follower", "clocks-apart", "connection-flood"],
];

test.runIf(requireNoObstacles(obstacles()))(
  "three nodes under faults of most kinds keep every acknowledged write and stay linearizable",
  { timeout: 6 * minutes },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-chaos-test-"));
    try {
      const json = join(folder, "report.json");
      const args = ["--nodes", "3", "--seed", "20260701", "--seconds", "40", "--once"];
      const { code, output } = await chaos(...args, "--only", faults.join(","), "--json", json);
      expect(code, output).toBe(0);
      const report = JSON.parse(readFileSync(json, "utf8")) as Report;
      expect(report.violations).toEqual([]);
      expect(report.rows.map(({ fault }) => fault).sort()).toEqual(["(no fault)", ...faults].sort());
      // Not an idle run: every fault met calls, and calls came through.
      for (const row of report.rows) expect(row.ok + row.refused + row.unknown, row.fault).toBeGreaterThan(0);
      expect(report.acknowledgedWrites).toBeGreaterThan(0);
      expect(report.windows).toBeGreaterThan(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
