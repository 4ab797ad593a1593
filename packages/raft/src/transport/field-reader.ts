import { FrameError } from "./frame.js";

/** Ids, incarnations, cluster names. Bounded so that an introduction always fits a handshake frame. */
export const NAME_CHARS_MAX = 128;

/** Reads the positions of one body in order; every method checks what it returns or throws `FrameError`. */
export class FieldReader {
  #at = 0;

  /** `what` names the frame in error messages. */
  constructor(
    readonly what: string,
    readonly fields: readonly unknown[],
  ) {}

  /** A safe integer ≥ `min`. */
  integer(name: string, min = 0): number {
    const value = this.#next();
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min) {
      throw this.error(name, `a safe integer of at least ${min}`, value);
    }
    return value + 0; // -0 becomes 0
  }

  integerOrNull(name: string): number | null {
    return this.#skipNull() ? null : this.integer(name);
  }

  boolean(name: string): boolean {
    const value = this.#next();
    if (typeof value !== "boolean") throw this.error(name, "a boolean", value);
    return value;
  }

  /** A non-empty string of at most `charsMax` UTF-16 units. */
  text(name: string, charsMax = NAME_CHARS_MAX): string {
    const value = this.#next();
    if (typeof value !== "string" || value.length === 0 || value.length > charsMax) {
      throw this.error(name, `a string of 1 to ${charsMax} characters`, value);
    }
    return value;
  }

  textOrNull(name: string, charsMax = NAME_CHARS_MAX): string | null {
    return this.#skipNull() ? null : this.text(name, charsMax);
  }

  bytes(name: string, length?: number): Uint8Array {
    const value = this.#next();
    if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) {
      throw this.error(name, length === undefined ? "bytes" : `${length} bytes`, value);
    }
    return value;
  }

  /** An array of arrays, each read by `read`. */
  list<T>(name: string, lengthMax: number, read: (item: FieldReader) => T): T[] {
    const value = this.#next();
    if (!Array.isArray(value) || value.length > lengthMax) {
      throw this.error(name, `an array of at most ${lengthMax}`, value);
    }
    return value.map((item: unknown) => {
      if (!Array.isArray(item)) throw this.error(name, "only arrays inside", item);
      return read(new FieldReader(`${this.what}.${name}`, item));
    });
  }

  error(name: string, expected: string, got: unknown): FrameError {
    return new FrameError(`${this.what}.${name}: expected ${expected}, got ${describe(got)}`);
  }

  #next(): unknown {
    const value = this.fields[this.#at];
    this.#at += 1;
    return value;
  }

  #skipNull(): boolean {
    if (this.fields[this.#at] !== null) return false;
    this.#at += 1;
    return true;
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return `a string of ${value.length} characters`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return value === undefined ? "nothing" : String(value);
}
