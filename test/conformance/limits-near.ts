import type { Limits } from "@quorate/protocol";
import fc from "fast-check";

/** Limits that small documents reach. */
export const limitsNear: fc.Arbitrary<Partial<Limits>> = fc.record({
  depth: fc.integer({ min: 1, max: 4 }),
  values: fc.integer({ min: 1, max: 12 }),
  nameLength: fc.integer({ min: 1, max: 8 }),
  digits: fc.integer({ min: 1, max: 6 }),
});
