/**
 * Nothing is promised before it is on disk. One write is outstanding at a time; every message that promises
 * something unwritten waits here for the ticket of the write that makes it true.
 */
import type { Log } from "./log.js";
import type { Message } from "./messages.js";
import type { Term } from "./types.js";

interface HeldMessage {
  readonly ticket: number;
  message: Message;
}

export class Durability {
  /** The ticket that the next write will get. */
  nextTicket = 1;
  /** The write under way; 0 = none. */
  outstanding = 0;
  #stored = 0;
  /** The write that covers the current term and vote; `nextTicket` = not even started. */
  #hardStateTicket = 0;
  #held: HeldMessage[] = [];

  /** Term or vote changed. */
  hardStateChanged(): void {
    this.#hardStateTicket = this.nextTicket;
  }

  /** Term or vote wait for a write to start. */
  get hardStateUnwritten(): boolean {
    return this.#hardStateTicket === this.nextTicket;
  }

  /** The current term and vote are on disk. */
  get hardStateDurable(): boolean {
    return this.#hardStateTicket <= this.#stored;
  }

  begin(): number {
    const ticket = this.nextTicket;
    this.nextTicket += 1;
    this.outstanding = ticket;
    return ticket;
  }

  /** The outstanding write is durable: the messages that waited for it, without those of a past term. */
  complete(term: Term): Message[] {
    this.#stored = this.outstanding;
    this.outstanding = 0;
    const released: Message[] = [];
    const kept: HeldMessage[] = [];
    for (const held of this.#held) {
      if (held.message.term !== term) continue;
      if (held.ticket <= this.#stored) released.push(held.message);
      else kept.push(held);
    }
    this.#held = kept;
    return released;
  }

  /** Keeps the message until it is true. False: it is true already and may leave. */
  hold(message: Message, log: Log): boolean {
    const ticket = this.#ticketFor(message, log);
    if (ticket <= this.#stored) return false;
    if (message.type === "appendEntriesAccepted") {
      for (const held of this.#held) {
        const earlier = held.message;
        if (held.ticket !== ticket || earlier.type !== message.type) continue;
        if (earlier.to !== message.to || earlier.term !== message.term) continue;
        if (earlier.match < message.match) held.message = message;
        return true;
      }
    }
    this.#held.push({ ticket, message });
    return true;
  }

  #ticketFor(message: Message, log: Log): number {
    switch (message.type) {
      // Pre-votes promise nothing, and a candidate's request promises nothing before it is answered.
      case "preVoteRequest":
      case "preVoteResponse":
      case "requestVote":
        return 0;
      case "appendEntriesAccepted":
        return Math.max(this.#hardStateTicket, log.ticketCovering(message.match, this.nextTicket));
      default:
        return this.#hardStateTicket;
    }
  }
}
