/** Does what a `Ready` asks for. The duties stand on its fields, in `core/ready.ts`. */
import type { FetchRequest, Ready } from "../core/index.js";
import type { Applier } from "./applier.js";
import type { Changes } from "./changes.js";
import type { CommitNews } from "./commit-news.js";
import { logEvent } from "./events-to-log.js";
import type { ExecutionGate } from "./execution-gate.js";
import type { Proposals } from "./proposals.js";
import type { Reads } from "./reads.js";
import type { SnapshotReceiver } from "./snapshot-receiver.js";
import type { SnapshotSender } from "./snapshot-sender.js";
import type { Transfers } from "./transfers.js";
import type { RaftLog } from "./types.js";
import type { Writer } from "./writer.js";

export interface ReadyTargets<Result> {
  readonly writer: Writer;
  readonly outbox: Pick<CommitNews, "send">;
  readonly applier: Applier<Result>;
  readonly gate: ExecutionGate;
  readonly proposals: Proposals<Result>;
  readonly reads: Reads;
  readonly transfers: Transfers;
  readonly changes: Changes;
  readonly fetch: (request: FetchRequest) => void;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  readonly log: RaftLog;
}

/**
 * Store ▸ send ▸ apply. Nothing here waits: the write starts at the writer's next `pump`, sending queues, and
 * entries are executed by the applier's next `run`. That messages which promise durability are not sent too
 * early is the core's doing: it gives them out only after `stored`.
 */
export function runReady<Result>(ready: Ready, to: ReadyTargets<Result>): void {
  for (const event of ready.events) {
    logEvent(to.log, event);
    to.transfers.onEvent(event);
  }
  if (ready.store !== null) {
    to.writer.store(ready.store);
    to.gate.stored(ready.store.entries);
  }
  for (const message of ready.messages) to.outbox.send(message);
  // Before `apply`: an entry accepted and committed in one turn must find its proposal.
  for (const accepted of ready.accepted) to.proposals.accepted(accepted);
  for (const refused of ready.refused) to.proposals.refused(refused);
  for (const change of ready.changes) to.changes.settle(change);
  for (const read of ready.reads) to.reads.granted(read);
  for (const context of ready.readsRefused) to.reads.refused(context);
  for (const request of ready.fetch) to.fetch(request);
  for (const pin of ready.pins) {
    if (pin.wanted) to.sender.pin(pin.to);
    else to.sender.unpin(pin.to);
  }
  if (ready.fetchSnapshot !== null) to.receiver.fetch(ready.fetchSnapshot);
  to.applier.push(ready.apply);
}
