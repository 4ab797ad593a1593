/**
 * The way out of a cluster that goes on: leadership is given away first, so that nobody has to notice that
 * it is gone, and this node stays until nobody sends anything to it any more.
 *
 *     leads? ─▶ transfer ─▶ every connected peer names another leader ─▶ a last pause ─▶ may close
 *        ▲                                                                  │
 *        └────────────── was elected once more meanwhile ◀──────────────────┘
 */
import { type Clock, type NodeStatus, type RaftLog, RequestFailed } from "@quorate/raft";
import { type LeaderKnowledge, leaderFromValue, leaderQuestion } from "./forwarding.js";
import type { Raft, Service } from "./ports.js";

export interface HandOverOptions {
  readonly raft: Pick<Raft, "status" | "request"> & { transfer(to: string): Promise<void> };
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
  readonly log: RaftLog;
  /**
   * The last pause. Calls and redirects that were on their way when the last peer learned of the new leader arrive
   * within it, and load balancers find out that this node is not ready.
   */
  readonly lastPauseMs: number;
}

/** The cluster may be unable to agree on a leader; a node that shall stop does not wait for that for ever. */
const patienceMs = 5_000;
const questionTimeoutMs = 500;
const retryPauseMs = 25;

/** By peer; null: it did not answer. */
type Answers = ReadonlyMap<string, LeaderKnowledge | null>;

/**
 * Resolves when this node does not lead, every peer that stays knows another leader, and a last pause has
 * passed; or after 5 s, whatever the others say; at once when there are no others. Never rejects.
 */
export async function handOver(options: HandOverOptions): Promise<void> {
  const { raft, clock, log, lastPauseMs } = options;
  const deadline = clock.monotonicMs() + patienceMs;
  for (;;) {
    const answers = await askPeers(options);
    const status = raft.status();
    if (staying(answers).length === 0) return;
    const late = clock.monotonicMs() >= deadline;
    if (late) {
      log.warn(
        { role: status.role, peers: Object.fromEntries(answers) },
        "no other leader is known to all peers; stopping anyway",
      );
    } else if (status.role === "leader") {
      // Who stays and was heard of lately, the one with the longest log first.
      await giveAway(
        options,
        successors(status).filter((id) => staying(answers).includes(id)),
      );
    }
    if (late || (raft.status().role !== "leader" && everybodyKnows(answers, status.id))) {
      await pause(clock, lastPauseMs);
      if (late || raft.status().role !== "leader") return;
    } else {
      await pause(clock, retryPauseMs);
    }
  }
}

async function askPeers(options: HandOverOptions): Promise<Answers> {
  const { connected } = options.raft.status();
  const answers = connected.map(async (peer) => [peer, await askPeer(options, peer)] as const);
  return new Map(await Promise.all(answers));
}

async function askPeer({ raft, codec, log }: HandOverOptions, peer: string): Promise<LeaderKnowledge | null> {
  try {
    const answer = await raft.request(peer, codec.encodeValue(leaderQuestion), questionTimeoutMs);
    return leaderFromValue(codec.decodeValue(answer));
  } catch (error) {
    // Busy, starting or just gone: it is asked again as long as it is connected.
    if (!(error instanceof RequestFailed))
      log.warn({ peer, err: error }, `${peer} cannot be asked for its leader`);
    return null;
  }
}

/** Peers that are not on their way out themselves. */
function staying(answers: Answers): readonly string[] {
  return [...answers].filter(([, answer]) => answer?.stopping !== true).map(([peer]) => peer);
}

function everybodyKnows(answers: Answers, self: string): boolean {
  return staying(answers).every((peer) => {
    const leader = answers.get(peer)?.leader ?? null;
    return leader !== null && leader !== self;
  });
}

/** Hands leadership to the first of these that takes it. Never rejects. */
export async function giveAway(
  { raft, log }: Pick<HandOverOptions, "raft" | "log">,
  targets: readonly string[],
): Promise<void> {
  for (const target of targets) {
    if (raft.status().role !== "leader") return;
    try {
      await raft.transfer(target);
      log.info({ to: target }, `leadership was handed over to ${target}`);
      return;
    } catch (error) {
      log.warn({ to: target, err: error }, `leadership could not be handed over to ${target}`);
    }
  }
}

/** Who could lead instead of this leader, the best one first. */
export function successors({ role, followers, membership, connected }: NodeStatus): readonly string[] {
  if (role !== "leader" || membership === null) return [];
  return followers
    .filter(({ id, active }) => active && connected.includes(id) && membership.voters.includes(id))
    .sort((a, b) => b.match - a.match)
    .map(({ id }) => id);
}

function pause(clock: Pick<Clock, "after">, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
