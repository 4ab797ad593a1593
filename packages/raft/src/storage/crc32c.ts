/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of LevelDB's files; eight bytes at a time, because
 * a node checks all its files before it starts ("slicing by 8": Kounavis and Berry, 2005).
 */
const polynomial = 0x82f63b78;

const bytewise = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

function after(previous: Int32Array): Int32Array {
  return previous.map((crc) => (bytewise[crc & 0xff] ?? 0) ^ (crc >>> 8));
}

const t0 = bytewise;
const t1 = after(t0);
const t2 = after(t1);
const t3 = after(t2);
const t4 = after(t3);
const t5 = after(t4);
const t6 = after(t5);
const t7 = after(t6);

/** Of `content[from…to)`, as an unsigned number. */
export function crc32c(content: Uint8Array, from: number, to: number): number {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let crc = -1;
  let offset = from;
  for (; offset + 8 <= to; offset += 8) {
    const low = view.getInt32(offset, true) ^ crc;
    const high = view.getInt32(offset + 4, true);
    crc =
      (t7[low & 0xff] ?? 0) ^
      (t6[(low >>> 8) & 0xff] ?? 0) ^
      (t5[(low >>> 16) & 0xff] ?? 0) ^
      (t4[low >>> 24] ?? 0) ^
      (t3[high & 0xff] ?? 0) ^
      (t2[(high >>> 8) & 0xff] ?? 0) ^
      (t1[(high >>> 16) & 0xff] ?? 0) ^
      (t0[high >>> 24] ?? 0);
  }
  for (; offset < to; offset++) crc = (t0[(crc ^ (content[offset] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** LevelDB stores CRCs of data that may hold CRCs rotated and shifted (`util/crc32c.h`). */
export function maskedCrc32c(content: Uint8Array, from: number, to: number): number {
  const crc = crc32c(content, from, to);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
