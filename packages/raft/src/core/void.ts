/** The data of a void entry: the index of the entry that it strikes out, as a big-endian unsigned 64-bit number. */
import type { Index } from "./types.js";

export function encodeVoid(index: Index): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt(index));
  return data;
}

/** Null for bytes that are none. */
export function decodeVoid(data: Uint8Array): Index | null {
  if (data.length !== 8) return null;
  const index = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0));
  return Number.isSafeInteger(index) && index > 0 ? index : null;
}
