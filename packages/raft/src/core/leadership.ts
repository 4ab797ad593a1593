/** What only a leader has: gone when it steps down. */
import { ByteWindow } from "./byte-window.js";
import type { Progress } from "./progress.js";
import { ReadRounds } from "./reads.js";
import type { Index, NodeId } from "./types.js";

export interface Transfer {
  readonly to: NodeId;
  /** Tick at which the attempt is given up. */
  readonly deadline: number;
  timeoutNowSent: boolean;
}

export class Leadership {
  /** The entry that this leader appended first: once it is committed, everything before it is. */
  readonly noOpIndex: Index;
  /** Every member but this one, and for a while those that were removed. */
  readonly progress = new Map<NodeId, Progress>();
  /** Own entries that are not committed. */
  readonly uncommitted = new ByteWindow();
  readonly reads = new ReadRounds();
  transfer: Transfer | null = null;
  /** The change that somebody waits for; `left`: its last entry is in the log. */
  change: { readonly context: number; readonly left: boolean } | null = null;
  /** This leader is no member any more: tick at which it stops waiting for somebody to take over. */
  departBy: number | null = null;
  heartbeatElapsed = 0;
  /** Something may have to be sent to somebody: looked at once per `ready()`. */
  replicationDue = true;

  constructor(noOpIndex: Index) {
    this.noOpIndex = noOpIndex;
  }
}
