import { describe, expect, test } from "vitest";
import {
  indexOfKey,
  logKey,
  logRange,
  membershipKey,
  membershipRange,
  readIndex,
  stateEnd,
  stateKey,
  stateKeyOf,
  writeIndex,
} from "./prefixes.js";

const indexes = [
  0,
  1,
  2,
  255,
  256,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40 + 7,
  Number.MAX_SAFE_INTEGER,
];

describe("keys", () => {
  test("their byte order is the order of the indexes", () => {
    const keys = indexes.map((index) => logKey(1, index));
    expect([...keys].sort(Buffer.compare)).toEqual(keys);
    expect(keys.map(indexOfKey)).toEqual(indexes);
  });

  test("generations and kinds do not mix", () => {
    const { gte, lt } = logRange(1, 0);
    for (const index of indexes) {
      expect(Buffer.compare(gte, logKey(1, index))).toBeLessThanOrEqual(0);
      expect(Buffer.compare(logKey(1, index), lt)).toBeLessThan(0);
      expect(Buffer.compare(logKey(2, index), lt)).toBeGreaterThanOrEqual(0);
      expect(Buffer.compare(membershipKey(1, index), lt)).toBeGreaterThan(0);
      expect(Buffer.compare(membershipKey(1, index), membershipRange(1).lt)).toBeLessThan(0);
    }
    const largest = stateKey(1, Buffer.alloc(50, 0xff));
    expect(Buffer.compare(largest, stateEnd(1))).toBeLessThan(0);
    expect(Buffer.compare(stateEnd(1), stateKey(2, Buffer.alloc(0)))).toBe(0);
  });

  test("a state key comes back as it was", () => {
    expect(stateKeyOf(stateKey(7, Buffer.from("abc"))).toString()).toBe("abc");
    expect(stateKeyOf(stateKey(7, new Uint8Array()))).toHaveLength(0);
  });

  test("written numbers are read", () => {
    const target = Buffer.alloc(10);
    for (const index of indexes) {
      writeIndex(target, index, 1);
      expect(readIndex(target, 1)).toBe(index);
      expect(target.readBigUInt64BE(1)).toBe(BigInt(index));
    }
  });
});
