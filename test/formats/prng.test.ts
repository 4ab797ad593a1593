import { Prng } from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const seed = Uint8Array.from({ length: 16 }, (_, at) => at);

describe("chance for handlers", () => {
  it("is xoshiro128** 1.1", () => {
    // First outputs from the state 1, 2, 3, 4, as its definition gives them.
    const prng = new Prng(Uint32Array.of(1, 2, 3, 4));
    expect([prng.next(), prng.next(), prng.next()]).toEqual([11520, 0, 5927040]);
  });

  it("never changes: a stored log gives the same numbers for ever", () => {
    const prng = Prng.fromSeed(seed, 0);
    expect([prng.random(), prng.random(), prng.uuid()]).toEqual([
      0.5683187189250419,
      0.8318776149579001,
      "dbf49499-eb04-4f27-b38e-c5f48aff6132",
    ]);
    expect(Prng.fromSeed(seed, 1).random()).toBe(0.44573438235472007);
  });

  it("gives UUIDs of version 4 and numbers from 0 to below 1", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(), (each, call) => {
        const prng = Prng.fromSeed(each, call);
        expect(prng.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        const random = prng.random();
        expect(random >= 0 && random < 1).toBe(true);
      }),
    );
  });

  it("spreads evenly", () => {
    const prng = Prng.fromSeed(seed, 0);
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const bucket = Math.floor(prng.random() * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
