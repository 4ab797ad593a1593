/** An entry that ends every node: in virtual time, with every order of holding, striking and restarting. */
import type { ExecutionNote, ExecutionNotes, StateMachine } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import type { RegisterResult } from "../linearizability/register-model.js";
import { RegisterMachine, readRegister, strikes } from "./register-machine.js";
import { TestCluster } from "./test-cluster.js";

const deadly = { kind: "set", key: "deadly", value: "poison" } as const;
const set = (value: string) => ({ kind: "set", key: "a", value }) as const;

class Notes implements ExecutionNotes {
  note: ExecutionNote | null = null;
  constructor(readonly place: string) {}
  read() {
    return this.note;
  }
  write(note: ExecutionNote) {
    this.note = note;
  }
  clear() {
    this.note = null;
  }
}

interface Rig {
  readonly cluster: TestCluster;
  /** Nodes that survive the deadly entry. */
  readonly immune: Set<string>;
}

function rigOf(seed: number): Rig {
  const immune = new Set<string>();
  const notes = new Map<string, Notes>();
  const cluster = new TestCluster({
    size: 3,
    seed,
    executions: (id) => {
      const held = notes.get(id) ?? new Notes(id);
      notes.set(id, held);
      return held;
    },
    machine: (id): StateMachine<RegisterResult> => {
      const good = new RegisterMachine();
      return {
        ...strikes,
        apply: (entry, view) => {
          if (!immune.has(id) && Buffer.from(entry.data).includes("poison"))
            throw new Error("stack overflow");
          return good.apply(entry, view);
        },
      };
    },
  });
  return { cluster, immune };
}

/** Proposes the deadly entry and restarts whoever dies, as a supervisor does, until nobody does any more. */
async function killed({ cluster }: Rig): Promise<number> {
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  expect((await cluster.propose(leader, set("1"))).kind).toBe("applied");
  const index = cluster.node(leader).view.index + 1;
  cluster.begin(leader, deadly);
  await cluster.clock.run(2_000);
  for (let deaths = cluster.fatal.splice(0); deaths.length > 0; deaths = cluster.fatal.splice(0)) {
    for (const { id } of deaths) {
      cluster.crash(id);
      await cluster.start(id);
    }
    await cluster.clock.run(2_000);
  }
  return index;
}

const heldBy = ({ cluster }: Rig) =>
  [...cluster.running].flatMap(([id, { node }]) => (node.status().held === null ? [] : [id])).sort();

async function leaderOf({ cluster }: Rig): Promise<string> {
  const leads = (id: string) => cluster.running.has(id) && cluster.node(id).status().role === "leader";
  await cluster.clock.until("a leader that has committed", () => {
    const id = cluster.ids.find(leads);
    return id !== undefined && cluster.node(id).status().commit === cluster.node(id).status().lastIndex;
  });
  return cluster.ids.find(leads) ?? "";
}

async function strikeOut({ cluster }: Rig, leader: string, index: number): Promise<number> {
  let at: number | null = null;
  let failed: unknown = null;
  cluster
    .node(leader)
    .strikeOut(index)
    .then(
      (done) => {
        at = done;
      },
      (error: unknown) => {
        failed = error;
      },
    );
  await cluster.clock.until("the strike ends", () => at !== null || failed !== null);
  if (failed !== null) throw failed;
  return at ?? 0;
}

describe("an entry that ends every node", () => {
  it("is held before by all, which elect, refuse calls and accept the strike; then all go on, with equal states", async () => {
    const rig = rigOf(1);
    const { cluster } = rig;
    const index = await killed(rig);
    expect(heldBy(rig)).toEqual(["n1", "n2", "n3"]);
    const leader = await leaderOf(rig);
    expect(cluster.node(leader).status()).toMatchObject({ canServe: false, applied: index - 1 });
    expect(await cluster.propose(leader, set("2"))).toEqual({ kind: "refused", reason: "held" });
    expect(await cluster.barrier(leader)).toEqual({ kind: "refused" });

    const follower = cluster.ids.find((id) => id !== leader) ?? "";
    for (const [node, which, text] of [
      [follower, index, /does not lead/],
      [leader, index - 1, /is executed already/],
      [leader, index + 1, /holds before entry \d+, not before entry/],
      [leader, 1_000, /the log ends with entry/],
    ] as const) {
      await expect(strikeOut(rig, node, which)).rejects.toThrow(text);
    }
    expect(await strikeOut(rig, leader, index)).toBeGreaterThan(index);
    await cluster.untilLeader();
    expect((await cluster.propose(leader, set("3"))).kind).toBe("applied");
    await cluster.clock.until("all have it", () =>
      cluster.ids.every((id) => readRegister(cluster.node(id).view, "a") === "3"),
    );
    expect(heldBy(rig)).toEqual([]);
    for (const id of cluster.ids) {
      expect(readRegister(cluster.node(id).view, "deadly")).toBeNull();
      await cluster.clock.run(200);
      cluster.crash(id, "lost");
      await cluster.start(id);
    }
    await cluster.untilLeader();
    expect([heldBy(rig), cluster.fatal]).toEqual([[], []]);
  });

  it("is struck out too on a node that was away, and on one that restarts before it has executed anything", async () => {
    const rig = rigOf(2);
    const { cluster } = rig;
    const index = await killed(rig);
    const leader = await leaderOf(rig);
    const [away = "", other = ""] = cluster.ids.filter((id) => id !== leader);
    cluster.crash(away);
    cluster.onWrite((id, write) => {
      // What the other one executed never reaches its disk; its log does.
      if (id !== other || write.batch.applied === null) cluster.clock.after(1, () => write.complete());
    });
    await strikeOut(rig, leader, index);
    cluster.crash(other, "lost");
    cluster.onWrite(undefined);
    await cluster.start(other);
    await cluster.start(away);
    await cluster.untilLeader();
    await cluster.clock.until("all go on", () =>
      cluster.ids.every((id) => cluster.node(id).view.index > index),
    );
    expect([heldBy(rig), cluster.fatal]).toEqual([[], []]);
  });

  it("struck out although a node had executed it: that node stops by name, again and again, and nobody else", async () => {
    const rig = rigOf(3);
    const { cluster, immune } = rig;
    immune.add("n3");
    const index = await killed(rig);
    expect(heldBy(rig)).toEqual(["n1", "n2"]);
    await cluster.clock.run(500);
    expect(readRegister(cluster.node("n3").view, "deadly")).toBe("poison");
    cluster.crash("n3", "reached");
    const leader = await leaderOf(rig);
    await strikeOut(rig, leader, index);
    for (let start = 0; start < 2; start++) {
      await cluster.start("n3");
      await cluster.clock.until("n3 stops", () => cluster.fatal.some(({ id }) => id === "n3"));
      expect(cluster.fatal.splice(0)).toMatchObject([
        { id: "n3", error: { cause: { message: `${index} was executed here` } } },
      ]);
      cluster.crash("n3");
    }
    expect((await cluster.propose(await cluster.untilLeader(), set("4"))).kind).toBe("applied");
  });
});
