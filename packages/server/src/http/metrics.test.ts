import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StatusReport } from "../cluster/status.js";
import type { Answer } from "../rpc/answer.js";
import { Metrics } from "./metrics.js";

const follower: StatusReport = {
  node: "n1",
  cluster: "test",
  clusterId: "c1",
  service: "kv",
  serviceVersion: "ab",
  role: "follower",
  term: 5,
  leader: "n2",
  leaderUrl: "http://n2:8000",
  serves: false,
  born: true,
  missing: [],
  rebuilding: [],
  connected: ["n2"],
  refusals: [],
  removed: false,
  failureTolerance: 1,
  commitIndex: 120,
  appliedIndex: 119,
  firstIndex: 1,
  lastIndex: 121,
  logBytes: 4096,
  snapshotFrom: null,
  proposalsPending: 6,
  heldBefore: null,
  whyHeld: null,
  followers: [],
};

const answer: Answer = {
  body: new Uint8Array(),
  ending: "value",
  method: "kv.set",
  kind: "command",
  index: 1,
  leaderUrl: null,
};

let report: StatusReport;
let clockAheadMs: number | null;
let metrics: Metrics;
beforeEach(() => {
  report = follower;
  clockAheadMs = -1_500;
  metrics = new Metrics({
    nodeId: "n1",
    clusterName: "test",
    report: () => report,
    leaderChanges: () => 4,
    callsPending: () => 7,
    digests: () => ({ comparedAtMs: 1_700_000_000_500, equalIndex: 118, equalWith: ["n2"], mismatches: 3 }),
    clockAheadMs: () => clockAheadMs,
  });
});
afterEach(() => metrics.close());

const scrape = async () => (await metrics.scrape()).text;

describe("metrics", () => {
  it("count calls under the names of methods that exist, and all others under one", async () => {
    metrics.countCall(answer, 0.004);
    metrics.countCall(answer, 0.004);
    metrics.countCall({ ...answer, ending: "unknown" }, 10);
    for (let n = 0; n < 3; n++)
      metrics.countCall({ ...answer, method: null, kind: "local", ending: "fault" }, 0);
    const text = await scrape();
    expect(text).toContain(
      'quorate_calls_total{method="kv.set",kind="command",outcome="value",cluster="test",node="n1"} 2',
    );
    expect(text).toMatch(/quorate_calls_total\{method="kv.set",kind="command",outcome="unknown",[^}]*\} 1/);
    expect(text).toMatch(/quorate_calls_total\{method="\(unknown\)",kind="local",outcome="fault",[^}]*\} 3/);
  });

  it("tell how long calls took, by method and kind, whatever their endings", async () => {
    for (const seconds of [0.0004, 0.001, 0.004, 0.004, 11]) metrics.countCall(answer, seconds);
    metrics.countCall({ ...answer, ending: "unknown" }, 10);
    metrics.countCall({ ...answer, method: "kv.get", kind: "query" }, 0.3);
    const text = await scrape();
    expect(text).toContain("# TYPE quorate_call_duration_seconds histogram\n");
    const told = (suffix: string) =>
      [...text.matchAll(/^quorate_call_duration_seconds_(\w+)\{(.*?)cluster="test",node="n1"\} (\S+)$/gm)]
        .filter(([, name]) => name === suffix)
        .map(([, , labels, count]) => [labels, Number(count)] as const);
    const written = 'method="kv.set",kind="command",';
    const buckets = told("bucket").filter(([labels]) => labels?.endsWith(written));
    expect(buckets.map(([labels, count]) => [/le="([^"]*)"/.exec(labels ?? "")?.[1], count])).toEqual([
      ...[
        ["0.0005", 1],
        ["0.001", 2],
        ["0.0025", 2],
      ],
      ...["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5"].map((le) => [le, 4]),
      ...[
        ["10", 5],
        ["+Inf", 6],
      ],
    ]);
    const read = 'method="kv.get",kind="query",';
    expect(told("count")).toEqual([
      [written, 6],
      [read, 1],
    ]);
    expect(told("sum")).toEqual([
      [written, expect.closeTo(21.0094)],
      [read, 0.3],
    ]);
  });

  it("tell how long the disk took", async () => {
    metrics.countWrite(0.002);
    metrics.countWrite(0.2);
    const text = await scrape();
    expect(text).toMatch(/quorate_log_fsync_duration_seconds_bucket\{le="0\.0025",[^}]*\} 1/);
    expect(text).toMatch(/quorate_log_fsync_duration_seconds_count\{[^}]*\} 2/);
  });

  it("count a multicall as one call of its kind, and the calls in it by themselves", async () => {
    const multicall: Answer = { ...answer, method: "system.multicall", items: 3 };
    metrics.countCall(multicall, 0.1);
    metrics.countCall({ ...multicall, kind: "query", items: 0 }, 0.1);
    metrics.countCall({ ...multicall, kind: "query", items: 20 }, 0.1);
    const text = await scrape();
    expect(text).toMatch(
      /quorate_calls_total\{method="system\.multicall",kind="command",outcome="value",[^}]*\} 1/,
    );
    expect(text).toMatch(
      /quorate_calls_total\{method="system\.multicall",kind="query",outcome="value",[^}]*\} 2/,
    );
    expect(text).toMatch(/quorate_multicall_items_total\{[^}]*\} 23/);
  });

  it("count redirects, forwards and connections beyond the limit", async () => {
    metrics.countRedirect();
    metrics.countRefusedConnection();
    metrics.countForward("result");
    metrics.countForward("unsent");
    const text = await scrape();
    expect(text).toMatch(/quorate_redirects_total\{[^}]*\} 1/);
    expect(text).toMatch(/quorate_http_connections_refused_total\{[^}]*\} 1/);
    expect(text).toMatch(/quorate_forwards_total\{result="result",[^}]*\} 1/);
    expect(text).toMatch(/quorate_forwards_total\{result="unsent",[^}]*\} 1/);
  });

  it.each([
    ["quorate_raft_has_leader", 1],
    ["quorate_raft_is_leader", 0],
    ["quorate_raft_term", 5],
    ["quorate_raft_commit_index", 120],
    ["quorate_raft_applied_index", 119],
    ["quorate_raft_proposals_pending", 6],
    ["quorate_raft_leader_changes_total", 4],
    ["quorate_calls_pending", 7],
    ["quorate_failure_tolerance", 1],
    ["quorate_digest_equal_index", 118],
    ["quorate_digest_compared_timestamp_seconds", 1_700_000_000.5],
    ["quorate_digest_mismatch_total", 3],
    ["quorate_clock_offset_seconds", -1.5],
  ])("%s is %d, each time it is asked", async (name, value) => {
    const line = new RegExp(`^${name}\\{cluster="test",node="n1"\\} ${value}$`, "m");
    expect(await scrape()).toMatch(line);
    expect(await scrape()).toMatch(line);
  });

  it("follow what the node knows at the time of the scrape", async () => {
    const lagging = { id: "n3", match: 100, lag: 21, state: "replicate", active: true };
    report = { ...follower, role: "leader", leader: "n1", serves: true, followers: [lagging] };
    const text = await scrape();
    expect(text).toMatch(/quorate_raft_is_leader\{[^}]*\} 1/);
    expect(text).toMatch(/quorate_raft_follower_lag_entries\{peer="n3",[^}]*\} 21/);
    report = { ...follower, leader: null };
    clockAheadMs = null;
    const later = await scrape();
    expect(later).toMatch(/quorate_clock_offset_seconds\{[^}]*\} 0/);
    expect(later).toMatch(/quorate_raft_has_leader\{[^}]*\} 0/);
    expect(later).not.toContain('peer="n3"');
  });

  it("tell the lag of the event loop in seconds, since the last scrape", async () => {
    const lag = async () =>
      Number(/quorate_event_loop_lag_p99_seconds\{[^}]*\} ([\d.e-]+)/.exec(await scrape())?.[1]);
    expect(await lag()).toBe(0);
    for (let tick = 0; tick < 97; tick++) metrics.countTick(0);
    for (let tick = 0; tick < 3; tick++) metrics.countTick(250);
    const busy = await lag();
    expect(busy).toBeGreaterThan(0.24);
    expect(busy).toBeLessThan(0.26);
    expect(await lag()).toBe(0);
  });
});
