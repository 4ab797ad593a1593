import type { Message, NodeId } from "../core/index.js";
import type { Clock, Transport } from "../ports/index.js";

/** A client that waits for its answers calls again sooner, as a rule, and nobody who reads at a follower notices. */
const heldMs = 2;

/**
 * News of a commit, for followers: AppendEntries without entries. The next one with entries tells as much, so news
 * waits for that a little while. Where writes follow one another that saves a message to each follower and a turn of
 * each of them per round; and answers leave before followers are woken. To Raft it is a message that took
 * somewhat longer on its way, or was lost.
 */
export class CommitNews {
  readonly #clock: Pick<Clock, "after">;
  readonly #transport: Pick<Transport, "send" | "flush">;
  readonly #held = new Map<NodeId, Message>();
  #cancel: (() => void) | null = null;

  constructor(clock: Pick<Clock, "after">, transport: Pick<Transport, "send" | "flush">) {
    this.#clock = clock;
    this.#transport = transport;
  }

  /** Sends `message`, now or a little later. */
  send(message: Message): void {
    if (message.type === "appendEntries") {
      // Older news for this follower: the new message tells all of it.
      this.#held.delete(message.to);
      if (message.silent) {
        this.#held.set(message.to, message);
        this.#cancel ??= this.#clock.after(heldMs, () => this.#release());
        return;
      }
    }
    this.#transport.send(message);
  }

  stop(): void {
    this.#held.clear();
    this.#cancel?.();
    this.#cancel = null;
  }

  #release(): void {
    this.#cancel = null;
    for (const message of this.#held.values()) this.#transport.send(message);
    this.#held.clear();
    this.#transport.flush();
  }
}
