import type { TraceRecord } from "@quorate/raft/core";
import { checkCounters, checkRegisters } from "../invariants/client-history.js";
import { checkEveryCallEnds } from "../invariants/every-call-ends.js";
import { InvariantViolation } from "../invariants/observation.js";
import { Clients } from "./clients.js";
import { Cluster } from "./cluster.js";
import { FatalEntries } from "./fatal-entries.js";
import { Faults } from "./faults.js";
import { type Knobs, knobsFromSeed } from "./knobs.js";
import type { Node } from "./node.js";
import { Operators } from "./operators.js";
import { second, World } from "./world.js";

export interface SimulationOptions {
  readonly seed: number;
  /** Instead of what the seed says. */
  readonly knobs?: Partial<Knobs>;
  /** Keep the last lines of what happened, for the failure's reader. */
  readonly keepLines?: boolean;
  /** Hears every transition of every core, in order: a trace for `../trace-check`. */
  readonly onTransition?: (record: TraceRecord) => void;
}

export interface Simulation {
  readonly seed: number;
  readonly knobs: Knobs;
  /** Null: every invariant held, and after the faults the cluster came back. */
  readonly failure: Failure | null;
  /** The same seed gives the same hash, or the run depended on something else than its seed. */
  readonly traceHash: string;
  readonly simulatedSeconds: number;
  /** Inputs that the cores took. */
  readonly steps: number;
  readonly calls: number;
  readonly committed: number;
  /** From the end of all faults to a leader that everybody follows; NaN when it never came. */
  readonly recoverySeconds: number;
  readonly faults: readonly (readonly [kind: string, count: number])[];
  readonly lines: readonly string[];
}

export interface Failure {
  /** The invariant's name, or how else it failed. */
  readonly property: string;
  readonly error: Error;
  readonly atSeconds: number;
}

/** A cluster that works again must have a leader after this many of the longest election timeouts. */
const leaderWithinTimeouts = 20;
/** … and have finished everything after this time. */
const settledWithin = 60 * second;

/** Runs one cluster through faults, then without them, and judges it throughout. Never throws for what it finds. */
export function simulate(options: SimulationOptions): Simulation {
  const world = new World(options.seed);
  if (options.keepLines) world.trace.keepLines();
  const knobs = knobsFromSeed(options.seed, options.knobs);
  const cluster = new Cluster(world, knobs, options.onTransition);
  const clients = new Clients(cluster);
  let recovery = Number.NaN;
  let failure: Failure | null = null;
  try {
    cluster.start();
    const faults = new Faults(cluster);
    const fatal = new FatalEntries(cluster, new Operators(cluster));
    while (world.runNext(knobs.safetyPhase));
    faults.heal();
    if (!fatal.settled) tend(cluster, fatal);
    recovery = recover(cluster);
    clients.stop();
    settle(cluster, clients);
    checkRegisters(clients.registers);
    checkCounters(clients.increments, cluster.settledLeader()?.machine?.counters ?? new Map());
  } catch (error) {
    failure = describeFailure(error, world.now);
  }
  return {
    seed: options.seed,
    knobs,
    failure,
    traceHash: world.trace.hash,
    simulatedSeconds: world.now / second,
    steps: cluster.nodes.reduce((sum, node) => sum + node.steps, 0),
    calls: clients.calls,
    committed: cluster.monitor.committed.last,
    recoverySeconds: recovery / second,
    faults: cluster.counts.entries,
    lines: world.trace.lines,
  };
}

function describeFailure(thrown: unknown, now: number): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const property = error instanceof InvariantViolation ? error.property : error.name;
  return { property, error, atSeconds: now / second };
}

function runFor({ world }: Cluster, time: number): void {
  const end = world.now + time;
  while (world.runNext(end));
}

/** Runs until `reached`; throws what `missing` says when it is not within `time`. */
function runUntil(
  cluster: Cluster,
  time: number,
  reached: () => boolean,
  missing: () => InvariantViolation,
): void {
  const { world, knobs } = cluster;
  const end = world.now + time;
  while (!reached()) {
    if (world.now >= end) throw missing();
    runFor(cluster, knobs.tick);
  }
}

/** Operators strike out what holds nodes back, and renew nodes that executed it. */
function tend(cluster: Cluster, fatal: FatalEntries): void {
  runUntil(
    cluster,
    settledWithin,
    () => fatal.settled,
    () =>
      new InvariantViolation(
        "execution goes on after the faults",
        `not within ${settledWithin / second} s\n${cluster.describe()}`,
      ),
  );
}

/** With all faults over, a leader comes within a bounded time, and serves once it has executed what it found. */
function recover(cluster: Cluster): number {
  const { world, knobs } = cluster;
  const started = world.now;
  const election = leaderWithinTimeouts * 2 * knobs.electionTicks * knobs.tick * (1 + knobs.clockDrift);
  const bound = election + unexecuted(cluster) * knobs.apply.max;
  runUntil(
    cluster,
    bound,
    () => cluster.settledLeader() !== null,
    () =>
      new InvariantViolation(
        "a leader after the faults",
        `none within ${bound / second} s\n${cluster.describe()}`,
      ),
  );
  return world.now - started;
}

/** Entries that the slowest disk has before it: whoever owns that one may be elected. */
function unexecuted({ nodes }: Cluster): number {
  const last = Math.max(...nodes.map(({ durable }) => durable.last.index));
  return last - Math.min(...nodes.map(({ durable }) => durable.applied));
}

/** Then calls end, nodes converge, and a fresh write can be read everywhere. */
function settle(cluster: Cluster, clients: Clients): void {
  // A change of the membership may have been under way.
  if (cluster.knobs.membershipEvery > 0 || cluster.knobs.fatalEvery > 0) converge(cluster);
  freshWrite(cluster, clients);
  converge(cluster);
  const members = cluster.membersOf(cluster.newestMembership());
  const digests = new Set(members.map((node) => node.machine?.digest));
  if (digests.size !== 1) {
    throw new InvariantViolation(
      "nodes converge after the faults",
      `equal logs, digests ${[...digests].join(", ")}`,
    );
  }
  // Who was removed hears of nothing any more: it is stopped.
  for (const node of cluster.nodes) if (!members.includes(node)) node.crash();
  snapshotsEnd(cluster);
  // A question or an answer that got lost ends as a refusal, after a while.
  const open = () => cluster.nodes.flatMap((node) => node.openCalls());
  const end = cluster.world.now + settledWithin;
  while (open().length > 0 && cluster.world.now < end) runFor(cluster, cluster.knobs.tick);
  checkEveryCallEnds(open());
}

/** Whoever has everything is not offered a snapshot any more. */
function snapshotsEnd(cluster: Cluster): void {
  const { counts, knobs } = cluster;
  const timeout = knobs.electionTicks * knobs.tick;
  runFor(cluster, 4 * timeout);
  const before = counts.of("event snapshot offer sent");
  runFor(cluster, 4 * timeout);
  const after = counts.of("event snapshot offer sent");
  if (after === before) return;
  throw new InvariantViolation(
    "snapshots end",
    `${after - before} more were offered to nodes that have everything\n${cluster.describe()}`,
  );
}

function converge(cluster: Cluster): void {
  runUntil(
    cluster,
    settledWithin,
    () => cluster.convergedAt() !== null,
    () => new InvariantViolation("nodes converge after the faults", `\n${cluster.describe()}`),
  );
}

/** One write through the leader, then a read of its value on every node. */
function freshWrite(cluster: Cluster, clients: Clients): void {
  let written = "";
  attempt(cluster, "a fresh write succeeds", (leader, done) => {
    written = clients.set("last", leader, "k1", done);
  });
  for (const node of cluster.membersOf(cluster.newestMembership())) {
    let read: string | null | undefined;
    attempt(cluster, "a fresh read succeeds", (_, done) => {
      clients.read("last", node, "k1", (value) => {
        read = value;
        done(value !== undefined);
      });
    });
    if (read !== written) {
      throw new InvariantViolation(
        "a fresh read succeeds",
        `${node.id} reads ${read}, written was ${written}`,
      );
    }
  }
}

/** Calls until it works: what was under way before the healing may still cost a leader its office. */
function attempt(
  cluster: Cluster,
  property: string,
  call: (leader: Node, done: (ok: boolean) => void) => void,
): void {
  const { world, knobs } = cluster;
  const end = world.now + settledWithin;
  const missing = () =>
    new InvariantViolation(property, `not within ${settledWithin / second} s\n${cluster.describe()}`);
  for (;;) {
    runUntil(cluster, end - world.now, () => cluster.settledLeader() !== null, missing);
    const leader = cluster.settledLeader();
    if (!leader) throw missing();
    const ended: boolean[] = [];
    call(leader, (ok) => ended.push(ok));
    runUntil(cluster, end - world.now, () => ended.length > 0, missing);
    if (ended[0]) return;
    runFor(cluster, knobs.tick);
  }
}
