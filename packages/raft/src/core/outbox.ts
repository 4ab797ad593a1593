import type { RaftEvent } from "./events.js";
import type { Message } from "./messages.js";
import type {
  AcceptedProposal,
  ChangeOutcome,
  FetchRequest,
  GrantedRead,
  RefusedProposal,
  SnapshotOffer,
  SnapshotPin,
} from "./ready.js";

/** What `ready()` will hand out, gathered while inputs are stepped. */
export class Outbox {
  messages: Message[] = [];
  accepted: AcceptedProposal[] = [];
  refused: RefusedProposal[] = [];
  changes: ChangeOutcome[] = [];
  reads: GrantedRead[] = [];
  readsRefused: number[] = [];
  fetch: FetchRequest[] = [];
  pins: SnapshotPin[] = [];
  fetchSnapshot: SnapshotOffer | null = null;
  events: RaftEvent[] = [];

  get isEmpty(): boolean {
    return (
      this.messages.length === 0 &&
      this.accepted.length === 0 &&
      this.refused.length === 0 &&
      this.changes.length === 0 &&
      this.reads.length === 0 &&
      this.readsRefused.length === 0 &&
      this.fetch.length === 0 &&
      this.pins.length === 0 &&
      this.fetchSnapshot === null &&
      this.events.length === 0
    );
  }
}
