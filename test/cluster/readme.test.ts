/** What the README tells a newcomer to do works as it stands there. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import { Cluster } from "./cluster.js";
import { value } from "./rpc.js";

const run = promisify(execFile);
const readme = readFileSync(join(projectRoot, "README.md"), "utf8");

const serverReadme = readFileSync(join(projectRoot, "packages/server/README.md"), "utf8");

/** The code block that follows `<!-- test: name -->`. */
function block(name: string, document = readme): string {
  const found = document.split(`<!-- test: ${name} -->`)[1]?.match(/```\w+\n([\s\S]*?)```/)?.[1];
  if (found === undefined) throw new Error(`the README has no block named ${name}`);
  return found;
}

describe.runIf(requireProgram("python3", "python3"))("the first call", () => {
  test("runs with stock Python against a node of a fresh cluster", async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const script = block("python").replace("http://127.0.0.1:8002/RPC2", cluster.node("n2").rpcUrl);
    const { stdout } = await run("python3", ["-c", script]);
    const [greeting, visits, methods] = stdout.trim().split("\n");
    expect([greeting, visits]).toEqual(["{'text': 'hello', 'times': 3}", "1"]);
    expect(methods).toContain("'kv.set'");
  });
});

describe.runIf(requireProgram("python3", "python3"))("the monotone reads of the server's README", () => {
  test("see on a follower what was written through it", async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const [follower] = await cluster.followers();
    const script = block("python", serverReadme).replace(
      "http://127.0.0.1:8003/RPC2",
      follower?.rpcUrl ?? "",
    );
    const again = `
for count in range(200):
    server.kv.set("mine", count)
    assert server.kv.get("mine") == count, count
`;
    const { stdout } = await run("python3", ["-c", script + again]);
    expect(stdout.trim()).toBe("1");
  });
});

test("the first own service runs as printed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "quorate-readme-"));
  try {
    writeFileSync(join(folder, "stock.ts"), block("service"));
    await using cluster = await Cluster.start({ nodes: 3, settings: { service: join(folder, "stock.ts") } });
    const [a, b, c] = cluster.nodes.map((node) => node.url);
    expect(await value(a ?? "", "stock.add", ["apple", 5])).toBe(5);
    expect(await value(b ?? "", "stock.reserve", ["apple", 2])).toBe(3);
    expect(await value(c ?? "", "stock.level", ["apple"])).toBe(3);
    await expect(value(a ?? "", "stock.reserve", ["apple", 9])).rejects.toMatchObject({
      faultCode: 409,
      message: "only 3 left",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
