/** The example of the package's README works as it stands there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { Cluster } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { projectRoot } from "../support/project-root.js";

test("the example runs against a real cluster", async () => {
  const readme = readFileSync(join(projectRoot, "packages/client/README.md"), "utf8");
  const example = readme.match(/<!-- test: client -->\s*```ts\n([\s\S]*?)```/)?.[1];
  if (example === undefined) throw new Error("the README has no block named client");
  await using cluster = await Cluster.start({ nodes: 3 });
  const client = pathToFileURL(join(projectRoot, "packages/client/src/index.ts")).href;
  const placed = cluster.nodes.reduce(
    (text, node, index) => text.replace(`http://127.0.0.1:800${index + 1}/RPC2`, node.rpcUrl),
    example.replace('"@quorate/client"', JSON.stringify(client)),
  );
  expect(placed).not.toContain("127.0.0.1:800");
  const folder = mkdtempSync(join(tmpdir(), "quorate-client-readme-"));
  try {
    const file = join(folder, "example.ts");
    writeFileSync(file, placed);
    await import(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [node] = await cluster.followers();
  expect(await value(node?.url ?? "", "kv.get", ["copy"])).toEqual({ text: "hello", times: 3 });
  expect(await value(node?.url ?? "", "kv.get", ["visits"])).toBe(1);
});
