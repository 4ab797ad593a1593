/** From here on a text is turned into bytes: small enough for young memory, large enough to be rarely done. */
const pieceChars = 16 * 1024;

/**
 * A document that is written from beginning to end. A small one is one text until it is bytes; a large one becomes bytes
 * on the way, because to put together and read out one long text costs more memory, and so time, than the rest of
 * the writing.
 */
export class DocumentBuilder {
  readonly #parts: Buffer[] = [];

  /**
   * Takes what was written so far, if it is long enough to become bytes, and returns what goes on: nothing, or `text`
   * itself. No surrogate pair may be divided between two texts.
   */
  take(text: string): string {
    if (text.length < pieceChars) return text;
    this.#parts.push(Buffer.from(text, "utf8"));
    return "";
  }

  /** As `take`, with an addition that may be long and has no character beyond U+007F. */
  takeAscii(text: string, ascii: string): string {
    if (ascii.length < pieceChars) return text + ascii;
    this.#parts.push(Buffer.from(text, "utf8"), Buffer.from(ascii, "latin1"));
    return "";
  }

  /** The whole, whose end `text` is; nobody else has it. */
  end(text: string): Buffer {
    const last = Buffer.from(text, "utf8");
    return this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
  }
}
