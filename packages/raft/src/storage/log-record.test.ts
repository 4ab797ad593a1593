import { describe, expect, test } from "vitest";
import { type Entry, EntryType } from "../core/index.js";
import { DamagedStorage, UnknownFormat } from "./errors.js";
import { chainValueOf, decodeLogRecord, encodeLogRecord, verifyChain } from "./log-record.js";
import { logKey } from "./prefixes.js";
import { seal } from "./sealed.js";

const entry: Entry = { index: 7, term: 2 ** 33 + 3, type: EntryType.application, data: Buffer.from("data") };
const key = logKey(1, 7);
const record = encodeLogRecord(key, entry, 0xdeadbeef);

describe("log record", () => {
  test("reads what was written, the data as a view of the record", () => {
    const decoded = decodeLogRecord("dir", key, record, 7);
    expect(decoded.entry).toEqual(entry);
    expect(decoded.entry.data.buffer).toBe(record.buffer);
    expect(decoded.chain).toBe(chainValueOf(record));
  });

  // Data on disks: a change here is a new format version.
  test("version 1 is these bytes", () => {
    const bytes = encodeLogRecord(
      logKey(1, 1),
      { index: 1, term: 2, type: EntryType.noOp, data: Buffer.from("x") },
      3,
    );
    expect(bytes.subarray(4).toString("hex")).toBe(`01${"00"}${"0000000000000002"}${"00000003"}${"78"}`);
    expect(bytes.subarray(0, 4).toString("hex")).toBe("35a282a1");
  });

  test("the chain value depends on entry, index and everything before", () => {
    const chains = [
      record,
      encodeLogRecord(key, entry, 0xdeadbeee),
      encodeLogRecord(logKey(1, 8), { ...entry, index: 8 }, 0xdeadbeef),
      encodeLogRecord(logKey(2, 7), entry, 0xdeadbeef),
      encodeLogRecord(key, { ...entry, term: 1 }, 0xdeadbeef),
      encodeLogRecord(key, { ...entry, type: EntryType.noOp }, 0xdeadbeef),
      encodeLogRecord(key, { ...entry, data: Buffer.from("Data") }, 0xdeadbeef),
    ].map(chainValueOf);
    expect(new Set(chains).size).toBe(chains.length);
  });

  test("too short, or cut, is named", () => {
    for (let length = 0; length < record.length; length++) {
      expect(() => decodeLogRecord("dir", key, record.subarray(0, length), 7)).toThrow(DamagedStorage);
    }
    expect(() => decodeLogRecord("dir", key, record.subarray(0, 17), 7)).toThrow(
      /dir, log entry 7: expected a record of at least 18 bytes, found 17 bytes/,
    );
  });

  test("a sound record of an unknown version or type is no damage", () => {
    const newer = Buffer.from(record);
    newer[4] = 2;
    expect(() => decodeLogRecord("dir", key, seal(key, newer), 7)).toThrow(UnknownFormat);
    const other = Buffer.from(record);
    other[5] = 9;
    expect(() => decodeLogRecord("dir", key, seal(key, other), 7)).toThrow(/type of entry has format 9/);
  });

  test("another predecessor is named with both chain values", () => {
    expect(() => verifyChain("dir", record, 7, 0xdeadbeef)).not.toThrow();
    expect(() => verifyChain("dir", record, 7, 1)).toThrow(
      /log entry 7: expected a record that follows chain value 00000001 of entry 6, found one that follows deadbeef/,
    );
  });
});
