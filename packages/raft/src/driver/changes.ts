/** Callers that wait for a change of the membership. */
import type { ChangeOutcome, ChangeRefusal, Index } from "../core/index.js";

/** The membership is not known to have changed. The text says why. */
export class ChangeFailed extends Error {
  override readonly name = "ChangeFailed";
  constructor(
    message: string,
    /** `unknown`: it was begun, and leadership ended first. Each other reason: nothing was changed. */
    readonly reason: ChangeRefusal["reason"] | "unknown" | "stopped",
  ) {
    super(message);
  }
}

interface Waiting {
  readonly resolve: (index: Index) => void;
  readonly reject: (error: ChangeFailed) => void;
}

export class Changes {
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  /** The context to step the change under, and the promise of its end. */
  add(): { readonly context: number; readonly ended: Promise<Index> } {
    const context = this.#next;
    this.#next += 1;
    const ended = new Promise<Index>((resolve, reject) => this.#waiting.set(context, { resolve, reject }));
    return { context, ended };
  }

  settle(outcome: ChangeOutcome): void {
    const waiting = this.#waiting.get(outcome.context);
    this.#waiting.delete(outcome.context);
    if (outcome.kind === "done") waiting?.resolve(outcome.index);
    else if (outcome.kind === "refused") waiting?.reject(new ChangeFailed(outcome.why, outcome.reason));
    else {
      const why = "this node lost its leadership while the change was under way";
      waiting?.reject(new ChangeFailed(why, "unknown"));
    }
  }

  abandon(): void {
    const error = new ChangeFailed("this node stops", "stopped");
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
