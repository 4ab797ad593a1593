import type { ProposalOutcome } from "@quorate/raft";
import { randomInteger } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { checkLinearizable } from "../linearizability/checker.js";
import type { Operation } from "../linearizability/history.js";
import { type RegisterOp, type RegisterResult, registerModel } from "../linearizability/register-model.js";
import { AppliedLog } from "./applied-log.js";
import { readRegister, text } from "./register-machine.js";
import { type Running, TestCluster } from "./test-cluster.js";

const seeds = Array.from({ length: Number(process.env.DRIVER_SEEDS ?? 60) }, (_, at) => at + 1);
const faultsMs = 4_000;
const keys = ["a", "b", "c"];
const clients = 4;

type Recorded = {
  -readonly [Field in keyof Operation<RegisterOp, RegisterResult>]: Operation<
    RegisterOp,
    RegisterResult
  >[Field];
};

/** One run: clients call, nodes crash, links break; then everything heals and must work again. */
class Run {
  readonly applied = new AppliedLog();
  readonly history: Recorded[] = [];
  readonly cluster: TestCluster;
  readonly #random: () => number;
  #values = 0;
  #calls = 0;
  #calling = true;
  /** Calls in progress, and by whom they will never be answered if that process dies. */
  readonly endedTwice: RegisterOp[] = [];
  /** Calls that have not ended, and the process that owes an answer. */
  readonly #open = new Map<Recorded, Running>();
  /** What each call proposed, and what its caller was told about it. */
  readonly told: { readonly data: string; readonly outcome: ProposalOutcome<RegisterResult> }[] = [];

  constructor(seed: number, network: "loopback" | "memory") {
    const size = seed % 3 === 0 ? 5 : 3;
    this.cluster = new TestCluster({
      size,
      seed,
      network,
      heartbeatMs: 100,
      electionTimeoutMs: 400,
      machine: () => this.applied.machine(),
      // Every other run cuts its logs so short that who was away needs a snapshot, which comes in small parts.
      ...(seed % 2 === 0 && { trailingEntries: seed % 4, snapshotPartBytes: 40 }),
    });
    this.#random = this.cluster.random;
  }

  async run(): Promise<void> {
    const { cluster } = this;
    await cluster.startAll();
    await cluster.untilLeader();
    for (let client = 0; client < clients; client++) this.#callAgain(`c${client}`);
    for (let passed = 0; passed < faultsMs; ) {
      const pause = randomInteger(this.#random, 50, 700);
      await cluster.clock.run(pause);
      passed += pause;
      await this.#fault();
    }
    cluster.heal();
    for (const id of cluster.ids) if (!cluster.running.has(id)) await this.#restart(id);
    await cluster.untilLeader();
    await cluster.clock.run(1_000);
    this.#calling = false;
    await cluster.clock.run(3_000);
  }

  /** After the healing every node has the same state, in memory and on disk. */
  async checkEnd(): Promise<void> {
    const { cluster } = this;
    const leader = await cluster.untilLeader();
    const outcome = await cluster.propose(leader, { kind: "set", key: "end", value: "1" });
    expect(outcome.kind).toBe("applied");
    await cluster.clock.run(1_500);
    for (const id of cluster.ids) {
      expect(cluster.node(id).status().proposalsPending).toBe(0);
      expect(readRegister(cluster.node(id).view, "end")).toBe("1");
      await cluster.stop(id);
      const storage = cluster.disk(id).open();
      expect(storage.restored.applied).toBe(storage.restored.last.index);
      this.applied.checkDisk(id, storage);
    }
  }

  /** Only a process that died may owe an answer. */
  unanswered(): RegisterOp[] {
    const alive = new Set(this.cluster.running.values());
    return [...this.#open].filter(([, process]) => alive.has(process)).map(([{ op }]) => op);
  }

  /** An applied call is at its index; a refused or lost one is nowhere. */
  checkOutcomes(): void {
    for (const { data, outcome } of this.told) {
      const at = this.applied.indexesOf(data);
      if (outcome.kind === "applied") expect([data, at]).toEqual([data, [outcome.index]]);
      if (outcome.kind === "refused" || outcome.kind === "lost") expect([data, at]).toEqual([data, []]);
    }
  }

  async #restart(id: string): Promise<void> {
    const before = this.cluster.disk(id).open();
    this.applied.checkDisk(id, before);
    await before.close();
    await this.cluster.start(id);
  }

  async #fault(): Promise<void> {
    const { cluster } = this;
    const chance = this.#random();
    const id = cluster.ids[randomInteger(this.#random, 0, cluster.ids.length - 1)] ?? "";
    if (chance < 0.35) {
      if (cluster.running.has(id)) cluster.crash(id);
      else await this.#restart(id);
    } else if (chance < 0.5) {
      const leader = cluster.leader();
      if (leader !== undefined) cluster.crash(leader);
    } else if (chance < 0.65) cluster.isolate(cluster.leader() ?? id);
    else if (chance < 0.75) {
      const other = cluster.ids[randomInteger(this.#random, 0, cluster.ids.length - 1)] ?? "";
      if (other !== id) cluster.cut(id, other, this.#random() < 0.5);
    } else if (chance < 0.8) {
      const leader = cluster.leader();
      if (leader !== undefined && leader !== id)
        cluster
          .node(leader)
          .transfer(id)
          .catch(() => undefined);
    } else {
      cluster.heal();
      for (const down of cluster.ids) if (!cluster.running.has(down)) await this.#restart(down);
    }
  }

  #callAgain(client: string): void {
    this.cluster.clock.after(1 + this.#random() * 40, () => {
      if (this.#calling) this.#call(client);
    });
  }

  #call(client: string): void {
    const { cluster } = this;
    const running = [...cluster.running.keys()];
    const leader = cluster.leader();
    const random = running[randomInteger(this.#random, 0, Math.max(0, running.length - 1))];
    const id = this.#random() < 0.8 ? (leader ?? random) : random;
    if (id === undefined) {
      this.#callAgain(client);
      return;
    }
    const calledAt = cluster.clock.monotonicMs();
    const op = this.#operation();
    const recorded: Recorded = { client, op, calledAt, outcome: { kind: "unknown" } };
    this.history.push(recorded);
    let ended = false;
    const end = (outcome: Recorded["outcome"]) => {
      if (ended) this.endedTwice.push(op);
      ended = true;
      this.#open.delete(recorded);
      recorded.outcome = outcome;
      this.#callAgain(client);
    };
    const returned = (result: RegisterResult): Recorded["outcome"] => ({
      kind: "ok",
      result,
      returnedAt: cluster.clock.monotonicMs(),
    });
    const process = cluster.get(id);
    const { node } = process;
    this.#open.set(recorded, process);
    if (op.kind === "get") {
      node.readBarrier((outcome) =>
        end(outcome.kind === "ready" ? returned(readRegister(node.view, op.key)) : { kind: "failed" }),
      );
    } else {
      // Every call is told apart from every other, also from equal ones.
      const data = Buffer.from(JSON.stringify({ ...op, call: ++this.#calls }));
      node.propose(data, (outcome) => {
        this.told.push({ data: text(data), outcome });
        if (outcome.kind === "applied") end(returned(outcome.result));
        else end({ kind: outcome.kind === "unknown" ? "unknown" : "failed" });
      });
    }
    this.#goOnWithout(process, () => ended, `${client}'`);
  }

  /** Who waits for a process that died is told nothing, and goes on as somebody else. */
  #goOnWithout(process: Running, ended: () => boolean, successor: string): void {
    this.cluster.clock.after(300, () => {
      if (ended()) return;
      if ([...this.cluster.running.values()].includes(process)) this.#goOnWithout(process, ended, successor);
      else this.#callAgain(successor);
    });
  }

  #operation(): RegisterOp {
    const key = keys[randomInteger(this.#random, 0, keys.length - 1)] ?? "a";
    const value = `v${++this.#values}`;
    const kind = randomInteger(this.#random, 0, 9);
    if (kind < 4) return { kind: "get", key };
    if (kind < 7) return { kind: "set", key, value };
    if (kind < 9) {
      const expected = `v${Math.max(1, this.#values - randomInteger(this.#random, 1, 6))}`;
      return { kind: "cas", key, expected, value };
    }
    return { kind: "delete", key };
  }
}

let installed = 0;

describe.each(["loopback", "memory"] as const)(
  "clusters under random crashes and partitions, on %s",
  (network) => {
    it.each(seeds)("answer linearizably and lose nothing, seed %i", async (seed) => {
      const run = new Run(seed, network);
      await run.run();
      expect(run.unanswered()).toEqual([]);
      await run.checkEnd();
      expect(run.cluster.fatal).toEqual([]);
      expect(run.endedTwice).toEqual([]);
      run.checkOutcomes();
      const answered = run.history.filter(({ outcome }) => outcome.kind === "ok");
      // Whatever happened before, the last second without faults alone brings more.
      expect(answered.length).toBeGreaterThan(50);
      expect(checkLinearizable(registerModel, run.history)).toEqual({ ok: true });
      installed += run.cluster.lines.filter(({ message }) =>
        message.includes("took the place of log"),
      ).length;
    });
  },
);

it("these runs have installed snapshots", () => {
  expect(installed).toBeGreaterThan(seeds.length / 2);
});

it("the same seed makes the same run", async () => {
  const traces: string[] = [];
  for (let times = 0; times < 2; times++) {
    const run = new Run(7, "memory");
    await run.run();
    traces.push(JSON.stringify([run.history, run.cluster.lines]));
  }
  expect(traces[1]).toBe(traces[0]);
});
