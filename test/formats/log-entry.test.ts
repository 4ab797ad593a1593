import { isDeepStrictEqual } from "node:util";
import type { Value } from "@quorate/protocol";
import {
  decodeLogEntry,
  encodeLogEntry,
  type LogEntry,
  LogEntryError,
  packValue,
} from "@quorate/server/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { text, value } from "./arbitraries.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const entry: LogEntry = {
  kind: "command",
  service: "kv",
  sha256: "0123456789abcdef".repeat(4),
  method: "kv.set",
  params: ["k", 1],
  session: null,
  seq: 0,
  lowestUnanswered: 0,
  key: null,
  keyHash: null,
  caller: "",
  now: 1_700_000_000_000,
  elapsed: 1234,
  seed: Uint8Array.from({ length: 16 }, (_, at) => at),
};

/** The array that `entry` is packed from, with one field replaced. */
function fields(at = -1, replacement: Value = null): Value[] {
  const { sha256, seed, params, service, method, now, elapsed } = entry;
  const hash = Uint8Array.from(Buffer.from(sha256, "hex"));
  const all: Value[] = [
    1,
    1,
    service,
    hash,
    method,
    [...params],
    null,
    0,
    0,
    null,
    null,
    "",
    now,
    elapsed,
    seed,
  ];
  return all.with(at, replacement);
}

describe("log entry v1", () => {
  it("is stored as it always has been", () => {
    // A change here is a change of format: it needs a new version, not a new fixture.
    expect(hex(encodeLogEntry(entry))).toBe(
      "9f0101a26b76c4200123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefa66b762e73657492a16b01" +
        "c00000c0c0a0cb4278bcfe56800000cd04d2c410000102030405060708090a0b0c0d0e0f",
    );
  });

  it("gives back what it was made of", () => {
    const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const any: fc.Arbitrary<LogEntry> = fc.record(
      {
        kind: fc.constantFrom("command", "batch"),
        service: text,
        sha256: bytesOf(32).map(hex),
        method: text,
        params: fc.array(value, { maxLength: 4 }),
        session: fc.option(text),
        seq: whole,
        lowestUnanswered: whole,
        key: fc.option(text),
        keyHash: fc.option(bytesOf(32)),
        caller: text,
        now: whole,
        elapsed: whole,
        seed: bytesOf(16),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(any, (each) => {
        expect(isDeepStrictEqual(decodeLogEntry(encodeLogEntry(each)), each)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, Value[], RegExp]>([
    ["another version", fields(0, 2), /^log entry format 2 is unknown; this version reads 1/],
    ["a reserved kind", fields(1, 5), /^log entry kind 5 is unknown to this version/],
    ["an unknown kind", fields(1, 99), /^log entry kind 99 is unknown/],
    ["a missing field", fields().slice(0, 14), /has 14 fields, not 15/],
    ["a field too many", [...fields(), 1], /has 16 fields, not 15/],
    ["a service that is no text", fields(2, 1), /field service: expected a string, got 1/],
    ["a short hash", fields(3, Uint8Array.of(1)), /field sha256: expected 32 bytes/],
    ["params that are no array", fields(5, "x"), /field params: expected an array, got "x"/],
    ["a session that is no text", fields(6, 1), /field session/],
    ["a negative sequence", fields(7, -1), /field seq: expected a whole number from 0, got -1/],
    ["a broken time", fields(12, 1.5), /field now: expected a whole number/],
    ["a negative zero", fields(13, -0), /field elapsed/],
    ["a long seed", fields(14, new Uint8Array(17)), /field seed: expected 16 bytes/],
  ])("refuses %s by name", (_, each, sentence) => {
    expect(() => decodeLogEntry(packValue(each))).toThrow(LogEntryError);
    expect(() => decodeLogEntry(packValue(each))).toThrow(sentence);
  });

  it("refuses anything else by name", () => {
    expect(() => decodeLogEntry(packValue(1))).toThrow(LogEntryError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(() => decodeLogEntry(bytes)).toThrow(LogEntryError);
      }),
    );
  });

  it("is not written with what could not be read", () => {
    expect(() => encodeLogEntry({ ...entry, now: Number.NaN })).toThrow(LogEntryError);
    expect(() => encodeLogEntry({ ...entry, sha256: "abc" })).toThrow(LogEntryError);
    expect(() => encodeLogEntry({ ...entry, seed: new Uint8Array(3) })).toThrow(LogEntryError);
  });
});
