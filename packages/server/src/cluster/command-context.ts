/** What the proposing leader adds to every command: its clock, how long it has led, and fresh chance. */
import { randomFillSync } from "node:crypto";
import type { Clock } from "@quorate/raft";
import type { CommandContext } from "../state/types.js";
import type { ClusterWatch } from "./cluster-watch.js";

const seedBytes = 16;
/** Seeds per call into the system's generator, which costs far more than the bytes. */
const seedsPerFill = 256;

export class CommandContexts {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #watch: Pick<ClusterWatch, "view">;
  readonly #seeds = new Uint8Array(seedBytes * seedsPerFill);
  #seedAt = this.#seeds.length;
  #reignTerm = -1;
  #reignSinceMs = 0;

  constructor(watch: Pick<ClusterWatch, "view">, clock: Pick<Clock, "monotonicMs">) {
    this.#watch = watch;
    this.#clock = clock;
  }

  next(caller: string): CommandContext {
    return { caller, nowMs: Date.now(), elapsedMs: this.#elapsedMs(), seed: this.#seed() };
  }

  /** Since the first command of this reign: ages are counted from there. */
  #elapsedMs(): number {
    const now = this.#clock.monotonicMs();
    const { term } = this.#watch.view;
    if (term !== this.#reignTerm) {
      this.#reignTerm = term;
      this.#reignSinceMs = now;
    }
    return now - this.#reignSinceMs;
  }

  #seed(): Uint8Array {
    if (this.#seedAt === this.#seeds.length) {
      randomFillSync(this.#seeds);
      this.#seedAt = 0;
    }
    const from = this.#seedAt;
    this.#seedAt += seedBytes;
    // A copy: the pool is filled again while entries are still on their way.
    return this.#seeds.slice(from, this.#seedAt);
  }
}
