import { createHash } from "node:crypto";
import type { Effect } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { chainDigest } from "./metadata.js";
import { packValue } from "./value-encoding.js";

function uint64(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

/** The digest as its comment describes it, over one piece of memory. */
function expected(
  previous: Uint8Array,
  index: number,
  result: Uint8Array,
  effects: readonly Effect[],
): Buffer {
  const parts: Uint8Array[] = [previous, uint64(index), uint64(1), uint64(result.length), result];
  for (const { key, value } of effects) {
    parts.push(
      uint64(key.length),
      key,
      uint64(value === null ? 0 : value.length + 1),
      value ?? Buffer.alloc(0),
    );
  }
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

describe("the digest of an entry", () => {
  const previous = Buffer.alloc(32, 7);
  const key = Buffer.from("key");
  const value = (length: number) => Buffer.alloc(length, "abc");

  it.each([
    ["small parts", [10, 20]],
    ["one large part", [100_000]],
    ["large parts between small ones", [10, 70_000, 0, 1_500_000, 20]],
    ["many parts that are large together", Array.from({ length: 40 }, () => 60_000)],
    ["small parts again, after large ones", [10]],
  ])("is that of all its parts in their order: %s", (_, lengths) => {
    const effects: Effect[] = [
      ...lengths.map((length) => ({ key, value: value(length) })),
      { key, value: null },
    ];
    for (const text of ["short", "long".repeat(50_000)]) {
      const digest = chainDigest(previous, 2 ** 40 + 5, [{ ok: true, value: text }], effects);
      const result = packValue([true, text]);
      expect(Buffer.from(digest)).toEqual(expected(previous, 2 ** 40 + 5, result, effects));
    }
  });
});
