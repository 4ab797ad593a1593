/**
 * Reads LevelDB's table files, and the manifest that lists them, before LevelDB does. LevelDB does not check
 * blocks as it reads them, and opens without a word when a bit of one has changed: keys would hide, or old values
 * come back. Here every byte of every listed table is covered by a checksum or has one possible value.
 *
 * Formats: LevelDB, `doc/table_format.md` and `db/version_edit.cc`.
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { maskedCrc32c } from "./crc32c.js";
import { DamagedStorage, StorageFailed } from "./errors.js";
import { nextRecordOffset, readLog } from "./log-format.js";
import { VarintReader } from "./varint.js";

/** Tags of a version edit. */
const tag = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

const footerLength = 48;
const magic = Buffer.from("57fb808b247547db", "hex");
/** Block type u8, masked CRC-32C u32. */
const trailerLength = 5;

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/**
 * @returns how many bytes were read
 * @throws DamagedStorage naming the file and the offset of the first fault
 */
export function verifyTables(directory: string): number {
  let bytes = 0;
  for (const [number, size] of listedTables(directory)) {
    bytes += size;
    const path = tablePath(directory, number);
    verifyTable(path, existsSync(path) ? readFileSync(path) : null, size);
  }
  return bytes;
}

/** LevelDB writes `.ldb`, older versions wrote `.sst`. */
function tablePath(directory: string, number: number): string {
  const name = String(number).padStart(6, "0");
  const path = join(directory, `${name}.ldb`);
  return existsSync(path) ? path : join(directory, `${name}.sst`);
}

/** Sizes by number of the files that the current manifest lists. */
export function listedTables(directory: string): ReadonlyMap<number, number> {
  const current = join(directory, "CURRENT");
  const text = readFileSync(current, "latin1");
  if (!/^MANIFEST-\d+\n$/.test(text)) {
    throw new DamagedStorage(current, "the name of a manifest", JSON.stringify(text.slice(0, 100)));
  }
  const path = join(directory, text.trim());
  if (!existsSync(path)) throw new DamagedStorage(path, "the manifest that CURRENT names", "no file");
  const content = readFileSync(path);
  const tables = new Map<number, number>();
  let edits = 0;
  const fault = readLog(content, (edit) => {
    edits += 1;
    return applyEdit(edit, tables);
  });
  if (fault !== null) {
    // Nothing was acknowledged on the strength of an edit that a power loss tore.
    const torn = fault.maybeTorn && nextRecordOffset(content, fault.offset) === null && edits > 0;
    if (!torn) throw new DamagedStorage(`${path}, offset ${fault.offset}`, "a sound record", fault.found);
  }
  if (edits === 0) throw new DamagedStorage(path, "a list of table files", "an empty manifest");
  return tables;
}

/** @returns what is wrong with the edit; null when it was applied */
function applyEdit(edit: Buffer, tables: Map<number, number>): string | null {
  const reader = new VarintReader(edit);
  while (!reader.atEnd) {
    switch (reader.number()) {
      case tag.comparator:
        if (reader.bytes() === null) return "an incomplete comparator name";
        break;
      case tag.logNumber:
      case tag.nextFileNumber:
      case tag.lastSequence:
      case tag.previousLogNumber:
        if (reader.number() === null) return "an incomplete number";
        break;
      case tag.compactPointer:
        if (reader.number() === null || reader.bytes() === null) return "an incomplete compaction pointer";
        break;
      case tag.deletedFile: {
        const [level, number] = [reader.number(), reader.number()];
        if (level === null || number === null) return "an incomplete deletion";
        tables.delete(number);
        break;
      }
      case tag.newFile: {
        const [level, number, size] = [reader.number(), reader.number(), reader.number()];
        const [smallest, largest] = [reader.bytes(), reader.bytes()];
        if (level === null || number === null || size === null || smallest === null || largest === null) {
          return "an incomplete table entry";
        }
        tables.set(number, size);
        break;
      }
      default:
        return "an unknown tag";
    }
  }
  return null;
}

/** `content` is null when there is no such file. */
export async function readTable(
  directory: string,
  number: number,
): Promise<{ readonly path: string; readonly content: Buffer | null }> {
  const path = tablePath(directory, number);
  try {
    return { path, content: await readFile(path) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { path, content: null };
    throw new StorageFailed(`read ${path}`, error);
  }
}

/**
 * @param content null: there is no such file
 * @param size as the manifest has it
 * @throws DamagedStorage naming the offset of the first fault
 */
export function verifyTable(path: string, content: Buffer | null, size: number): void {
  if (content === null) throw new DamagedStorage(path, "a table file that the manifest lists", "no file");
  const damaged = (offset: number, expected: string, found: string) =>
    new DamagedStorage(`${path}, offset ${offset}`, expected, found);
  if (content.length !== size) throw damaged(0, `${size} bytes`, `${content.length} bytes`);
  const footer = size - footerLength;
  if (footer < 0) throw damaged(0, "a table file", `only ${size} bytes`);
  if (!content.subarray(-magic.length).equals(magic)) {
    throw damaged(size - magic.length, "the mark of a table file", "other bytes");
  }
  const reader = new VarintReader(content, footer);
  const metaIndex = readHandle(reader);
  const index = readHandle(reader);
  if (metaIndex === null || index === null) throw damaged(footer, "two block handles", "other bytes");
  if (content.subarray(reader.offset, size - magic.length).some((byte) => byte !== 0)) {
    throw damaged(reader.offset, "zeros behind the block handles", "other bytes");
  }
  const blocks: BlockHandle[] = [metaIndex, index];
  for (const listing of [metaIndex, index]) {
    verifyBlock(content, footer, listing, damaged);
    const handles = handlesIn(content.subarray(listing.offset, listing.offset + listing.size));
    if (handles === null) throw damaged(listing.offset, "a block of block handles", "other bytes");
    for (const handle of handles) {
      verifyBlock(content, footer, handle, damaged);
      blocks.push(handle);
    }
  }
  // Blocks lie one behind the other: no byte is left that nothing covers.
  let end = 0;
  for (const { offset, size: length } of blocks.sort((a, b) => a.offset - b.offset)) {
    if (offset !== end) throw damaged(end, `a block that begins at ${end}`, `one that begins at ${offset}`);
    end = offset + length + trailerLength;
  }
  if (end !== footer) throw damaged(end, "the footer", "bytes of no block");
}

function verifyBlock(
  content: Buffer,
  limit: number,
  { offset, size }: BlockHandle,
  damaged: (offset: number, expected: string, found: string) => DamagedStorage,
): void {
  const end = offset + size;
  if (end + trailerLength > limit) throw damaged(offset, "a block within the file", `${size} bytes`);
  if (content.readUInt32LE(end + 1) !== maskedCrc32c(content, offset, end + 1)) {
    throw damaged(offset, "a sound block", "a bad checksum");
  }
}

function readHandle(reader: VarintReader): BlockHandle | null {
  const [offset, size] = [reader.number(), reader.number()];
  return offset === null || size === null ? null : { offset, size };
}

/**
 * The values of a block: entries `shared | unshared | value length` as varints, rest of the key, value; behind them
 * the restart points, u32 each, and their count.
 *
 * @returns null when the block does not hold block handles
 */
function handlesIn(block: Buffer): BlockHandle[] | null {
  if (block.length < 4) return null;
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) return null;
  const reader = new VarintReader(block.subarray(0, end));
  const handles: BlockHandle[] = [];
  while (!reader.atEnd) {
    const [shared, unshared, length] = [reader.number(), reader.number(), reader.number()];
    if (shared === null || unshared === null || length === null) return null;
    const value = reader.offset + unshared;
    if (value + length > end) return null;
    const handle = readHandle(new VarintReader(reader.content.subarray(value, value + length)));
    if (handle === null) return null;
    handles.push(handle);
    reader.offset = value + length;
  }
  return handles;
}
