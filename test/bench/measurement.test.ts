/** What several runs say together. */
import { expect, test } from "vitest";
import {
  combined,
  inTurn,
  type Measurement,
  median,
  type Pace,
  ratioWithinRounds,
  type Target,
} from "./measurement.js";
import { parseOptions } from "./options.js";
import { measuredTable } from "./report.js";
import { echoName } from "./servers.js";

const run = (perSecond: number, ms: number, more: Partial<Measurement> = {}): Measurement => ({
  perSecond,
  latency: { count: 10, meanMs: ms, p50Ms: ms, p90Ms: ms, p99Ms: ms, p999Ms: ms, maxMs: ms },
  failed: 0,
  unsent: 0,
  latenessP50Ms: null,
  leaderMoved: 0,
  processes: {},
  ...more,
});

test("medians of odd and even counts", () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([9, 1, 2, 4])).toBe(3);
  expect(median([7])).toBe(7);
});

test("runs are combined by the median of each figure; what went wrong adds up, the worst stays", () => {
  const cost = (cpuUsPerCall: number, start: number, end: number, max: number) => ({
    leader: { cpuUsPerCall, rssStartMiB: start, rssEndMiB: end, rssMaxMiB: max },
  });
  const all = combined([
    run(100, 1, { failed: 1, processes: cost(50, 80, 90, 95) }),
    run(300, 9, { failed: 2, processes: cost(10, 90, 100, 130) }),
    run(200, 4, { unsent: 3, latency: null, processes: cost(20, 100, 110, 111) }),
  ]);
  expect(all).toMatchObject({ perSecond: 200, failed: 3, unsent: 3 });
  expect(all.latency).toMatchObject({ count: 20, p99Ms: 5, maxMs: 9 });
  expect(all.processes).toStrictEqual(cost(20, 80, 110, 130));
});

test("targets take turns, round after round, there and back", async () => {
  const order: string[] = [];
  const target = (name: string): Target => ({
    name,
    measure: async () => {
      order.push(name);
      return run(1, 1);
    },
  });
  const pace: Pace = {
    connections: 1,
    perSecond: null,
    warmUpMs: 0,
    measureMs: 1,
    signal: new AbortController().signal,
  };
  await inTurn([target("a"), target("b")], 3, pace, () => undefined);
  expect(order.join("")).toBe("abbaab");
});

test("ratios to the floor and to etcd stand beside the figures", () => {
  const measured = new Map([
    [echoName, combined([run(1000, 1)])],
    ["kv.set", combined([run(300, 2)])],
    ["etcd put", combined([run(200, 3, { leaderMoved: 2 })])],
  ]);
  const table = measuredTable(
    [{ name: echoName }, { name: "kv.set", likeEtcd: "etcd put" }, { name: "etcd put" }, { name: "absent" }],
    measured,
  );
  expect(table).toMatch(/^kv\.set +300 +0\.30 +1\.50 +2\.00 /m);
  expect(table).not.toContain("absent");
  expect(table).toMatch(/\nanother node led at the end of 2 of the runs: etcd put \(2\)$/);
});

test("targets are compared within each round: a machine that slows down does so for both", () => {
  const ours = combined([run(300, 1), run(100, 1), run(80, 1)]);
  const theirs = combined([run(200, 1), run(50, 1), run(50, 1)]);
  expect(ours.perSecond / theirs.perSecond).toBe(2);
  expect(ratioWithinRounds(ours, theirs, (one) => one.perSecond)).toBe(1.6);
  expect(ratioWithinRounds(ours, combined([]), (one) => one.perSecond)).toBeNaN();
});

test("targets are chosen by parts of their names", () => {
  expect(parseOptions([]).targets).toStrictEqual([]);
  expect(parseOptions(["--targets", "kv.get,range"]).targets).toStrictEqual(["kv.get", "range"]);
});

test.each([
  [["--only", "speed"], "--only: expected some of closed,open,disk,cold,catchup,failover, got speed"],
  [["--seconds", "soon"], '--seconds: expected a number from 0.1 to 3600, got "soon"'],
  [["--rounds", "1.5"], "--rounds: expected a whole number, got 1.5"],
  [["--connections", "64,"], '--connections: expected a number from 1 to 1000, got ""'],
  [["--delays", "0"], '--delays: expected a number from 1 to 1000, got "0"'],
])("%j is refused", (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
