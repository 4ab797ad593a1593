import { describe, expect, test } from "vitest";
import { testingMembership } from "../core/testing-server.js";
import type { KeyValue } from "../ports/index.js";
import { decodePart, decodePartRequest, encodePart, encodePartRequest } from "./snapshot-codec.js";

const last = { index: 2 ** 40, term: 7 };
const head = { last, membership: { index: 9, membership: testingMembership(["n1", "n2"]) } };
const pairs: KeyValue[] = [
  [Buffer.from([0, 255]), Buffer.alloc(0)],
  [Buffer.from("a"), Buffer.from("1")],
];

const later: KeyValue[] = [[Buffer.from("b"), Buffer.from("2")]];

function plain(list: readonly KeyValue[]): string[] {
  return list.map(
    ([key, value]) => `${Buffer.from(key).toString("hex")}=${Buffer.from(value).toString("hex")}`,
  );
}

describe("a snapshot on the wire", () => {
  test("requests come out as they went in", () => {
    expect(decodePartRequest(encodePartRequest({ last, after: null }))).toEqual({ last, after: null });
    const after = { key: Buffer.from("k"), check: 0xfedcba98 };
    const { last: same, after: cursor } = decodePartRequest(encodePartRequest({ last, after }));
    expect(same).toEqual(last);
    expect(cursor?.check).toBe(after.check);
    expect(Buffer.from(cursor?.key ?? []).toString()).toBe("k");
  });

  test("parts come out as they went in, each continuing the checksum of the one before", () => {
    const first = decodePart({ last, after: null }, encodePart(null, pairs, null));
    expect(plain(first.pairs)).toEqual(plain(pairs));
    expect(first.head).toBeNull();
    const second = decodePart({ last, after: first.cursor }, encodePart(first.cursor, later, head));
    expect(second.head).toEqual(head);
    expect(second.cursor.check).not.toBe(first.cursor.check);
  });

  test("an empty state is one part without pairs", () => {
    expect(decodePart({ last, after: null }, encodePart(null, [], head))).toMatchObject({ pairs: [], head });
  });

  test("a changed byte, a cut, and the part of another place are refused", () => {
    const part = encodePart(null, pairs, head);
    for (let at = 0; at < part.length; at++) {
      const changed = Uint8Array.from(part);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => decodePart({ last, after: null }, changed), `byte ${at}`).toThrow(/checksum/);
      expect(() => decodePart({ last, after: null }, part.subarray(0, at)), `cut at ${at}`).toThrow();
    }
    const elsewhere = { key: Buffer.from("a"), check: 1 };
    expect(() => decodePart({ last, after: elsewhere }, part)).toThrow(/checksum/);
  });

  test("nonsense with a sound checksum is refused by name", () => {
    expect(() => decodePart({ last, after: null }, encodePart(null, [], null))).toThrow(/holds nothing/);
    const backwards = encodePart(null, [...pairs].reverse(), null);
    expect(() => decodePart({ last, after: null }, backwards)).toThrow(/do not ascend/);
    expect(() => decodePartRequest(new Uint8Array(3))).toThrow(/3 bytes/);
    const far = encodePartRequest({ last, after: null });
    far[0] = 0xff;
    expect(() => decodePartRequest(far)).toThrow(/below 2\^53/);
  });
});
