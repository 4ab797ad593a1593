/** One run: a cluster, its clients, fault after fault, and the verdict. */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createRandom } from "@quorate/raft/core";
import { Cluster, patienceMs, until } from "../cluster/cluster.js";
import { runWorkload } from "../cluster/workload.js";
import { counterKey, counterViolation, countUp, type Increment } from "./counter.js";
import type { Fault, Stage } from "./fault.js";
import { readFinalState, statusOf } from "./final-state.js";
import { descriptorsMax } from "./machine-faults.js";
import { Network } from "./network.js";
import { Phases, rowsOf, secondsWithWrites } from "./phases.js";
import { Probes } from "./probes.js";
import type { Report } from "./report.js";
import { type PlannedFault, schedule } from "./schedule.js";
import { NodeSurroundings } from "./surroundings.js";
import { WindowedHistory } from "./windowed-history.js";

export interface RunOptions {
  readonly folder: string;
  readonly seconds: number;
  readonly nodes: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Each fault once, however long that takes; else as many as the time allows. */
  readonly once: boolean;
  /** Asked between faults. */
  readonly interrupted: () => boolean;
  readonly progress: (text: string) => void;
}

/** Each stays with its node: while one node hangs, the clients of the others go on. */
const clientsPerNode = 3;
const counters = 2;
/** Between two calls of one client: the clients and all nodes share this machine. */
const thinkMs = 20;
/** Some of the clients of each node are forwarded when it does not lead, the others are redirected. */
const userAgents = ["Python-xmlrpc/3.11", "curl/8.5.0"];

export async function runChaos(options: RunOptions): Promise<Report> {
  const network = await Network.create(options.nodes);
  const surroundings = await NodeSurroundings.create(options.folder, network.ids);
  await using cluster = await Cluster.start({
    nodes: options.nodes,
    folder: options.folder,
    addresses: network.addresses(),
    settings: { insecure: true },
    wrapper: (id) => [
      ...["prlimit", `--nofile=${descriptorsMax}:${descriptorsMax}`, "--"],
      ...network.inside(id),
      ...surroundings.inside(id),
    ],
  });
  return await new Run(options, cluster, network, surroundings).toEnd();
}

class Run {
  readonly #phases = new Phases();
  readonly #history = new WindowedHistory();
  readonly #increments: Increment[] = [];
  readonly #violations: string[] = [];
  readonly #probes: Probes;
  readonly #calls: NodeJS.WritableStream;
  readonly #startedAt = performance.now();
  #stopped = false;

  constructor(
    readonly options: RunOptions,
    readonly cluster: Cluster,
    readonly network: Network,
    readonly surroundings: NodeSurroundings,
  ) {
    // Only read when the run was wrong.
    this.#calls = createWriteStream(join(options.folder, "calls.ndjson"));
    this.#probes = new Probes(cluster.nodes, (kind) => this.#phases.ended(kind));
  }

  async toEnd(): Promise<Report> {
    const work = this.#work();
    try {
      await this.#faultAfterFault(work);
    } catch (error) {
      this.#violations.push(error instanceof Error ? error.message : String(error));
    }
    this.#phases.begin(null);
    this.#stopped = true;
    const endedAt = performance.now();
    await this.#conclude("the calls", () => work);
    await this.#conclude("the probes", () => this.#probes.stop());
    await this.#conclude("the nodes", () => this.#checkFinalState());
    await this.#conclude("the record of calls", () => this.#closeRecord());
    return this.#report(endedAt);
  }

  /** Clients of two kinds; ends when the run has stopped, or with what no node may answer. */
  async #work(): Promise<void> {
    const urls = this.cluster.nodes.map((node) => node.url);
    const random = createRandom(this.options.seed + 1);
    const next = async () => {
      await new Promise((resolve) => setTimeout(resolve, thinkMs));
      return !this.#stopped;
    };
    await Promise.all([
      runWorkload({
        clients: clientsPerNode * urls.length,
        url: (client) => urls[client % urls.length] ?? "",
        random,
        next,
        key: () => this.#history.begin(random),
        ask: (client) => ({
          userAgent: userAgents[Math.floor(client / urls.length) % 2] ?? "",
          follow: true,
        }),
        onCall: (operation) => {
          this.#calls.write(`${JSON.stringify(operation)}\n`);
          this.#phases.ended(operation.outcome.kind);
          this.#history.end(operation);
        },
      }),
      ...Array.from({ length: counters }, () => countUp(urls, this.#increments, next)),
    ]);
  }

  async #faultAfterFault(work: Promise<void>): Promise<void> {
    const { seconds, seed, faults, once, interrupted } = this.options;
    const endAt = this.#startedAt + seconds * 1000;
    await this.#normal(this.#startedAt);
    let struck = 0;
    for (const planned of schedule(faults, seconds, seed)) {
      await Promise.race([work, pause(planned.calmMs)]);
      const over = once ? struck === faults.length : performance.now() + planned.lastsMs > endAt;
      if (over || interrupted()) return;
      await this.#strike(planned);
      struck++;
      if (this.#history.violations.length > 0) return;
    }
  }

  async #strike({ fault, lastsMs, random }: PlannedFault): Promise<void> {
    const { cluster, network, surroundings } = this;
    const stage: Stage = { cluster, network, surroundings, random };
    const before = await this.#term();
    const phase = this.#phases.begin(fault.name);
    this.#progress(fault.name);
    const heal = await fault.strike(stage);
    await pause(lastsMs);
    const healedAt = performance.now();
    await heal();
    this.#progress(`after ${fault.name}`);
    await this.#normal(healedAt).catch((error: unknown) => {
      throw new Error(`after ${fault.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    phase.recoveryMs = performance.now() - healedAt;
    phase.terms = (await this.#term()) - before;
    this.#phases.begin(null);
    this.#progress("no fault");
  }

  /** Every node runs, is ready, and acknowledged a write that was sent after `moment`. */
  async #normal(moment: number): Promise<void> {
    await this.cluster.ready();
    await until("every node to acknowledge a write", async () =>
      this.#probes.everyNodeSince(moment) ? true : undefined,
    );
  }

  async #term(): Promise<number> {
    return (await statusOf(await this.cluster.leader())).term;
  }

  async #checkFinalState(): Promise<void> {
    this.#history.finish();
    for (const { reason } of this.#history.violations) this.#violations.push(`not linearizable: ${reason}`);
    const acknowledged = this.#probes.acknowledged;
    const { digests, lost, counter } = await readFinalState(this.cluster, acknowledged, counterKey);
    for (const [id, keys] of Object.entries(lost)) {
      if (keys.length > 0)
        this.#violations.push(`${id} lost acknowledged writes: ${keys.slice(0, 5).join(", ")}`);
    }
    if (new Set(Object.values(digests)).size > 1)
      this.#violations.push(`the nodes hold different data: ${JSON.stringify(digests)}`);
    const miscounted = counterViolation(this.#increments, counter);
    if (miscounted !== null) this.#violations.push(miscounted);
  }

  #closeRecord(): Promise<void> {
    for (const increment of this.#increments) this.#calls.write(`${JSON.stringify({ increment })}\n`);
    return new Promise((resolve) => this.#calls.end(resolve));
  }

  /** Whatever went wrong before, the rest is looked at too. */
  async #conclude(what: string, check: () => Promise<void>): Promise<void> {
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      patience = setTimeout(() => reject(new Error(`no end of ${what}`)), 4 * patienceMs);
    });
    try {
      await Promise.race([check(), late]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!this.#violations.includes(why)) this.#violations.push(why);
    } finally {
      clearTimeout(patience);
    }
  }

  #report(endedAt: number): Report {
    const { acknowledgedAt, acknowledged } = this.#probes;
    const [withWrites, seconds] = secondsWithWrites(acknowledgedAt, this.#startedAt, endedAt);
    return {
      seed: this.options.seed,
      nodes: this.options.nodes,
      seconds: Math.round((endedAt - this.#startedAt) / 1000),
      rows: rowsOf(this.#phases.all, acknowledgedAt),
      calls: this.#history.calls + this.#increments.length,
      windows: this.#history.windows,
      acknowledgedWrites: acknowledged.size,
      secondsWithWrites: withWrites,
      secondsProbed: seconds,
      violations: this.#violations,
    };
  }

  #progress(doing: string): void {
    const elapsed = ((performance.now() - this.#startedAt) / 1000).toFixed(0);
    const { calls } = this.#history;
    this.options.progress(`${elapsed}/${this.options.seconds} s, ${calls} calls: ${doing}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
