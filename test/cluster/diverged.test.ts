/** A node whose state is not that of the others: found by comparison, named, and out of service for good. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Cluster, until } from "./cluster.js";
import { value } from "./rpc.js";

const service = fileURLToPath(new URL("fixtures/partial.ts", import.meta.url));

test("a node that executes otherwise ends by name, does not start again, and the others go on", {
  timeout: 3 * 60_000,
}, async () => {
  await using cluster = await Cluster.prepare({ nodes: 3, settings: { service } });
  const [n1, n2, n3] = cluster.nodes;
  if (!n1 || !n2 || !n3) throw new Error("three nodes are expected");
  const elsewhere = { LC_ALL: "de_DE.UTF-8" };
  for (const node of cluster.nodes) node.start([], node === n3 ? elsewhere : {});
  await cluster.ready();
  await value(n1.url, "partial.set", ["a", 999]);
  await value(n1.url, "partial.set", ["a", 1_000]);

  await n3.exited();
  expect(n3.exitCode).toBe(1);
  expect(n3.log()).toMatch(/diverged state: after entry \d+ the states of a majority are equal.* on n3/);
  const marker = readFileSync(join(cluster.folder, "n3", "DIVERGED"), "utf8");
  expect(marker).toMatch(/^after entry \d+ /);
  n3.start();
  await n3.exited();
  expect(n3.exitCode).toBe(1);

  await cluster.ready([n1, n2]);
  await value(n1.url, "partial.set", ["a", 2_000]);
  for (const node of [n1, n2]) expect(await value(node.url, "partial.get", ["a"])).toBe("2,000");

  // Those that stay have compared themselves, and say up to where they are equal.
  const divergedAt = Number(/^after entry (\d+) /.exec(marker)?.[1]);
  const equal = await until("n1 to find its state equal to that of n2", async () => {
    const report = (await value(n1.url, "cluster.digest", [])) as { equalIndex: number; equalWith: string[] };
    return report.equalIndex > divergedAt ? report : undefined;
  });
  expect(equal).toMatchObject({ equalWith: ["n2"], comparedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  const metrics = await (await fetch(`${n1.url}/metrics`)).text();
  expect(metrics).toMatch(/^quorate_digest_mismatch_total\{[^}]*\} \d+$/m);
  const told = Number(/^quorate_digest_equal_index\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]);
  expect(told).toBeGreaterThanOrEqual(equal.equalIndex);
  expect(metrics).toMatch(/^quorate_digest_compared_timestamp_seconds\{[^}]*\} [1-9]\d{9}/m);
});
