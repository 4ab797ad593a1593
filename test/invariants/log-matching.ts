import type { Entry, Index, Message, NodeId, StoreRequest, Term } from "@quorate/raft/core";
import { digestBytes } from "./digest.js";
import { type Invariant, InvariantViolation, type NodeView } from "./observation.js";

interface Known {
  readonly previousTerm: Term;
  readonly type: number;
  readonly digest: number;
  readonly seenAt: NodeId;
}

/**
 * Entries with the same index and term are the same, and so is everything before them (paper, figure 3).
 * By induction it is enough that they agree in content and in the term of the entry before.
 */
export class LogMatching implements Invariant {
  readonly property = "log matching";
  readonly #known: Map<Term, Known>[] = [];
  /** Terms of what each node asked its disk to hold, for the entry before a batch. */
  readonly #logs = new Map<NodeId, Term[]>();

  nodeStarted(node: NodeView): void {
    const { compacted, last } = node.durable;
    const terms: Term[] = [];
    terms[compacted.index] = compacted.term;
    for (let i = compacted.index + 1; i <= last.index; i++) terms[i] = node.durable.termAt(i) ?? 0;
    this.#logs.set(node.id, terms);
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    const first = request.entries[0];
    if (request.install) {
      const { index, term } = request.install.last;
      const log: Term[] = [];
      log[index] = term;
      this.#logs.set(node.id, log);
    }
    if (!first) return;
    const log = this.#logs.get(node.id) ?? [0];
    if (first.index > log.length) {
      throw new InvariantViolation(
        this.property,
        `${node.id} stores index ${first.index} behind a log that ends at ${log.length - 1}`,
      );
    }
    log.length = first.index;
    for (const entry of request.entries) {
      this.#compare(node.id, entry, log[entry.index - 1]);
      log[entry.index] = entry.term;
    }
    this.#logs.set(node.id, log);
  }

  messageSent(sender: NodeView, message: Message): void {
    if (message.type !== "appendEntries") return;
    let previous: { index: Index; term: Term } = { index: message.prevIndex, term: message.prevTerm };
    for (const entry of message.entries) {
      if (entry.index !== previous.index + 1) {
        throw new InvariantViolation(
          this.property,
          `${sender.id} sends index ${entry.index} right after ${previous.index}`,
        );
      }
      this.#compare(sender.id, entry, previous.term);
      previous = entry;
    }
  }

  #compare(seenAt: NodeId, entry: Entry, previousTerm: Term | undefined): void {
    if (previousTerm === undefined) return;
    if (previousTerm > entry.term) {
      throw new InvariantViolation(
        this.property,
        `at ${seenAt} term ${entry.term} at index ${entry.index} follows term ${previousTerm}`,
      );
    }
    let terms = this.#known[entry.index];
    if (!terms) {
      terms = new Map();
      this.#known[entry.index] = terms;
    }
    const digest = digestBytes(entry.data);
    const known = terms.get(entry.term);
    if (!known) {
      terms.set(entry.term, { previousTerm, type: entry.type, digest, seenAt });
      return;
    }
    if (known.previousTerm === previousTerm && known.type === entry.type && known.digest === digest) return;
    const difference =
      known.previousTerm === previousTerm
        ? "different content"
        : `terms ${known.previousTerm} and ${previousTerm} before it`;
    throw new InvariantViolation(
      this.property,
      `${entry.term}@${entry.index} at ${known.seenAt} and at ${seenAt} has ${difference}`,
    );
  }
}
