/**
 * A value under a checksum: `crc32 u32 | payload`. The checksum covers the key as well, so a sound value
 * that turns up under another key is noticed. LevelDB checks its own block checksums neither on read nor
 * strictly on recovery, therefore this one.
 */
import { crc32 } from "node:zlib";

/** Bytes before the payload. */
export const sealLength = 4;

/** What a broken seal looks like; the caller knows the place and makes the error. */
export interface BrokenSeal {
  readonly expected: string;
  readonly found: string;
}

/** Puts the checksum into the first bytes of `value`, whose payload is already in place. */
export function seal(key: Uint8Array, value: Buffer): Buffer {
  value.writeUInt32BE(crc32(value.subarray(sealLength), crc32(key)), 0);
  return value;
}

/** A sealed copy of `payload`. */
export function sealed(key: Uint8Array, payload: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(sealLength + payload.length);
  value.set(payload, sealLength);
  return seal(key, value);
}

/** Null when `value` is what was sealed under `key`. */
export function brokenSeal(key: Uint8Array, value: Buffer): BrokenSeal | null {
  if (value.length < sealLength) {
    return { expected: `at least ${sealLength} bytes`, found: `${value.length} bytes` };
  }
  const stored = value.readUInt32BE(0);
  const computed = crc32(value.subarray(sealLength), crc32(key));
  if (stored === computed) return null;
  return { expected: `checksum ${hex(stored)} as stored`, found: `bytes with checksum ${hex(computed)}` };
}

export function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
