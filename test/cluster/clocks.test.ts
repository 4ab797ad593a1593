/** Real processes, one of them with a clock that goes wrong: it does not lead with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { clockFrom, faketimeLibrary, setClock } from "../support/faketime.js";
import { requireProgram } from "../support/system.js";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { value } from "./rpc.js";
import { attempt } from "./workload.js";

const minutes = 60_000;
const hour = 3_600;
const service = fileURLToPath(new URL("fixtures/moments.ts", import.meta.url));

/** What the node says how far its clock is ahead, seconds. */
async function offsetOf(node: ClusterNode): Promise<number> {
  const text = await (await node.get("/metrics"))?.text();
  return Number(/^quorate_clock_offset_seconds\{[^}]*\} (\S+)$/m.exec(text ?? "")?.[1]);
}

test.runIf(requireProgram("faketime", "faketime")).each([
  ["ahead", hour],
  ["back", -hour],
])(
  "a leader whose clock jumps an hour %s gives the lead away; no call fails, time does not go back, and it may lead again",
  { timeout: 3 * minutes },
  async (_, jump) => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-clocks-"));
    const clockFile = (id: string) => join(folder, id);
    for (const id of ["n1", "n2", "n3"]) setClock(clockFile(id), 0);
    try {
      await using cluster = await Cluster.start({
        nodes: 3,
        settings: { service },
        wrapper: (id) => ["env", `LD_PRELOAD=${faketimeLibrary()}`, ...clockFrom(clockFile(id))],
      });
      const moments: number[] = [];
      let called = 0;
      /** One call after the other, each to the next node. */
      const call = async () => {
        const node = cluster.nodes[called++ % cluster.nodes.length];
        if (node === undefined) throw new Error("three nodes are expected");
        moments.push(Number(await value(node.url, "moments.now", [])));
      };
      const leader = await cluster.leader();
      for (let count = 0; count < 3; count++) await call();

      setClock(clockFile(leader.id), jump);
      const others = cluster.nodes.filter((node) => node !== leader);
      await until("another node to lead", async () => {
        await call();
        for (const node of others) if (await node.isLeader()) return node;
        return undefined;
      });
      for (let count = 0; count < 6; count++) await call();
      expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      expect(leader.log()).toMatch(
        jump > 0
          ? /this node's clock is 3\d{3}\.\d s ahead of that of the majority/
          : /this node's clock is 3\d{3}\.\d s behind that of the majority/,
      );
      expect(Math.abs((await offsetOf(leader)) - jump)).toBeLessThan(60);
      for (const node of others) expect(node.log()).not.toContain("this node's clock");

      // An operator's wish does not keep it in the lead.
      const handOvers = () => leader.log().split("leadership was handed over to").length - 1;
      const before = handOvers();
      await until(`${leader.id} to lead and to hand over again`, async () => {
        await attempt(leader.url, "cluster.transfer", [leader.id]);
        return handOvers() > before ? true : undefined;
      });
      await cluster.leader(others);

      setClock(clockFile(leader.id), 0);
      await until("the clock to be found well", async () =>
        leader.log().includes("agrees with that of the majority again") ? true : undefined,
      );
      expect(Math.abs(await offsetOf(leader))).toBeLessThan(1);
      await value(leader.url, "cluster.transfer", [leader.id]);
      await cluster.leader([leader]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
