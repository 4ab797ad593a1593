/** How one server's core is set up. Frozen; nothing here changes at run time. */
import type { PlantedBug } from "./planted-bugs.js";
import type { NodeId } from "./types.js";

/** Uniform in [0, 1). Injected: the core has no chance of its own, so that a seed decides everything. */
export type Random = () => number;

export interface Config {
  readonly id: NodeId;
  /** Ticks between two heartbeats. At least 1. */
  readonly heartbeatTicks: number;
  /**
   * Lower bound of the election timeout, in ticks; the actual timeout is drawn anew each time from
   * [electionTicks, 2 × electionTicks). Must be at least 2 × heartbeatTicks.
   */
  readonly electionTicks: number;
  /** After a lost leader, campaign within [0, peerLostTicks] ticks. */
  readonly peerLostTicks: number;
  /** A refused pre-vote or split vote on that path is tried again after [min, max] ticks, `peerLostRetries` times. */
  readonly peerLostRetryTicksMin: number;
  readonly peerLostRetryTicksMax: number;
  readonly peerLostRetries: number;
  /** Payload bytes of one AppendEntries; one larger entry still travels, alone. */
  readonly maxAppendBytes: number;
  /** Unanswered AppendEntries per follower, by count and by payload bytes. */
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  /** Payload bytes of this leader's uncommitted tail; beyond it proposals are refused as `overloaded`. */
  readonly maxUncommittedBytes: number;
  /** Payload bytes handed out in `Ready.apply` and not yet reported as applied; at least one entry goes out. */
  readonly maxApplyBytes: number;
  /** Payload bytes of the log's newest part kept in memory; older entries are asked for through `Ready.fetch`. */
  readonly maxCachedBytes: number;
  /** Compact only when at least this many entries can go at once. */
  readonly compactEntriesMin: number;
  readonly random: Random;
  /** Test only: faults put in on purpose, to prove that the simulator finds them. Absent in production. */
  readonly plantedBugs?: ReadonlySet<PlantedBug>;
}
