/**
 * LevelDB's log format, which its write-ahead logs and its manifests share (LevelDB, `doc/log_format.md`):
 * blocks of 32 KiB; records of `masked CRC-32C u32 | length u16 | type u8 | data`, little-endian, types full 1,
 * first 2, middle 3, last 4; a block's last bytes are zero when no header fits.
 */
import { maskedCrc32c } from "./crc32c.js";

const blockLength = 32 * 1024;
const headerLength = 7;
const pieceType = { full: 1, first: 2, middle: 3, last: 4 } as const;

interface Piece {
  readonly type: number;
  readonly data: Buffer;
  /** Offset of the byte behind it. */
  readonly end: number;
}

/** What is wrong with a file, and where. */
export interface LogFault {
  readonly offset: number;
  readonly found: string;
  /** A write that was cut off may look like this. */
  readonly maybeTorn: boolean;
}

/**
 * Hands every record to `visit` until it names what is wrong with one.
 *
 * @returns the first fault; null when the file is sound to its end
 */
export function readLog(content: Buffer, visit: (record: Buffer) => string | null): LogFault | null {
  let offset = 0;
  let pieces: Buffer[] = [];
  while (offset < content.length) {
    const left = blockLength - (offset % blockLength);
    if (left < headerLength) {
      offset += left;
      continue;
    }
    const piece = pieceAt(content, offset);
    if (piece === null) return { offset, found: "a bad checksum or header", maybeTorn: true };
    // From here on every byte is as LevelDB wrote it: what does not fit together was not torn.
    const continues = piece.type === pieceType.middle || piece.type === pieceType.last;
    if (continues !== pieces.length > 0) {
      return { offset, found: "a piece of another record", maybeTorn: false };
    }
    pieces.push(piece.data);
    if (piece.type === pieceType.full || piece.type === pieceType.last) {
      const found = visit(pieces.length === 1 ? piece.data : Buffer.concat(pieces));
      if (found !== null) return { offset, found, maybeTorn: false };
      pieces = [];
    }
    offset = piece.end;
  }
  return null;
}

/** Where a record begins behind `bad`; a middle or last piece alone may belong to the same torn write. */
export function nextRecordOffset(content: Buffer, bad: number): number | null {
  for (let offset = bad + 1; offset + headerLength <= content.length; offset++) {
    const type = content[offset + 6];
    if (type !== pieceType.full && type !== pieceType.first) continue;
    if (pieceAt(content, offset) !== null) return offset;
  }
  return null;
}

function pieceAt(content: Buffer, offset: number): Piece | null {
  const left = Math.min(blockLength - (offset % blockLength), content.length - offset);
  if (left < headerLength) return null;
  const length = content.readUInt16LE(offset + 4);
  const type = content.readUInt8(offset + 6);
  if (type < pieceType.full || type > pieceType.last || length > left - headerLength) return null;
  const end = offset + headerLength + length;
  if (content.readUInt32LE(offset) !== maskedCrc32c(content, offset + 6, end)) return null;
  return { type, data: content.subarray(offset + headerLength, end), end };
}
