/** Situations that chance seldom brings about as purely as one can by hand. */
import { describe, expect, it } from "vitest";
import { Scenario } from "./scenario.js";
import { millisecond } from "./world.js";

const longestElectionTimeout = 2 * 10 * 0.01;

function links(nodes: number): readonly (readonly [from: number, to: number])[] {
  const positions = Array.from({ length: nodes }, (_, i) => i);
  return positions.flatMap((from) => positions.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Some majority of which everybody hears everybody. */
function hasConnectedMajority(nodes: number, isCut: (from: number, to: number) => boolean): boolean {
  const majority = Math.floor(nodes / 2) + 1;
  for (let set = 0; set < 2 ** nodes; set++) {
    const members = Array.from({ length: nodes }, (_, i) => i).filter((i) => set & (1 << i));
    if (members.length < majority) continue;
    if (members.every((a) => members.every((b) => a === b || !isCut(a, b)))) return true;
  }
  return false;
}

/** Whether a leader serves, keeps its office and commits, with these links cut for good. */
function isStable(scenario: Scenario, cut: readonly (readonly [number, number])[]): boolean {
  scenario.run(1);
  for (const [from, to] of cut) scenario.cluster.network.cut(scenario.node(from).id, scenario.node(to).id);
  scenario.run(3);
  const { leader, committed } = scenario;
  const term = leader?.status()?.term;
  scenario.run(2);
  return (
    leader !== null &&
    scenario.leader === leader &&
    leader.status()?.term === term &&
    scenario.committed > committed
  );
}

describe("links that fail in some directions only", () => {
  const all = links(3);

  for (let mask = 0; mask < 2 ** all.length; mask++) {
    const cut = all.filter((_, i) => mask & (1 << i));
    const names = cut.map(([from, to]) => `n${from + 1}→n${to + 1}`).join(" ");
    const expected = hasConnectedMajority(3, (from, to) => cut.some(([a, b]) => a === from && b === to));
    if (!expected) continue;
    it(`leave 3 nodes a stable leader: cut ${names || "nothing"}`, () => {
      for (const seed of [1, 2]) expect(isStable(new Scenario({ seed }), cut), `seed ${seed}`).toBe(true);
    });
  }

  it("leave no leader when every link is cut", () => {
    expect(isStable(new Scenario({ seed: 1 }), all)).toBe(false);
  });

  it("leave 5 nodes a stable leader, wherever a majority is connected", () => {
    let tried = 0;
    for (let seed = 1; tried < 40; seed++) {
      const scenario = new Scenario({ seed, knobs: { nodes: 5 } });
      const cut = links(5).filter(() => scenario.world.chance(0.3));
      if (!hasConnectedMajority(5, (from, to) => cut.some(([a, b]) => a === from && b === to))) continue;
      tried++;
      const names = cut.map(([from, to]) => `n${from + 1}→n${to + 1}`).join(" ");
      expect(isStable(scenario, cut), `seed ${seed}, cut ${names}`).toBe(true);
    }
  });
});

describe("fail-over", () => {
  it("takes no more than a few election timeouts when the leader falls silent", () => {
    const times: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const scenario = new Scenario({ seed, knobs: { peerLostShare: 0 } });
      scenario.run(1);
      const old = scenario.leader;
      expect(old).not.toBeNull();
      old?.pause();
      const time = scenario.runUntil(5, () => scenario.leader !== null && scenario.leader !== old);
      expect(time, `seed ${seed}`).not.toBeNull();
      times.push(time ?? Number.POSITIVE_INFINITY);
    }
    times.sort((a, b) => a - b);
    expect(times[20]).toBeLessThan(1.5 * longestElectionTimeout);
    expect(times.at(-1)).toBeLessThan(4 * longestElectionTimeout);
  });

  it("is faster than the election timeout when the closed connection gives the crash away", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const scenario = new Scenario({
        seed,
        knobs: { downTime: { min: 5_000 * millisecond, max: 5_000 * millisecond } },
      });
      scenario.run(1);
      const old = scenario.leader;
      if (!old) throw new Error("a calm cluster has a leader after a second");
      scenario.cluster.crashed(old, "crash");
      const time = scenario.runUntil(5, () => scenario.leader !== null);
      // Up to 50 ms until the loss is noticed, up to 50 ms of random wait, a vote that may split once.
      expect(time, `seed ${seed}`).toBeLessThan(1.5 * longestElectionTimeout);
    }
  });

  it("does not happen when a follower falsely believes its leader lost", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const scenario = new Scenario({ seed });
      scenario.run(1);
      const { leader } = scenario;
      const follower = scenario.cluster.nodes.find((node) => node !== leader);
      if (leader) follower?.input({ type: "peerLost", peer: leader.id });
      scenario.run(1);
      expect(scenario.leader, `seed ${seed}`).toBe(leader);
    }
  });
});

describe("a cut-off leader", () => {
  it("stops leading within two election timeouts, and nothing it took meanwhile hangs", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const scenario = new Scenario({ seed });
      scenario.run(1);
      const { leader } = scenario;
      if (!leader) throw new Error("a calm cluster has a leader after a second");
      for (const node of scenario.cluster.nodes) {
        scenario.cluster.network.cut(node.id, leader.id);
        scenario.cluster.network.cut(leader.id, node.id);
      }
      scenario.run(2 * longestElectionTimeout);
      expect(leader.status()?.role, `seed ${seed}`).not.toBe("leader");
      scenario.cluster.network.heal();
      for (const node of scenario.cluster.nodes)
        if (node !== leader) scenario.cluster.reconnect(node, leader);
      scenario.clients.stop();
      const quiet = () => scenario.cluster.nodes.every((node) => node.openCalls().length === 0);
      expect(scenario.runUntil(3, quiet), `seed ${seed}`).not.toBeNull();
    }
  });
});

describe("a log that is cut short", () => {
  it("stays below 2000 bytes on every node, whatever gets lost and whoever crashes, and nobody is left behind", () => {
    let installed = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const scenario = new Scenario({
        seed,
        knobs: {
          streams: false,
          lossRate: 0.1,
          peerResetShare: 0,
          compactEntriesMin: 1,
          trailingEntries: 3,
          trailingBytes: 500,
          maxHeldBytes: 500,
          idleFlush: millisecond,
          downTime: { min: 200 * millisecond, max: 400 * millisecond },
        },
      });
      let largest = 0;
      for (let round = 0; round < 12; round++) {
        scenario.cluster.crashed(scenario.node(round % 3), "crash");
        for (let slice = 0; slice < 50; slice++) {
          scenario.run(0.01);
          for (const node of scenario.cluster.nodes)
            largest = Math.max(largest, node.status()?.logBytes ?? 0);
        }
      }
      expect(largest, `seed ${seed}`).toBeLessThan(2000);
      const { committed } = scenario;
      expect(committed, `seed ${seed}`).toBeGreaterThan(50);
      const caughtUp = () =>
        scenario.cluster.nodes.every((node) => (node.status()?.applied ?? 0) >= committed);
      expect(scenario.runUntil(5, caughtUp), `seed ${seed}`).not.toBeNull();
      installed +=
        scenario.cluster.counts.entries.find(([kind]) => kind === "event snapshotInstalled")?.[1] ?? 0;
    }
    expect(installed).toBeGreaterThan(10);
  });
});
