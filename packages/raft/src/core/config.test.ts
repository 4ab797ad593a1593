import { expect, test } from "vitest";
import { InvalidConfigError, validateConfig } from "./config.js";
import { createRandom } from "./prng.js";
import { testingConfig } from "./testing-server.js";

test.each([
  { change: { id: "" }, text: 'id must be a non-empty string, not "".' },
  { change: { heartbeatTicks: 0 }, text: "heartbeatTicks must be a whole number of at least 1, not 0." },
  { change: { maxAppendBytes: 1.5 }, text: "maxAppendBytes must be a whole number of at least 1, not 1.5." },
  { change: { peerLostRetries: Number.NaN }, text: "peerLostRetries must be a whole number" },
  { change: { heartbeatTicks: 6 }, text: "electionTicks (10) must be at least twice heartbeatTicks (6)" },
  { change: { peerLostRetryTicksMin: 9 }, text: "peerLostRetryTicksMin (9) must not exceed" },
])("refused: $text", ({ change, text }) => {
  expect(() => validateConfig(testingConfig("n1", change))).toThrow(InvalidConfigError);
  expect(() => validateConfig(testingConfig("n1", change))).toThrow(text);
});

test("accepted, it comes back frozen", () => {
  expect(Object.isFrozen(validateConfig(testingConfig("n1")))).toBe(true);
});

test("a seed decides every number; close seeds do not give close numbers; they are spread evenly", () => {
  const numbers = (seed: number) => Array.from({ length: 5 }, createRandom(seed));
  expect(numbers(42)).toEqual(numbers(42));
  expect(numbers(42)).not.toEqual(numbers(43));
  const firsts = Array.from({ length: 10_000 }, (_, seed) => createRandom(seed)());
  expect(firsts.every((value) => value >= 0 && value < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = firsts.filter((value) => Math.floor(value * 10) === tenth).length / firsts.length;
    expect(share).toBeCloseTo(0.1, 1);
  }
});
