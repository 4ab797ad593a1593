/**
 * A leader that holds before an entry can serve nobody. When another member has got past that entry, it is handed the
 * leadership; when nobody has, an operator decides (`cluster.void`).
 */
import type { Clock, RaftLog, RaftNode } from "@quorate/raft";
import type { Raft } from "./ports.js";
import type { VoidOperation } from "./void.js";

export interface HeldLeaderOptions {
  readonly raft: Pick<Raft, "status"> & Pick<RaftNode<unknown>, "transfer">;
  readonly peers: Pick<VoidOperation, "standingOf">;
  readonly clock: Pick<Clock, "after">;
  readonly log: RaftLog;
}

const pauseMs = 2_000;

export class HeldLeader {
  readonly #options: HeldLeaderOptions;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: HeldLeaderOptions) {
    this.#options = options;
    this.#watch();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** Only a start can make a node hold: one that does not hold never will. */
  #watch(): void {
    if (this.#closed || this.#options.raft.status().held === null) return;
    this.#cancel = this.#options.clock.after(pauseMs, () => {
      this.#giveWay().then(
        () => this.#watch(),
        () => this.#watch(),
      );
    });
  }

  async #giveWay(): Promise<void> {
    const { raft, peers, log } = this.#options;
    const { held, role, membership, id, connected } = raft.status();
    if (held === null || role !== "leader" || membership === null) return;
    for (const peer of membership.voters) {
      if (peer === id || !connected.includes(peer)) continue;
      const standing = await peers.standingOf(peer);
      if (standing === null || standing.applied < held.index) continue;
      log.warn({ to: peer, index: held.index }, `${peer} got past entry ${held.index}: it is asked to lead`);
      await raft.transfer(peer);
      return;
    }
  }
}
