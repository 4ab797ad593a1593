/** Striking out an entry that no node can execute. */
import { type Entry, EntryType, type Index, type Status } from "../core/index.js";
import type { ExecutionGate } from "./execution-gate.js";

export type StrikeRefusal =
  | "notLeader"
  | "stopped"
  | "overloaded"
  | "wrongEntry"
  | "notHeld"
  | "pending"
  | "unknown";

/** The entry is not known to be struck out. The text says why; but for `unknown`, nothing was changed. */
export class StrikeRefused extends Error {
  override readonly name = "StrikeRefused";
  constructor(
    message: string,
    readonly reason: StrikeRefusal,
  ) {
    super(message);
  }
}

export interface StrikeContext {
  readonly status: Status;
  readonly gate: Pick<ExecutionGate, "held" | "strikerOf">;
  /** See `Applier.next`. */
  readonly next: Entry | undefined;
}

/**
 * Only an entry that this leader holds before may be struck out: it has not executed it, and with the void entry in its
 * log it never will.
 *
 * @throws StrikeRefused
 */
export function requireStrikable(index: Index, { status, gate, next }: StrikeContext): void {
  const refuse = (reason: StrikeRefusal, message: string): never => {
    throw new StrikeRefused(message, reason);
  };
  if (status.role !== "leader") refuse("notLeader", "this node does not lead");
  if (index <= status.applied)
    refuse("wrongEntry", `entry ${index} is executed already, on the leader ${status.id} too`);
  if (index > status.lastIndex)
    refuse("wrongEntry", `there is no entry ${index}: the log ends with entry ${status.lastIndex}`);
  const striker = gate.strikerOf(index);
  if (striker !== null)
    refuse("pending", `entry ${striker} strikes out entry ${index} already, and is not committed yet`);
  const { held } = gate;
  if (held === null) refuse("notHeld", `the leader ${status.id} does not hold before any entry`);
  else if (held.index !== index) {
    refuse("notHeld", `the leader ${status.id} holds before entry ${held.index}, not before entry ${index}`);
  }
  if (next?.index !== index) {
    refuse("pending", `the leader ${status.id} has not come as far as entry ${index} yet; try again`);
  }
  if (next?.type !== EntryType.application) refuse("wrongEntry", `entry ${index} is no command`);
}
