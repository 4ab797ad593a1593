/** A command that ends every node that executes it: they come back, say so, and go on once it is struck out. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { value } from "./rpc.js";

const minutes = 60_000;
const service = fileURLToPath(new URL("fixtures/deadly.ts", import.meta.url));

/** Small, so that it is full soon. */
const environment = { NODE_OPTIONS: "--max-old-space-size=160" };

interface Status {
  readonly appliedIndex: number;
  readonly heldBefore: number | "";
  readonly whyHeld: string;
  readonly role: string;
  readonly leader: string;
}

const statusOf = async (node: ClusterNode) =>
  (await value(node.url, "cluster.status", [])) as unknown as Status;

/** As systemd does it: whoever ends is started again, until it holds before an entry; returns that. */
async function restartedUntilHeld(node: ClusterNode): Promise<number> {
  for (;;) {
    if (!node.running) node.start();
    // It may end while it answers. How long each start takes is the machine's affair: the test's own bound counts.
    const status = (await (await node.get("/status"))?.json()) as { heldBefore: number | null } | undefined;
    if (typeof status?.heldBefore === "number") return status.heldBefore;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const read = async (node: ClusterNode, key: string) =>
  value(node.url, "deadly.get", [key], { query: "?consistency=stale" });

describe.each(["overflow", "fill"])("deadly.%s", (method) => {
  test("ends all nodes, is held before by all, and struck out by one command", {
    timeout: 5 * minutes,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3, settings: { service }, environment });
    const [n1, n2, n3] = cluster.nodes;
    if (!n1 || !n2 || !n3) throw new Error("three nodes are expected");
    await value(n1.url, "deadly.set", ["before", 1]);
    const last = (await statusOf(await cluster.leader())).appliedIndex;
    const leader = await cluster.leader();
    const deadly = value(leader.url, `deadly.${method}`, []);
    await expect(deadly).rejects.toThrow();
    // The leader, and whoever learns from it or its successors that the entry is committed.
    await leader.exited();
    if (method === "overflow") {
      expect(leader.exitCode).toBe(1);
      expect(leader.log()).toContain(`the state machine failed at entry ${last + 1}, which was not kept`);
    }

    const held = await Promise.all(cluster.nodes.map((node) => restartedUntilHeld(node)));
    expect(held).toEqual([last + 1, last + 1, last + 1]);
    const elected = await until("a leader", async () => {
      const { leader: id } = await statusOf(n1);
      return id === "" ? undefined : cluster.node(id);
    });
    // It says so, where operators and balancers look; nothing is executed, nothing accepted.
    for (const node of cluster.nodes) {
      expect((await node.get("/leader"))?.status).toBe(503);
      const ready = await node.get("/readyz?verbose");
      expect(ready?.status).toBe(503);
      const why = `execution is held before entry ${last + 1}: executing it ended this process 2 times, the last time `;
      const ending = method === "overflow" ? "with: deadly.overflow: Maximum call stack" : "without a word";
      expect(await ready?.text()).toContain(`FAIL applied: ${why}${ending}`);
      expect(await read(node, "before")).toBe(1);
    }
    expect(await value(elected.url, "deadly.set", ["x", 1]).catch((fault: unknown) => fault)).toMatchObject({
      faultCode: -32002,
      faultString: expect.stringContaining("execution is held before an entry"),
    });

    // Only that entry, and only where a majority holds before it.
    const others = cluster.nodes.filter((node) => node !== elected);
    const [asked, other] = others;
    if (!asked || !other) throw new Error("two followers are expected");
    for (const [index, text] of [
      [last, `entry ${last} is executed already`],
      [last + 1000, "the log ends with entry"],
      [last + 2, `holds before entry ${last + 1}, not before entry ${last + 2}`],
    ] as const) {
      const refused = await quorate("void", String(index), "--url", asked.url);
      expect([refused.code, refused.errors]).toEqual([3, expect.stringContaining(`nothing was changed: `)]);
      expect(refused.errors).toContain(text);
    }
    expect((await quorate("void", "0", "--url", asked.url)).errors).toContain("-32602");

    const done = await quorate("void", String(last + 1), "--url", asked.url);
    expect(done.code, done.errors).toBe(0);
    expect(done.out).toMatch(new RegExp(`^entry ${last + 1} is struck out by entry \\d+: on no node`));
    await cluster.ready();
    await value(n1.url, "deadly.set", ["after", 2]);
    const again = await quorate("void", String(last + 1), "--url", asked.url);
    expect([again.code, again.errors]).toEqual([3, expect.stringContaining("is executed already")]);

    // Everywhere the same, now and from the disk.
    const expectEverywhere = async (after: number) => {
      for (const node of cluster.nodes) {
        await until(`${node.id} to have what was written`, async () =>
          (await read(node, "after")) === after ? true : undefined,
        );
        expect(await read(node, "before")).toBe(1);
        expect(await read(node, "half")).toBe(0);
      }
    };
    await expectEverywhere(2);
    for (const node of cluster.nodes) await node.kill("SIGKILL");
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    await value(n1.url, "deadly.set", ["after", 3]);
    await expectEverywhere(3);
    for (const node of cluster.nodes) {
      expect((await statusOf(node)).heldBefore).toBe("");
      expect(existsSync(join(cluster.folder, node.id, "EXECUTING"))).toBe(false);
    }
  });
});
