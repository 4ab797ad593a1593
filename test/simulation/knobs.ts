import { createRandom, type PlantedBug } from "@quorate/raft/core";
import { millisecond } from "./world.js";

/** A range that a duration (in microseconds) is drawn from. */
export interface Span {
  readonly min: number;
  readonly max: number;
}

/** Everything about a run that its seed decides beforehand. Durations in microseconds, `…Every` are means; 0 = never. */
export interface Knobs {
  readonly nodes: number;
  /** How long faults go on. */
  readonly safetyPhase: number;

  readonly tick: number;
  /** Each node's clock runs faster or slower by up to this share. */
  readonly clockDrift: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly peerLostTicks: number;
  readonly maxAppendBytes: number;
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly maxApplyBytes: number;
  readonly maxCachedBytes: number;
  readonly compactEntriesMin: number;
  /** What the log keeps behind the applied index, and how much more for followers that answer. */
  readonly trailingEntries: number;
  readonly trailingBytes: number;
  readonly maxHeldBytes: number;
  /** Key-value pairs in one chunk of a snapshot. */
  readonly chunkPairs: number;
  /** A chunk that did not come after this time is asked for again. */
  readonly chunkPatience: number;
  /** A snapshot that nobody asks of any more is given up after this time. */
  readonly snapshotIdle: number;
  /** How likely a node crashes at each step of installing a snapshot. */
  readonly crashAtInstall: number;
  /** Entries that a restarting node gets along with its log's terms. */
  readonly restoredTail: number;

  readonly promotionLagMax: number;
  readonly promotionTicks: number;

  readonly clients: number;
  readonly keys: number;
  readonly thinkTime: number;
  readonly readShare: number;
  readonly clientTimeout: number;
  /** Proposals that arrive within this time enter the core as one input. */
  readonly turn: Span;
  /** Inputs that arrive within this time enter the core before it is asked what is due. */
  readonly gather: Span;

  /** True: like TCP, in order, lost only with the connection. False: any message may be lost, doubled, overtaken. */
  readonly streams: boolean;
  readonly delay: Span;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** Share of messages that are delayed by `spike`. */
  readonly spikeRate: number;
  readonly spike: Span;
  readonly partitionEvery: number;
  readonly partition: Span;
  /** Share of partitions in which links fail in one direction only. */
  readonly oneWayShare: number;
  /** Connections that drop and come back although nobody crashed. */
  readonly resetEvery: number;
  /** How likely a core is told that messages may be lost; below 1 it must find out by itself. */
  readonly peerResetShare: number;
  /** How likely the others notice a crash by its closed connection. */
  readonly peerLostShare: number;
  /** Reports of a lost peer that is well. */
  readonly falsePeerLostEvery: number;

  readonly crashEvery: number;
  readonly downTime: Span;
  /** How likely the batch in flight at a crash is on the disk afterwards. */
  readonly keepBatchShare: number;
  /** How likely a node crashes right when it has become a candidate or leader, or has granted a vote. */
  readonly crashAtElection: number;
  /** How likely a leader crashes right when its commit index has moved. */
  readonly crashAtCommit: number;
  /** How likely such a crash hits in the middle of a step's outputs, some messages sent and some not. */
  readonly crashMidStep: number;
  readonly pauseEvery: number;
  readonly pause: Span;
  readonly transferEvery: number;
  /** Members added, removed, moved, and disks lost. */
  readonly membershipEvery: number;
  /** Disks that forget the newest acknowledged entries, where enough others have them. */
  readonly forgetEvery: number;
  /** Commands whose execution ends processes, until an operator strikes them out. */
  readonly fatalEvery: number;
  /** The node, counted from 1, that executes them all the same while it has its first disk; 0: none. */
  readonly fatalSurvivor: number;

  readonly write: Span;
  readonly slowDiskEvery: number;
  readonly slowDisk: Span;
  readonly slowWrite: Span;
  readonly apply: Span;
  /** Effects of an idle node reach the disk after this time. */
  readonly idleFlush: number;

  readonly plantedBugs: ReadonlySet<PlantedBug>;
}

export function knobsFromSeed(seed: number, overrides: Partial<Knobs> = {}): Knobs {
  // Another stream than the run's own: a knob that is drawn or not must not shift what happens.
  const random = createRandom(seed * 2 + 1_000_003);
  const between = (min: number, max: number) => min + random() * (max - min);
  const integer = (min: number, max: number) => Math.floor(between(min, max + 1));
  const pick = <T>(...values: readonly [T, ...T[]]): T =>
    values[Math.floor(random() * values.length)] ?? values[0];
  const sometimes = (share: number, value: number) => (random() < share ? value : 0);
  const span = (min: number, max: number): Span => ({ min, max });

  const heartbeatTicks = integer(1, 3);
  const electionTicks = integer(Math.max(5, 2 * heartbeatTicks), 15);
  const electionTimeout = electionTicks * 10 * millisecond;
  const streams = random() < 0.4;
  const delayMin = between(0.05, 3) * millisecond;
  const faultEvery = () => between(2, 30) * electionTimeout;
  const faultLength = () => span(0, between(0.5, 15) * electionTimeout);
  return {
    nodes: pick(1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 7),
    safetyPhase: 12_000 * millisecond,

    tick: 10 * millisecond,
    clockDrift: pick(0, 0.01, 0.2),
    heartbeatTicks,
    electionTicks,
    peerLostTicks: integer(0, 5),
    maxAppendBytes: pick(1, 150, 1_000, 100_000),
    maxInflightAppends: integer(1, 8),
    maxInflightBytes: pick(1, 400, 1_000_000),
    maxUncommittedBytes: pick(200, 2_000, 1_000_000),
    maxApplyBytes: pick(1, 300, 100_000),
    maxCachedBytes: pick(1, 500, 5_000, 1_000_000),
    compactEntriesMin: pick(1, 5, 50, 1_000_000),
    restoredTail: pick(1, 5, 1_000_000),
    promotionLagMax: 20,
    promotionTicks: 2 * electionTicks,

    clients: integer(1, 6),
    keys: integer(1, 3),
    thinkTime: pick(2, 10, 50) * millisecond,
    readShare: pick(0.1, 0.4, 0.7),
    clientTimeout: between(2, 15) * electionTimeout,
    turn: span(0, pick(0, 1, 5) * millisecond),
    gather: span(0, pick(0, 0, 1, 5) * millisecond),

    streams,
    delay: span(delayMin, delayMin + between(0, 20) * millisecond),
    lossRate: streams ? 0 : sometimes(0.6, between(0, 0.25)),
    duplicateRate: streams ? 0 : sometimes(0.6, between(0, 0.25)),
    spikeRate: sometimes(0.5, between(0, 0.1)),
    spike: span(0, between(0.5, 8) * electionTimeout),
    partitionEvery: sometimes(0.7, faultEvery()),
    partition: faultLength(),
    oneWayShare: pick(0, 0.3, 1),
    resetEvery: sometimes(0.5, faultEvery()),
    peerResetShare: streams ? 1 : pick(0, 0.5, 1),
    peerLostShare: pick(0, 0.5, 1),
    falsePeerLostEvery: sometimes(0.3, faultEvery()),

    crashEvery: sometimes(0.7, faultEvery()),
    downTime: faultLength(),
    keepBatchShare: pick(0, 0.5, 1),
    crashAtElection: sometimes(0.4, between(0, 0.4)),
    crashAtCommit: sometimes(0.3, between(0, 0.05)),
    crashMidStep: sometimes(0.4, between(0, 1)),
    pauseEvery: sometimes(0.5, faultEvery()),
    pause: faultLength(),
    transferEvery: sometimes(0.3, faultEvery()),

    write: span(0.05 * millisecond, between(0.1, 10) * millisecond),
    slowDiskEvery: sometimes(0.4, faultEvery()),
    slowDisk: faultLength(),
    slowWrite: span(0, between(0.1, 4) * electionTimeout),
    apply: span(0, pick(0, 1, 20) * millisecond),
    idleFlush: pick(1, 20, 100) * millisecond,

    trailingEntries: pick(0, 1, 3, 3, 50, 1_000_000),
    trailingBytes: pick(1, 500, 1_000_000),
    maxHeldBytes: pick(0, 1_000, 10_000, 1_000_000),
    chunkPairs: pick(1, 3, 100),
    chunkPatience: between(0.1, 3) * electionTimeout,
    snapshotIdle: between(2, 10) * electionTimeout,
    crashAtInstall: sometimes(0.4, between(0, 0.4)),

    membershipEvery: sometimes(0.5, between(3, 30) * electionTimeout),
    forgetEvery: sometimes(0.3, between(3, 30) * electionTimeout),

    fatalEvery: sometimes(0.15, between(5, 40) * electionTimeout),
    fatalSurvivor: pick(0, 0, 1, 2),

    plantedBugs: new Set(),
    ...overrides,
  };
}
