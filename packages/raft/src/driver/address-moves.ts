import type { Index, Member, MembershipChange } from "../core/index.js";
import type { Clock } from "../ports/index.js";
import type { RaftLog } from "./types.js";

export interface AddressMovesContext {
  readonly clock: Pick<Clock, "after">;
  readonly log: RaftLog;
  /** After a change that failed, in milliseconds. */
  readonly pauseMs: number;
  /** This node leads and can serve. */
  mayChange(): boolean;
  /** Members that are reached elsewhere than the membership says. */
  moved(): readonly Member[];
  change(change: MembershipChange): Promise<Index>;
}

/** As the leader: a member's own word on where it is reached goes into the membership, one after the other. */
export class AddressMoves {
  readonly #context: AddressMovesContext;
  #announcing = false;

  constructor(context: AddressMovesContext) {
    this.#context = context;
  }

  /** To be called whenever something may have moved. */
  announce(): void {
    const { clock, log, pauseMs, mayChange, moved, change } = this.#context;
    if (this.#announcing || !mayChange()) return;
    const [member] = moved();
    if (member === undefined) return;
    this.#announcing = true;
    change({ kind: "update", member }).then(
      () => {
        log.info({ member }, `${member.id} is reached at ${member.peer} and ${member.http} now`);
        this.#announcing = false;
        this.announce();
      },
      (error: unknown) => {
        log.debug({ err: error }, `the addresses of ${member.id} could not be announced yet`);
        clock.after(pauseMs, () => {
          this.#announcing = false;
          this.announce();
        });
      },
    );
  }
}
