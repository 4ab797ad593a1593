/**
 * What a follower asks for, and what it gets, as bytes. Fixed positions, big-endian; indexes as u64.
 *
 *     request   index | term | after u8 | check u32 | key           (check and key: where it stands; after 0: at the start)
 *     answer    check u32 | complete u8 | head length u32 | head | pairs
 *     pair      key length u32 | key | value length u32 | value
 *     head      index of the membership | `encodeMembership`        (only when complete)
 *
 * `check` is the CRC-32 of everything from the first pair of the snapshot up to the end of this answer: a part that
 * was lost, doubled or changed on the way cannot go unnoticed.
 */
import { crc32 } from "node:zlib";
import {
  decodeMembership,
  encodeMembership,
  type LogId,
  type PlacedMembership,
  type SnapshotHead,
} from "../core/index.js";
import type { KeyValue, SnapshotCursor } from "../ports/index.js";

/** What came is no part of a snapshot, or not the part that was asked for. */
export class InvalidSnapshotPart extends Error {
  override readonly name = "InvalidSnapshotPart";
}

export interface PartRequest {
  readonly last: LogId;
  readonly after: SnapshotCursor | null;
}

export interface Part {
  readonly pairs: readonly KeyValue[];
  readonly cursor: SnapshotCursor;
  /** With the last part. */
  readonly head: SnapshotHead | null;
}

const requestHeader = 8 + 8 + 1 + 4;
const answerHeader = 4 + 1 + 4;

export function encodePartRequest({ last, after }: PartRequest): Uint8Array {
  const key = after?.key ?? new Uint8Array();
  const bytes = Buffer.allocUnsafe(requestHeader + key.length);
  bytes.writeBigUInt64BE(BigInt(last.index), 0);
  bytes.writeBigUInt64BE(BigInt(last.term), 8);
  bytes[16] = after === null ? 0 : 1;
  bytes.writeUInt32BE(after?.check ?? 0, 17);
  bytes.set(key, requestHeader);
  return bytes;
}

/** @throws InvalidSnapshotPart */
export function decodePartRequest(payload: Uint8Array): PartRequest {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < requestHeader) {
    throw new InvalidSnapshotPart(
      `a request for a snapshot has ${bytes.length} bytes, expected ${requestHeader} or more`,
    );
  }
  const last = { index: safeInteger(bytes, 0), term: safeInteger(bytes, 8) };
  if (bytes[16] === 0) return { last, after: null };
  return { last, after: { check: bytes.readUInt32BE(17), key: bytes.subarray(requestHeader) } };
}

/** @param head null while more follows */
export function encodePart(
  after: SnapshotCursor | null,
  pairs: readonly KeyValue[],
  head: SnapshotHead | null,
): Uint8Array {
  const headBytes = head === null ? Buffer.alloc(0) : encodeHead(head.membership);
  let length = answerHeader + headBytes.length;
  for (const [key, value] of pairs) length += 8 + key.length + value.length;
  const bytes = Buffer.allocUnsafe(length);
  bytes[4] = head === null ? 0 : 1;
  bytes.writeUInt32BE(headBytes.length, 5);
  bytes.set(headBytes, answerHeader);
  let at = answerHeader + headBytes.length;
  for (const [key, value] of pairs) {
    for (const part of [key, value]) {
      bytes.writeUInt32BE(part.length, at);
      bytes.set(part, at + 4);
      at += 4 + part.length;
    }
  }
  bytes.writeUInt32BE(checkOf(after, bytes), 0);
  return bytes;
}

/** @throws InvalidSnapshotPart */
export function decodePart(request: PartRequest, payload: Uint8Array): Part {
  const { last, after } = request;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < answerHeader)
    throw new InvalidSnapshotPart(`a part of a snapshot has ${bytes.length} bytes`);
  const check = checkOf(after, bytes);
  if (bytes.readUInt32BE(0) !== check) {
    throw new InvalidSnapshotPart(
      `a part of a snapshot has checksum ${check.toString(16)}, expected ${bytes.readUInt32BE(0).toString(16)}`,
    );
  }
  const headEnd = answerHeader + bytes.readUInt32BE(5);
  const pairs: KeyValue[] = [];
  let at = headEnd;
  const next = () => {
    const from = at + 4;
    const end = from > bytes.length ? Number.POSITIVE_INFINITY : from + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new InvalidSnapshotPart("a part of a snapshot ends inside a pair");
    at = end;
    return bytes.subarray(from, end);
  };
  let before = after?.key ?? null;
  while (at < bytes.length) {
    const key = next();
    if (before !== null && Buffer.compare(before, key) >= 0) {
      throw new InvalidSnapshotPart("the keys of a snapshot's part do not ascend");
    }
    before = key;
    pairs.push([key, next()]);
  }
  const key = pairs.at(-1)?.[0] ?? after?.key ?? new Uint8Array();
  const head =
    bytes[4] === 1 ? { last, membership: decodeHead(bytes.subarray(answerHeader, headEnd)) } : null;
  if (head === null && pairs.length === 0)
    throw new InvalidSnapshotPart("a part of a snapshot holds nothing");
  return { pairs, cursor: { key, check }, head };
}

function checkOf(after: SnapshotCursor | null, bytes: Buffer): number {
  return crc32(bytes.subarray(4), after?.check ?? 0);
}

function encodeHead({ index, membership }: PlacedMembership): Buffer {
  const place = Buffer.allocUnsafe(8);
  place.writeBigUInt64BE(BigInt(index));
  return Buffer.concat([place, encodeMembership(membership)]);
}

function decodeHead(bytes: Buffer): PlacedMembership {
  if (bytes.length < 8) throw new InvalidSnapshotPart("a snapshot ends without its membership");
  try {
    return { index: safeInteger(bytes, 0), membership: decodeMembership(bytes.subarray(8)) };
  } catch (cause) {
    throw new InvalidSnapshotPart(`a snapshot's membership: ${String(cause)}`, { cause });
  }
}

function safeInteger(bytes: Buffer, offset: number): number {
  const value = Number(bytes.readBigUInt64BE(offset));
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidSnapshotPart(`${value} in a snapshot's header: expected a number below 2^53`);
}
