/** Chance with a seed: the same seed gives the same run, so a seed is a complete bug report. */
import type { Random } from "./config.js";

/**
 * Uniform numbers in [0, 1) from a 32-bit seed; any number is folded into one. The generator is sfc32
 * (Chris Doty-Humphrey, PractRand), warmed up so that close seeds do not give close sequences.
 */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

/** Uniform integer in [min, max], both inclusive. */
export function randomInteger(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}
