/** Whole nodes whose logs are cut short: snapshots as the driver moves them. */
import { describe, expect, it } from "vitest";
import { readRegister } from "./register-machine.js";
import { TestCluster } from "./test-cluster.js";

async function behind(partBytes: number) {
  const cluster = new TestCluster({
    size: 3,
    seed: 5,
    network: "memory",
    trailingEntries: 2,
    snapshotPartBytes: partBytes,
  });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  const away = cluster.ids.find((id) => id !== leader) ?? "";
  return { cluster, leader, away };
}

async function write(cluster: TestCluster, leader: string, count: number, prefix = "k"): Promise<void> {
  for (let i = 0; i < count; i++) {
    const outcome = await cluster.propose(leader, { kind: "set", key: `${prefix}${i}`, value: `${i}` });
    expect(outcome.kind).toBe("applied");
  }
  // Idle effects reach the disk, and the log can be cut.
  await cluster.clock.run(1_000);
}

const said = (cluster: TestCluster, id: string, text: string) =>
  cluster.lines.filter((line) => line.id === id && line.message.includes(text)).length;

async function untilCaughtUp(cluster: TestCluster, id: string, leader: string): Promise<void> {
  const caughtUp = () => cluster.node(id).status().applied >= cluster.node(leader).status().applied;
  await cluster.clock.until(`${id} has caught up`, caughtUp);
}

describe("a node whose entries are gone", () => {
  it("gets a snapshot in parts, and the log from there on; writes go on meanwhile", async () => {
    const { cluster, leader, away } = await behind(50);
    cluster.crash(away);
    await write(cluster, leader, 40);
    expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(20);
    await cluster.start(away);
    await cluster.clock.until("it fetches", () => cluster.node(away).status().snapshotFrom === leader);
    await write(cluster, leader, 5, "meanwhile");
    await untilCaughtUp(cluster, away, leader);
    for (let i = 0; i < 40; i++) expect(readRegister(cluster.node(away).view, `k${i}`)).toBe(`${i}`);
    expect(readRegister(cluster.node(away).view, "meanwhile4")).toBe("4");
    expect(cluster.node(away).status().snapshotFrom).toBeNull();
    expect(said(cluster, away, "took the place of log and state")).toBe(1);
    expect(cluster.fatal).toEqual([]);
  });

  it("goes on where it was after each crash, and after each broken connection", async () => {
    const { cluster, leader, away } = await behind(1);
    cluster.crash(away);
    await write(cluster, leader, 60);
    const received = () => Buffer.from(cluster.get(away).storage.incoming?.cursor.key ?? []);
    const anotherPart = async () => {
      const before = received();
      await cluster.clock.until("another part", () => Buffer.compare(received(), before) > 0);
    };
    for (let crashes = 0; crashes < 3; crashes++) {
      await cluster.start(away);
      await anotherPart();
      cluster.cut(away, leader);
      await cluster.clock.run(400);
      cluster.heal();
      await anotherPart();
      cluster.crash(away);
    }
    await cluster.start(away);
    await untilCaughtUp(cluster, away, leader);
    expect(said(cluster, away, "going on where it broke off")).toBeGreaterThanOrEqual(2);
    expect(said(cluster, away, "took the place of log and state")).toBe(1);
    expect(readRegister(cluster.node(away).view, "k59")).toBe("59");
    expect(cluster.fatal).toEqual([]);
  });

  it("gets another one from the next leader when the first dies on the way", async () => {
    const { cluster, leader, away } = await behind(30);
    cluster.crash(away);
    await write(cluster, leader, 60);
    await cluster.start(away);
    await cluster.clock.until("it fetches", () => cluster.get(away).storage.incoming !== null);
    cluster.crash(leader);
    const next = await cluster.untilLeader(cluster.ids.filter((id) => id !== leader && id !== away));
    await untilCaughtUp(cluster, away, next);
    expect(readRegister(cluster.node(away).view, "k59")).toBe("59");
    expect(cluster.fatal).toEqual([]);
  });

  it("is let go when it asks for nothing any more, and gets a new one when it comes back", async () => {
    const { cluster, leader, away } = await behind(1);
    cluster.crash(away);
    await write(cluster, leader, 40);
    await cluster.start(away);
    await cluster.clock.until("it fetches", () => cluster.get(away).storage.incoming !== null);
    cluster.crash(away);
    await cluster.clock.run(70_000);
    expect(said(cluster, leader, `for ${away} is closed`)).toBe(1);
    await write(cluster, leader, 20, "later");
    const { firstIndex } = cluster.node(leader).status();
    await cluster.start(away);
    await untilCaughtUp(cluster, away, leader);
    expect(said(cluster, leader, `is ready for ${away}`)).toBe(2);
    expect(cluster.node(away).status().firstIndex).toBeGreaterThan(firstIndex - 5);
    expect(readRegister(cluster.node(away).view, "later19")).toBe("19");
  });

  it("is sent no more than 32 MiB a second", async () => {
    const { cluster, leader, away } = await behind(1 << 20);
    cluster.crash(away);
    const value = "x".repeat(1 << 20);
    for (let i = 0; i < 16; i++) await cluster.propose(leader, { kind: "set", key: `large${i}`, value });
    await cluster.clock.run(1_000);
    await cluster.start(away);
    await cluster.clock.until("it fetches", () => cluster.node(away).status().snapshotFrom === leader);
    const begun = cluster.clock.monotonicMs();
    await untilCaughtUp(cluster, away, leader);
    // All parts but the last are paid for before it comes.
    expect(cluster.clock.monotonicMs() - begun).toBeGreaterThan((15 / 32) * 1000);
  });

  it("ends what it had proposed there as unknown: nobody can see what became of it", async () => {
    const { cluster, leader } = await behind(1_000);
    cluster.isolate(leader);
    const open = cluster.begin(leader, { kind: "set", key: "mine", value: "?" });
    const next = await cluster.untilLeader(cluster.ids.filter((id) => id !== leader));
    await write(cluster, next, 20);
    cluster.heal();
    await untilCaughtUp(cluster, leader, next);
    expect(said(cluster, leader, "took the place of log and state")).toBe(1);
    expect(open).toEqual({ outcome: { kind: "unknown" }, times: 1 });
    expect(readRegister(cluster.node(leader).view, "mine")).not.toBe("?");
  });
});

it("a member that stays away does not keep the log from being cut", async () => {
  const { cluster, leader, away } = await behind(1_000);
  cluster.crash(away);
  await write(cluster, leader, 30);
  const { firstIndex, lastIndex } = cluster.node(leader).status();
  expect(lastIndex - firstIndex).toBeLessThan(6);
});
