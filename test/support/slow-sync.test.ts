/** What delays a disk is seen to do so by counting, never by the clock. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Cluster } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { SlowSync } from "./slow-sync.js";
import { requireProgram } from "./system.js";

describe.runIf(process.platform === "linux" && requireProgram("cc", "build-essential"))("slow syncs", () => {
  test("every fsync and fdatasync of a program is counted once; its exit code and output are its own", () => {
    using slow = SlowSync.compile(1);
    const folder = mkdtempSync(join(tmpdir(), "quorate-slow-sync-test-"));
    const script = join(folder, "script.mjs");
    writeFileSync(
      script,
      `import { closeSync, fdatasyncSync, fsyncSync, openSync } from "node:fs";
       const file = openSync(${JSON.stringify(join(folder, "file"))}, "w");
       for (let count = 0; count < 5; count++) { fsyncSync(file); fdatasyncSync(file); }
       closeSync(file);
       console.log("done");
       process.exit(7);`,
    );
    const [program = "", ...args] = slow.wrapper("script");
    const { status, stdout } = spawnSync(program, [...args, process.execPath, script]);
    rmSync(folder, { recursive: true });
    expect({ status, stdout: stdout.toString() }).toStrictEqual({ status: 7, stdout: "done\n" });
    expect(slow.count("script")).toBe(10);
  });

  test("a command that does not exist is named", () => {
    using slow = SlowSync.compile(1);
    const [program = "", ...args] = slow.wrapper("nothing");
    const { status, stderr } = spawnSync(program, [...args, "/no/such/program"]);
    expect(status).toBe(125);
    expect(stderr.toString()).toContain("slow-sync: /no/such/program: No such file or directory");
  });

  test("a majority of nodes syncs for every write that waits for the one before", async () => {
    using slow = SlowSync.compile(2);
    await using cluster = await Cluster.start({ nodes: 3, wrapper: (id) => slow.wrapper(id) });
    const leader = await cluster.leader();
    const counts = () => cluster.nodes.map((node) => slow.count(node.id));
    const before = counts();
    const writes = 20;
    for (let write = 0; write < writes; write++) await value(leader.url, "kv.set", ["key", write]);
    const syncs = counts().map((count, index) => count - (before[index] ?? 0));
    // Each write was on two disks at least before it was answered, and the next one was sent after that.
    expect(syncs.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2 * writes);
    // The process id is the node's own: a kill reaches it.
    await leader.kill("SIGKILL");
    const next = await cluster.leader();
    expect(await value(next.url, "kv.get", ["key"])).toBe(writes - 1);
  });
});
