/** Callers that wait for leadership to move. */
import type { NodeId, RaftEvent } from "../core/index.js";

/** Leadership stayed where it was. The text says why. */
export class TransferFailed extends Error {
  override readonly name = "TransferFailed";
}

interface Waiting {
  readonly to: NodeId;
  readonly resolve: () => void;
  readonly reject: (error: TransferFailed) => void;
}

export class Transfers {
  #waiting: Waiting[] = [];

  add(to: NodeId): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ to, resolve, reject }));
  }

  onEvent(event: RaftEvent): void {
    if (this.#waiting.length === 0) return;
    if (event.type === "transferAborted") {
      this.#end(
        ({ to }) => to === event.to,
        ({ to, reject }) =>
          reject(new TransferFailed(`${to} did not take over leadership in time; this node still leads`)),
      );
    } else if (event.type === "roleChanged" && event.role !== "leader") {
      this.#end(
        () => true,
        ({ resolve }) => resolve(),
      );
    }
  }

  /** This node does not lead (any more), so there is nothing to wait for. */
  refuse(why: string): void {
    this.#end(
      () => true,
      ({ to, reject }) => reject(new TransferFailed(`leadership cannot be handed to ${to}: ${why}`)),
    );
  }

  #end(concerned: (waiting: Waiting) => boolean, settle: (waiting: Waiting) => void): void {
    const ended = this.#waiting.filter(concerned);
    this.#waiting = this.#waiting.filter((waiting) => !concerned(waiting));
    ended.forEach(settle);
  }
}
