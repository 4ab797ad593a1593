/** The shipped systemd unit is one that systemd takes, and leaves the node little to harm. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";

const unit = readFileSync(join(projectRoot, "deploy/systemd/quorate.service"), "utf8");

let folder = "";
let file = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quorate-unit-"));
  file = join(folder, "quorate.service");
  // Verifying asks whether the program exists: this machine may have Node and the checkout elsewhere.
  writeFileSync(
    file,
    unit
      .replace("/usr/bin/node", process.execPath)
      .replace("/opt/quorate", join(projectRoot, "packages/server")),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const analyze = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
  return { status, text: stdout + stderr };
};

test("it starts the command as it is shipped", () => {
  expect(unit).toMatch(/^ExecStart=\/usr\/bin\/node \/opt\/quorate\/bin\/quorate\.js serve --config /m);
});

describe.runIf(requireProgram("systemd-analyze", "systemd"))("systemd-analyze", () => {
  test("finds nothing to complain about", () => {
    expect(analyze("verify")).toEqual({ status: 0, text: "" });
  });

  test("gives an exposure of 2 or less", () => {
    const { text } = analyze("security", "--offline=true", "--no-pager");
    const score = Number(/Overall exposure level for quorate\.service: ([\d.]+)/.exec(text)?.[1]);
    process.stdout.write(`exposure of quorate.service: ${score}\n`);
    expect(score).toBeLessThanOrEqual(2);
  });
});
