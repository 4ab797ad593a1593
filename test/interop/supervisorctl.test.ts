/** supervisor's own command line, whose server here is a service of three nodes. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Cluster, type ClusterNode } from "../cluster/cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";

const run = promisify(execFile);
const service = join(projectRoot, "test/interop/fixtures/supervisor-service.ts");
const configuration = join(projectRoot, "test/interop/fixtures/supervisorctl.conf");

/** What it prints; its exit code tells of stopped programs, too. */
async function supervisorctl(node: ClusterNode, ...words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run("supervisorctl", ["-c", configuration, "-s", node.url, ...words]);
    return stdout.trim();
  } catch (error) {
    const stdout = error instanceof Error && "stdout" in error ? String(error.stdout).trim() : "";
    if (stdout === "") throw error;
    return stdout;
  }
}

describe.runIf(requireProgram("supervisorctl", "supervisor"))("supervisorctl", () => {
  test("starts and stops on one node what the others then report", async () => {
    await using cluster = await Cluster.start({ nodes: 3, settings: { service } });
    const leader = await cluster.leader();
    const [follower, other] = await cluster.followers();
    if (follower === undefined || other === undefined) throw new Error("two followers are to be there");

    expect(await supervisorctl(leader, "version")).toBe("4.2.5");
    expect(await supervisorctl(follower, "status", "cat")).toMatch(/^cat +STOPPED +Not started$/);
    expect(await supervisorctl(follower, "start", "cat")).toBe("cat: started");
    expect(await supervisorctl(other, "start", "cat")).toBe("cat: ERROR (already started)");
    expect(await supervisorctl(other, "start", "dog")).toBe("dog: ERROR (no such process)");
    expect(await supervisorctl(other, "status")).toMatch(/^cat +RUNNING +start number 1\nweb +STOPPED/);
    expect(await supervisorctl(leader, "stop", "cat")).toBe("cat: stopped");
    expect(await supervisorctl(follower, "stop", "cat")).toBe("cat: ERROR (not running)");
  });
});
