/** How one server's core is set up. Frozen; nothing here changes at run time. */
import type { PlantedBug } from "./planted-bugs.js";
import type { TraceRecord } from "./trace.js";
import type { NodeId } from "./types.js";

/** Uniform in [0, 1). Injected: the core has no chance of its own, so that a seed decides everything. */
export type Random = () => number;

export interface Config {
  readonly id: NodeId;
  /**
   * Name of this server's disk. While it catches up through memberships that mean an earlier disk under its id,
   * it is no voter. Absent: the id has never had another disk.
   */
  readonly incarnation?: string;
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
  /** Compact only when at least this many entries can go at once, or an eighth of `trailingBytes`. */
  readonly compactEntriesMin: number;
  /** A learner becomes a voter when it has lacked at most `promotionLagMax` committed entries for `promotionTicks`. */
  readonly promotionLagMax: number;
  readonly promotionTicks: number;
  /** The log keeps at most this many applied entries for followers that lag behind, by count and by bytes. */
  readonly trailingEntries: number;
  readonly trailingBytes: number;
  /** A leader keeps more, up to this many bytes, for followers that answer or are fetching a snapshot. */
  readonly maxHeldBytes: number;
  readonly random: Random;
  /** Test only: faults put in on purpose, to prove that the simulator finds them. Absent in production. */
  readonly plantedBugs?: ReadonlySet<PlantedBug>;
  /** Hears every transition, during the step that made it. Absent in production: it costs time per step. */
  readonly trace?: (record: TraceRecord) => void;
}

/** The config asks for something that cannot work. The text names the field, what it must be and what it is. */
export class InvalidConfigError extends Error {
  override readonly name = "InvalidConfigError";
}

const wholeNumbersMin = {
  heartbeatTicks: 1,
  electionTicks: 2,
  peerLostTicks: 0,
  peerLostRetryTicksMin: 1,
  peerLostRetryTicksMax: 1,
  peerLostRetries: 0,
  maxAppendBytes: 1,
  maxInflightAppends: 1,
  maxInflightBytes: 1,
  maxUncommittedBytes: 1,
  maxApplyBytes: 1,
  maxCachedBytes: 0,
  compactEntriesMin: 1,
  promotionLagMax: 0,
  promotionTicks: 0,
  trailingEntries: 0,
  trailingBytes: 0,
  maxHeldBytes: 0,
} as const satisfies Partial<Record<keyof Config, number>>;

/** Throws `InvalidConfigError` on the first field that is wrong, otherwise returns a frozen copy. */
export function validateConfig(config: Config): Config {
  if (typeof config.id !== "string" || config.id === "") {
    throw new InvalidConfigError(`id must be a non-empty string, not ${JSON.stringify(config.id)}.`);
  }
  for (const [field, min] of Object.entries(wholeNumbersMin)) {
    const value: unknown = config[field as keyof typeof wholeNumbersMin];
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      throw new InvalidConfigError(
        `${field} must be a whole number of at least ${min}, not ${String(value)}.`,
      );
    }
  }
  if (config.electionTicks < 2 * config.heartbeatTicks) {
    throw new InvalidConfigError(
      `electionTicks (${config.electionTicks}) must be at least twice heartbeatTicks (${config.heartbeatTicks}): ` +
        "one late heartbeat must not start an election.",
    );
  }
  if (config.peerLostRetryTicksMin > config.peerLostRetryTicksMax) {
    throw new InvalidConfigError(
      `peerLostRetryTicksMin (${config.peerLostRetryTicksMin}) must not exceed ` +
        `peerLostRetryTicksMax (${config.peerLostRetryTicksMax}).`,
    );
  }
  if (typeof config.random !== "function") {
    throw new InvalidConfigError("random must be a function that returns numbers in [0, 1).");
  }
  return Object.freeze({ ...config });
}
