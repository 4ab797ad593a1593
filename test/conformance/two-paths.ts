/** Wherever the fast path yields a value, the full path is to yield the same. */
import {
  DecodeError,
  type DecodeOptions,
  decodeCall,
  decodeCallFast,
  decodeResponse,
  decodeResponseFast,
  defaultLimits,
  type Limits,
} from "@quorate/protocol";

export const calls = { fast: decodeCallFast, decode: decodeCall };
export const responses = { fast: decodeResponseFast, decode: decodeResponse };

/** The text of a UTF-8 document without byte order mark, as the decoder has it. */
export const textOf = (document: string) => Buffer.from(document).toString().replace(/\r\n?/g, "\n");

/**
 * Compares the two paths; returns whether the fast one read the document, as a call or as an answer.
 * @throws Error when they differ
 */
export function agree(document: string, limits: Partial<Limits> = {}): boolean {
  let taken = false;
  for (const { fast, decode } of [calls, responses]) {
    const result = fast(textOf(document), { ...defaultLimits, ...limits });
    if (result === undefined) continue;
    taken = true;
    const full = outcome(decode, Buffer.from(document), { charset: "utf-8", limits, fastPath: false });
    if (!same(result, full)) {
      throw new Error(`${JSON.stringify(document)}\nfast: ${shown(result)}\nfull: ${shown(full)}`);
    }
  }
  return taken;
}

type Decode = (bytes: Uint8Array, options: DecodeOptions) => unknown;

export function outcome(decode: Decode, bytes: Uint8Array, options: DecodeOptions): unknown {
  try {
    return decode(bytes, options);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

/** Deeper than equality: the same classes, the same order of members, -0 apart from 0. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [left, right] = [keysOf(a), keysOf(b)];
  return (
    left.length === right.length &&
    left.every((key, index) => key === right[index] && same(Reflect.get(a, key), Reflect.get(b, key)))
  );
}

const keysOf = (value: object) =>
  Reflect.ownKeys(value).filter((key) => !(value instanceof Error && key === "stack"));

export function shown(value: unknown): string {
  if (value instanceof Error) return `${value.name} ${value.message}`;
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}
