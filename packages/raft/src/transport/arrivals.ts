import { decodeCopy, decodeNumbering } from "./copies.js";
import { FrameType } from "./frame.js";

/** Numbers that came early and are remembered. */
const EARLY_MAX = 1024;

type HandOut = (type: number, body: Uint8Array) => void;

/**
 * What arrives from one peer on its control and its spare connection: each message is handed out once. A message
 * that comes as a copy overtakes those that are stuck on the control connection; they are handed out when they
 * come, later.
 */
export class Arrivals {
  #stream: number | null = null;
  /** The control connection has named the stream; copies of another one are those of an earlier process. */
  #named = false;
  /** Number of the next message on the control connection; null before it was named. */
  #next: number | null = null;
  /** Handed out as copies, and still to come on the control connection. */
  readonly #early = new Set<number>();
  /** Up to here nothing is handed out any more: it is not known what was. */
  #forgotten = 0;

  /** A new control connection arrived: it names the stream anew. */
  renewed(): void {
    this.#named = false;
    if (this.#next !== null) this.#forgotten = Math.max(this.#forgotten, this.#next - 1);
    this.#next = null;
  }

  /** A frame on the control connection. Throws `FrameError`. */
  onControl(type: number, body: Uint8Array, handOut: HandOut): void {
    if (type === FrameType.numbering) {
      const { stream, next } = decodeNumbering(body);
      if (stream !== this.#stream) this.#reset(stream);
      this.#named = true;
      this.#next = next;
      for (const number of this.#early) if (number < next) this.#early.delete(number);
      return;
    }
    // A peer that numbers nothing sends no copies either.
    if (this.#next === null) {
      handOut(type, body);
      return;
    }
    const number = this.#next;
    this.#next = number + 1;
    if (this.#early.delete(number) || number <= this.#forgotten) return;
    handOut(type, body);
  }

  /** A frame on the spare connection. Throws `FrameError`. */
  onSpare(frameType: number, frameBody: Uint8Array, handOut: HandOut): void {
    const { stream, number, type, body } = decodeCopy(frameType, frameBody);
    if (stream !== this.#stream) {
      if (this.#named) return;
      this.#reset(stream);
    }
    if (number < (this.#next ?? 0) || number <= this.#forgotten || this.#early.has(number)) return;
    this.#early.add(number);
    if (this.#early.size > EARLY_MAX) this.#forgetOldest();
    handOut(type, body);
  }

  #reset(stream: number): void {
    this.#stream = stream;
    this.#next = null;
    this.#early.clear();
    this.#forgotten = 0;
  }

  #forgetOldest(): void {
    for (const number of this.#early) {
      this.#early.delete(number);
      this.#forgotten = Math.max(this.#forgotten, number);
      return;
    }
  }
}
