/** The pure Raft core: `step` takes everything that can happen, `ready` returns everything that is due. */
import type { Config } from "./config.js";
import type { Input } from "./input.js";
import type { Ready, Status } from "./ready.js";
import type { Restored } from "./types.js";

export class Raft {
  constructor(
    readonly config: Config,
    readonly restored: Restored,
  ) {}

  /** Feed one input. Never fails on what peers send; a broken invariant throws `RaftInvariantError`. */
  step(input: Input): void {
    throw new Error(`the core is being built: ${input.type}`);
  }

  /** True when `ready()` would return something to do. */
  hasReady(): boolean {
    return false;
  }

  /** Everything that is due, once. */
  ready(): Ready {
    throw new Error("the core is being built");
  }

  status(): Status {
    throw new Error("the core is being built");
  }
}
