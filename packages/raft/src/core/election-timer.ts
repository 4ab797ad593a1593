/** When a server without a leader campaigns: after a random time, sooner when the leader is known to be gone. */
import type { Config } from "./config.js";
import { randomInteger } from "./prng.js";

export class ElectionTimer {
  /** Ticks since the leader was heard, a vote was granted or a campaign began. */
  elapsed = 0;
  #timeout = 0;
  /** Quick attempts that are left after a lost leader. */
  #quickRetries = 0;
  /** The current attempt began on the quick path. */
  #quick = false;
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
    this.restart();
  }

  /** Drawn anew each time from [electionTicks, 2 × electionTicks), so that servers do not fall into step. */
  restart(): void {
    const { electionTicks, random } = this.#config;
    this.elapsed = 0;
    this.#timeout = randomInteger(random, electionTicks, 2 * electionTicks - 1);
  }

  /** The current leader was heard. */
  leaderHeard(): void {
    this.#quickRetries = 0;
    this.#quick = false;
    this.restart();
  }

  /** The leader is gone for sure: campaign within `peerLostTicks`. */
  leaderLost(): void {
    const { peerLostTicks, peerLostRetries, random } = this.#config;
    this.#quickRetries = peerLostRetries;
    this.#quick = true;
    this.elapsed = 0;
    this.#timeout = randomInteger(random, 0, peerLostTicks);
  }

  /** A pre-vote begins: how long to wait for its end. */
  campaignStarted(): void {
    this.#quick = this.#quick && this.#quickRetries > 0;
    if (this.#quick) this.#quickRetries -= 1;
    this.votingStarted();
  }

  /** The vote proper begins: on the quick path a split vote is tried again soon. */
  votingStarted(): void {
    if (!this.#quick) {
      this.restart();
      return;
    }
    const { peerLostRetryTicksMin, peerLostRetryTicksMax, random } = this.#config;
    this.elapsed = 0;
    this.#timeout = randomInteger(random, peerLostRetryTicksMin, peerLostRetryTicksMax);
  }

  get expired(): boolean {
    return this.elapsed >= this.#timeout;
  }
}
