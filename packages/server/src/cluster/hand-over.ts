/** Giving leadership away before this node stops, so that nobody has to notice that it is gone. */
import type { RaftLog, RaftNode } from "@quorate/raft";
import type { CallResult } from "../rpc/ports.js";

type Transferable = Pick<RaftNode<CallResult>, "status" | "transfer">;

/**
 * Tries the voters that are reachable, the one with the longest log first. Returns without a successor when
 * there is none: the others then elect one by themselves.
 */
export async function handOver(raft: Transferable, log: RaftLog): Promise<void> {
  for (const target of successors(raft)) {
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

function successors(raft: Transferable): readonly string[] {
  const { role, followers, membership, connected } = raft.status();
  if (role !== "leader" || membership === null) return [];
  return followers
    .filter(({ id, active }) => active && connected.includes(id) && membership.voters.includes(id))
    .sort((a, b) => b.match - a.match)
    .map(({ id }) => id);
}
