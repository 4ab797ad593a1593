/** What `/metrics` tells Prometheus. Gauges are read when they are asked for, never kept up to date in between. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { SnapshotDone } from "@quorate/raft";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { DigestFindings } from "../cluster/digest-check.js";
import type { StatusReport } from "../cluster/status.js";
import type { Answer } from "../rpc/answer.js";
import { CallDurations, type DurationTally } from "./call-durations.js";

export interface MetricsSource {
  readonly nodeId: string;
  readonly clusterName: string;
  report(): StatusReport;
  /** How often this node learned of another leader. */
  leaderChanges(): number;
  /** Calls that wait for their outcome. */
  callsPending(): number;
  /** What comparing this node's state with the others' has found. */
  digests(): DigestFindings;
  /** This node's clock minus the majority's, milliseconds; null = not known yet. */
  clockAheadMs(): number | null;
}

interface Tally {
  readonly ending: Answer["ending"];
  readonly kind: Answer["kind"];
  /** Shared by the endings of a kind. */
  readonly durations: DurationTally;
  count: number;
}

const nanosecondsPerSecond = 1e9;
const nanosecondsPerMillisecond = 1e6;

export class Metrics {
  readonly #registry = new Registry();
  /** By method. Bounded: endings times the methods that exist; a multicall is of any kind. */
  readonly #calls = new Map<string, Tally[]>();
  readonly #durations: CallDurations;
  readonly #disk: Histogram;
  readonly #multicallItems: Counter;
  readonly #redirects: Counter;
  readonly #refusedConnections: Counter;
  readonly #forwards: Counter<"result">;
  readonly #snapshots: Histogram<"op">;
  /** Of the ticks that Raft needs anyway: a timer of its own would wake up an idle node half as often again. */
  readonly #loopDelay: RecordableHistogram = createHistogram();

  constructor(source: MetricsSource) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ cluster: source.clusterName, node: source.nodeId });
    this.#addCalls(registers);
    this.#durations = new CallDurations(registers);
    this.#disk = new Histogram({
      name: "quorate_log_fsync_duration_seconds",
      help: "How long the synced batches of log entries and state took on this node's disk.",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#multicallItems = new Counter({
      name: "quorate_multicall_items_total",
      help: "Calls inside answered system.multicalls, which quorate_calls_total counts as one call each.",
      registers,
    });
    this.#redirects = new Counter({
      name: "quorate_redirects_total",
      help: "Calls that were sent to the leader by a 307.",
      registers,
    });
    this.#refusedConnections = new Counter({
      name: "quorate_http_connections_refused_total",
      help: "Connections that were closed at once because http.maxConnections were open.",
      registers,
    });
    this.#forwards = new Counter({
      name: "quorate_forwards_total",
      help: "Attempts to have the leader run a call that arrived here, by how they ended.",
      labelNames: ["result"],
      registers,
    });
    this.#snapshots = new Histogram({
      name: "quorate_snapshot_duration_seconds",
      help: "How long snapshots took: read out for another node (send), or received completely (receive).",
      labelNames: ["op"],
      buckets: [0.1, 1, 5, 15, 60, 300, 1800],
      registers,
    });
    this.#addGauges(source, registers);
  }

  /** The type and text of an answer to a scrape. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** @param seconds from the arrival of its document to its answer */
  countCall(answer: Answer, seconds: number): void {
    const tally = this.#tallyOf(answer);
    tally.count++;
    tally.durations.add(seconds);
    if (answer.items !== undefined) this.#multicallItems.inc(answer.items);
  }

  #tallyOf({ ending, kind, method: known }: Answer): Tally {
    const method = known ?? "(unknown)";
    let tallies = this.#calls.get(method);
    if (tallies === undefined) {
      tallies = [];
      this.#calls.set(method, tallies);
    }
    let tally = tallies.find((one) => one.ending === ending && one.kind === kind);
    if (tally === undefined) {
      const durations =
        tallies.find((one) => one.kind === kind)?.durations ?? this.#durations.tally({ method, kind });
      tally = { ending, kind, durations, count: 0 };
      tallies.push(tally);
    }
    return tally;
  }

  /** A timer of Raft came so late. */
  countTick(lateMs: number): void {
    this.#loopDelay.record(Math.max(1, Math.round(lateMs * nanosecondsPerMillisecond)));
  }

  /** A batch is durable. */
  countWrite(seconds: number): void {
    this.#disk.observe(seconds);
  }

  countRedirect(): void {
    this.#redirects.inc();
  }

  countRefusedConnection(): void {
    this.#refusedConnections.inc();
  }

  countForward(result: string): void {
    this.#forwards.inc({ result });
  }

  countSnapshot({ op, seconds }: SnapshotDone): void {
    this.#snapshots.observe({ op }, seconds);
  }

  close(): void {
    this.#registry.clear();
  }

  /** Counted in plain numbers: the labels of a prom-client counter cost more than the rest of the counting. */
  #addCalls(registers: Registry[]): void {
    const calls = this.#calls;
    new Counter({
      name: "quorate_calls_total",
      help: "Answered calls; every unknown or malformed one has the method (unknown).",
      labelNames: ["method", "kind", "outcome"],
      registers,
      collect() {
        this.reset();
        for (const [method, tallies] of calls) {
          for (const { ending, kind, count } of tallies) this.inc({ method, kind, outcome: ending }, count);
        }
      },
    });
  }

  #addGauges(source: MetricsSource, registers: Registry[]): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    const { report } = source;
    gauge("quorate_raft_has_leader", "1 when this node knows a leader.", () =>
      report().leader === null ? 0 : 1,
    );
    gauge("quorate_raft_is_leader", "1 when this node leads and can serve.", () => (report().serves ? 1 : 0));
    gauge("quorate_raft_term", "Election term.", () => report().term);
    gauge("quorate_raft_commit_index", "Last log index known to be committed.", () => report().commitIndex);
    gauge("quorate_raft_applied_index", "Last log index executed here.", () => report().appliedIndex);
    gauge("quorate_log_bytes", "Payload bytes of the log, nearly.", () => report().logBytes);
    gauge(
      "quorate_raft_proposals_pending",
      "Proposals whose outcome is open.",
      () => report().proposalsPending,
    );
    gauge("quorate_calls_pending", "Calls that wait for their outcome.", () => source.callsPending());
    gauge(
      "quorate_failure_tolerance",
      "How many more voters may fail before writes stop (leader's view).",
      () => report().failureTolerance,
    );
    gauge(
      "quorate_event_loop_lag_p99_seconds",
      "99th percentile of how late the event loop came to a timer, since the last scrape.",
      () => {
        const seconds =
          this.#loopDelay.count === 0 ? 0 : this.#loopDelay.percentile(99) / nanosecondsPerSecond;
        this.#loopDelay.reset();
        return seconds;
      },
    );
    new Gauge({
      name: "quorate_raft_follower_lag_entries",
      help: "Log entries that a follower lacks (leader only).",
      labelNames: ["peer"],
      registers,
      collect() {
        // A member that was removed must not stay in the list.
        this.reset();
        for (const { id, lag } of report().followers) this.set({ peer: id }, lag);
      },
    });
    gauge(
      "quorate_digest_equal_index",
      "Last log index after which this node's state was found equal to other nodes'; 0 = not compared yet.",
      () => source.digests().equalIndex,
    );
    gauge(
      "quorate_digest_compared_timestamp_seconds",
      "When this node's state was last compared with another node's; 0 = not yet.",
      () => (source.digests().comparedAtMs ?? 0) / 1_000,
    );
    gauge(
      "quorate_clock_offset_seconds",
      "How far this node's clock is ahead of the majority's (negative: behind), as last found; 0 = not known yet.",
      () => (source.clockAheadMs() ?? 0) / 1_000,
    );
    const total = (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    total(
      "quorate_digest_mismatch_total",
      "Comparisons that found nodes with different states: one of them is wrong.",
      () => source.digests().mismatches,
    );
    total(
      "quorate_raft_leader_changes_total",
      "How often this node learned of another leader since it started.",
      () => source.leaderChanges(),
    );
  }
}
