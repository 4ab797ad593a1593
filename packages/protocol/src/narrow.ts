/** Stands for a unit beyond ASCII: a byte that is neither markup nor white space. */
const other = 0xc0;

/** Typed arrays have the machine's order of bytes. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** To touch new memory takes longer than all the rest, so it is used again, unless it was collected meanwhile. */
let kept = new WeakRef<Buffer>(Buffer.alloc(0));

/**
 * UTF-16 with one byte for each unit, for who looks for markup only: ASCII as it is, all else as one and the same byte.
 * @returns memory that the next call writes over
 */
export function narrow(document: Buffer, encoding: "utf-16le" | "utf-16be"): Buffer {
  const units = unitsOf(document);
  const narrowed = memory(units.length);
  // Of a unit in the machine's order, or swapped: what is 0 in ASCII, and where the character is.
  const isSwapped = (encoding === "utf-16le") !== littleEndian;
  const beyondAscii = isSwapped ? 0x80ff : 0xff80;
  const shift = isSwapped ? 8 : 0;
  for (let at = 0; at < units.length; at++) {
    const unit = units[at] ?? 0;
    narrowed[at] = (unit & beyondAscii) === 0 ? unit >>> shift : other;
  }
  return narrowed;
}

function memory(length: number): Buffer {
  let found = kept.deref();
  if (found === undefined || found.length < length) {
    found = Buffer.allocUnsafeSlow(length);
    kept = new WeakRef(found);
  }
  return found.subarray(0, length);
}

/** A view of the bytes two by two; of a copy where they lie unevenly. */
function unitsOf(document: Buffer): Uint16Array {
  const { buffer, byteOffset } = document.byteOffset % 2 === 0 ? document : Buffer.from(document);
  return new Uint16Array(buffer, byteOffset, document.length >> 1);
}
