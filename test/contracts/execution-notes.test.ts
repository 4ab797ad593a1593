/** The note of what is being executed: it survives the end of the process, and is nothing when it is torn. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataDirectory } from "@quorate/raft/level";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "./storage-harness.js";

const built = fileURLToPath(new URL("../../packages/raft/dist/storage/level.js", import.meta.url));

let directory: string;
let dispose: () => Promise<void>;

beforeEach(async () => {
  ({ directory, dispose } = await temporaryDirectory());
});
afterEach(() => dispose());

async function notes() {
  const { executions, storage } = await openDataDirectory({ directory, nodeId: "n1", clusterName: "prod" });
  await storage.close();
  return executions;
}

test("there is none, one, another one, and none again", async () => {
  const first = await notes();
  expect([first.read(), first.place]).toEqual([null, join(directory, "EXECUTING")]);
  for (const note of [
    { index: 2 ** 40, attempts: 1, reason: "" },
    { index: 2 ** 40, attempts: 2, reason: "Maximum call stack size exceeded — größer" },
    { index: 7, attempts: 1, reason: "" },
    { index: 8, attempts: 1, reason: "" },
  ]) {
    first.write(note, note.reason !== "");
    expect(first.read()).toEqual(note);
    expect((await notes()).read()).toEqual(note);
  }
  first.clear();
  first.clear();
  expect((await notes()).read()).toBeNull();
  expect(existsSync(first.place)).toBe(false);
});

test("a reason without end is cut", async () => {
  const held = await notes();
  held.write({ index: 1, attempts: 1, reason: "x".repeat(100_000) }, true);
  expect(held.read()?.reason).toHaveLength(1000);
});

test("a torn one is none", async () => {
  const held = await notes();
  held.write({ index: 7, attempts: 2, reason: "stack" }, true);
  const whole = readFileSync(held.place);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(held.place, whole.subarray(0, length));
    expect(held.read()).toBeNull();
  }
  writeFileSync(held.place, Buffer.alloc(whole.length));
  expect(held.read()).toBeNull();
});

test("what a process wrote before it died at once is there", async () => {
  await notes();
  expect(existsSync(built), "the raft package is built (npm run build)").toBe(true);
  const script = `
    import { openDataDirectory } from ${JSON.stringify(built)};
    const directory = ${JSON.stringify(directory)};
    const { executions } = await openDataDirectory({ directory, nodeId: "n1", clusterName: "prod" });
    executions.write({ index: 41, attempts: 1, reason: "" }, false);
    process.kill(process.pid, "SIGKILL");`;
  const { signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect(signal, stderr).toBe("SIGKILL");
  expect((await notes()).read()).toEqual({ index: 41, attempts: 1, reason: "" });
});
