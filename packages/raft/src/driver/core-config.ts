/** The core's configuration from what an operator sets, in milliseconds. */
import { type Config, type NodeId, type Random, validateConfig } from "../core/index.js";

/** A heartbeat lasts this many ticks: fine enough for election timeouts to differ between servers. */
const heartbeatTicks = 5;
/** After a lost leader connection: campaign within this time, and try again within these bounds, so often. */
const peerLostMs = 50;
const peerLostRetryMsMin = 50;
const peerLostRetryMsMax = 150;
const peerLostRetries = 3;

/** Starting value of Consul and Vault for a stable server. */
const defaultPromotionMs = 10_000;

const MiB = 1024 * 1024;

export interface Timing {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  /** How long a learner must have been caught up before it becomes a voter. Default 10 s. */
  readonly promotionMs?: number;
  /** Applied entries that the log keeps for members that lag behind. Default 10,000. */
  readonly trailingEntries?: number;
}

/** Length of one tick. */
export function tickMsOf({ heartbeatMs }: Timing): number {
  return heartbeatMs / heartbeatTicks;
}

/** @throws RangeError naming the setting, what it must be and what it is */
export function coreConfig(id: NodeId, timing: Timing, random: Random, incarnation?: string): Config {
  const { heartbeatMs, electionTimeoutMs, trailingEntries = 10_000 } = timing;
  if (!(Number.isFinite(heartbeatMs) && heartbeatMs >= heartbeatTicks)) {
    throw new RangeError(`heartbeatMs must be at least ${heartbeatTicks} milliseconds, not ${heartbeatMs}.`);
  }
  if (!(Number.isFinite(electionTimeoutMs) && electionTimeoutMs >= 2 * heartbeatMs)) {
    throw new RangeError(
      `electionTimeoutMs must be at least twice heartbeatMs (${heartbeatMs}), so that one late heartbeat starts ` +
        `no election, not ${electionTimeoutMs}.`,
    );
  }
  const tickMs = tickMsOf(timing);
  const ticks = (ms: number) => Math.max(1, Math.round(ms / tickMs));
  return validateConfig({
    id,
    ...(incarnation === undefined ? {} : { incarnation }),
    heartbeatTicks,
    electionTicks: ticks(electionTimeoutMs),
    peerLostTicks: ticks(peerLostMs),
    peerLostRetryTicksMin: ticks(peerLostRetryMsMin),
    peerLostRetryTicksMax: ticks(peerLostRetryMsMax),
    peerLostRetries,
    maxAppendBytes: 1 * MiB,
    maxInflightAppends: 8,
    maxInflightBytes: 8 * MiB,
    maxUncommittedBytes: 64 * MiB,
    maxApplyBytes: 4 * MiB,
    // As much as may be in flight; a follower that lacks more is served from the disk. Small entries take twice
    // their bytes in memory, and full collections walk over all of them.
    maxCachedBytes: 8 * MiB,
    compactEntriesMin: Math.min(1000, 1 + Math.floor(trailingEntries / 10)),
    promotionLagMax: 100,
    promotionTicks: ticks(timing.promotionMs ?? defaultPromotionMs),
    trailingEntries,
    trailingBytes: 64 * MiB,
    // What a follower that fetches a snapshot, slowly, may still find in the log afterwards.
    maxHeldBytes: 512 * MiB,
    random,
  });
}
