/** Which faults, in which order, for how long: all from the seed. */
import { createRandom, type Random, randomInteger } from "@quorate/raft/core";
import { type Fault, shuffled } from "./fault.js";
import { machineFaults } from "./machine-faults.js";
import { networkFaults } from "./network-faults.js";
import { processFaults } from "./process-faults.js";

export const allFaults: readonly Fault[] = [...processFaults, ...networkFaults, ...machineFaults];

export interface PlannedFault {
  readonly fault: Fault;
  /** Calm before it. */
  readonly calmMs: number;
  readonly lastsMs: number;
  /** Decides whom it hits. */
  readonly random: Random;
}

/** Long enough for an election timeout and what follows. */
const lastsMsMin = 1_500;
const lastsMsMax = 5_000;
const calmMsMin = 300;

/**
 * Every fault once, then every fault again in another order, without end. Their length follows from the time:
 * each one strikes at least once where that is possible.
 */
export function* schedule(faults: readonly Fault[], seconds: number, seed: number): Generator<PlannedFault> {
  const random = createRandom(seed);
  const shareMs = (seconds * 1000) / faults.length;
  const longestMs = Math.min(Math.max(shareMs / 3, lastsMsMin), lastsMsMax);
  for (;;) {
    for (const fault of shuffled(faults, random)) {
      const lastsMs = randomInteger(random, lastsMsMin, Math.ceil(longestMs));
      const calmMs = randomInteger(random, calmMsMin, Math.ceil(Math.max(longestMs / 2, calmMsMin)));
      const drawn = createRandom(randomInteger(random, 0, 2 ** 31));
      yield { fault, calmMs, lastsMs: fault.lastsMs ?? lastsMs, random: drawn };
    }
  }
}
