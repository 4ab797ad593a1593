import type { AppendEntries, AppendEntriesAccepted, Index, Message, Term } from "@quorate/raft/core";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

/**
 * No message before its store (paper, section 5: "updated on stable storage before responding to RPCs"):
 * whoever speaks in a term has it on disk, a granted vote and an acknowledged entry are on disk before they
 * are spoken of. Free are a candidate's own RequestVote, which may leave beside the write of its vote, and
 * pre-votes, which promise nothing.
 */
export class StoreBeforeSend implements Invariant {
  readonly property = "no message before its store";
  /** Term of a leadership → its log, as far as it was sent: what an acknowledgement in that term speaks of. */
  readonly #leaderLogs = new Map<Term, Term[]>();

  messageSent(sender: NodeView, message: Message): void {
    switch (message.type) {
      case "requestVote":
      case "preVoteRequest":
      case "preVoteResponse":
        return;
      case "requestVoteResponse":
        this.#termIsDurable(sender, message);
        if (message.granted) this.#voteIsDurable(sender, message);
        return;
      case "appendEntriesAccepted":
        this.#termIsDurable(sender, message);
        this.#matchIsDurable(sender, message);
        return;
      case "appendEntries":
        this.#termIsDurable(sender, message);
        this.#remember(message);
        return;
      case "heartbeatResponse":
        this.#termIsDurable(sender, message);
        if (sender.durable.applied < message.appliedDurable) {
          this.#fail(sender, message, `applied ${message.appliedDurable}, on disk ${sender.durable.applied}`);
        }
        return;
      default:
        this.#termIsDurable(sender, message);
    }
  }

  #termIsDurable(sender: NodeView, message: Message): void {
    const { term } = sender.durable.hardState;
    if (message.term > term) this.#fail(sender, message, `term ${message.term}, on disk is term ${term}`);
  }

  #remember({ term, prevIndex, prevTerm, entries }: AppendEntries): void {
    let log = this.#leaderLogs.get(term);
    if (!log) {
      log = [];
      this.#leaderLogs.set(term, log);
    }
    log[prevIndex] = prevTerm;
    for (const entry of entries) log[entry.index] = entry.term;
  }

  #matchIsDurable(sender: NodeView, message: AppendEntriesAccepted): void {
    const { durable } = sender;
    const { match } = message;
    if (durable.last.index < match) {
      this.#fail(sender, message, `match ${match}, but the log on disk ends at ${durable.last.index}`);
    }
    const meant: Term | undefined = this.#leaderLogs.get(message.term)?.[match];
    const held = termOnDisk(sender, match);
    if (meant === undefined || held === undefined || held === meant) return;
    this.#fail(
      sender,
      message,
      `match ${match}, where the leader has term ${meant} and the disk has term ${held}`,
    );
  }

  #voteIsDurable(sender: NodeView, message: Message): void {
    const { term, vote } = sender.durable.hardState;
    if (term > message.term || (term === message.term && vote === message.to)) return;
    this.#fail(
      sender,
      message,
      `vote for ${message.to} in term ${message.term}, on disk is ${vote} in ${term}`,
    );
  }

  #fail(sender: NodeView, message: Message, text: string): never {
    throw new InvariantViolation(
      this.property,
      `${sender.id} sends ${message.type} to ${message.to}: ${text}`,
    );
  }
}

function termOnDisk({ durable }: NodeView, index: Index): Term | undefined {
  return index === durable.compacted.index ? durable.compacted.term : durable.termAt(index);
}
