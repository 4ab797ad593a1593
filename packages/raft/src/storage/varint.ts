/** Reads what LevelDB writes: varints, and bytes after their length as a varint (LevelDB, `util/coding.h`). */
export class VarintReader {
  constructor(
    readonly content: Buffer,
    public offset = 0,
  ) {}

  get atEnd(): boolean {
    return this.offset === this.content.length;
  }

  /** Null behind the end. */
  byte(): number | null {
    const byte = this.content[this.offset];
    if (byte === undefined) return null;
    this.offset += 1;
    return byte;
  }

  /** Null when it does not end, or is beyond 2^53: no length or number of a sound file is. */
  number(): number | null {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      if (byte === null || scale > Number.MAX_SAFE_INTEGER) return null;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : null;
      scale *= 0x80;
    }
  }

  /** Null when fewer bytes follow than the length says. */
  bytes(): Buffer | null {
    const length = this.number();
    if (length === null || this.offset + length > this.content.length) return null;
    const bytes = this.content.subarray(this.offset, this.offset + length);
    this.offset += length;
    return bytes;
  }
}
