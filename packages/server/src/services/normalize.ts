/** From whatever a handler returned or stored to a value that can be stored, compared and sent. */
import { DateTime, Double, type Struct, struct, type Value } from "@quorate/protocol";
import { valueDepthMax } from "../state/budgets.js";
import { TypeMismatch } from "./type.js";

const i8Min = -(2n ** 63n);
const i8Max = 2n ** 63n - 1n;
/** Characters that XML 1.0 cannot carry (section 2.2), lone surrogates included. */
const unsendable = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

/** Those characters and every surrogate: seen by UTF-16 unit, in a part of the time. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const suspect = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/;

/**
 * Copies `input` deeply, so that nobody changes it afterwards: plain objects become structs, a `Date` a
 * `DateTime`, a `Buffer` a `Uint8Array`. What XML-RPC cannot carry is refused here and not on the way out,
 * where the command would already have been executed.
 * Throws `TypeMismatch` naming the place.
 */
export function normalize(input: unknown, path: string, depth = 0): Value {
  switch (typeof input) {
    case "boolean":
      return input;
    case "number":
      return finite(input, path);
    case "bigint":
      if (input < i8Min || input > i8Max)
        throw new TypeMismatch(path, "an integer of at most 64 bits", input);
      return input;
    case "string":
      return sendable(input, path);
    case "object":
      return input === null ? null : normalizeObject(input, path, depth);
    default:
      throw new TypeMismatch(path, "a value (null is nil)", input);
  }
}

function normalizeObject(input: object, path: string, depth: number): Value {
  if (input instanceof Double) return new Double(finite(input.value, path));
  if (input instanceof DateTime) return input;
  if (input instanceof Uint8Array) return new Uint8Array(input);
  if (input instanceof Date) return dateTime(input, path);
  if (depth >= valueDepthMax) {
    throw new TypeMismatch(path, `at most ${valueDepthMax} containers inside each other`, input);
  }
  if (Array.isArray(input)) {
    return Array.from(input, (item, index) => normalize(item, `${path}[${index}]`, depth + 1));
  }
  const prototype: unknown = Object.getPrototypeOf(input);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeMismatch(path, "a plain object for a struct", prototypeName(input));
  }
  const result: Struct = struct();
  for (const [name, member] of Object.entries(input)) {
    result[sendable(name, path)] = normalize(member, `${path}.${name}`, depth + 1);
  }
  return result;
}

/** An instance is named in the error by its class, through a string that `describe` quotes. */
function prototypeName(input: object): string {
  return `instance of ${input.constructor?.name ?? "a class"}`;
}

function finite(input: number, path: string): number {
  if (Number.isFinite(input)) return input;
  throw new TypeMismatch(path, "a finite number", input);
}

function sendable(input: string, path: string): string {
  if (!suspect.test(input)) return input;
  const bad = unsendable.exec(input);
  if (bad === null) return input;
  const code = bad[0].codePointAt(0) ?? 0;
  throw new TypeMismatch(
    path,
    "characters that XML allows",
    `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

function dateTime(input: Date, path: string): DateTime {
  try {
    return DateTime.fromDate(input);
  } catch {
    throw new TypeMismatch(path, "a valid Date without milliseconds", input.getTime());
  }
}

/** A deep copy of what is known to be a value. */
export function copyValue(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Double || value instanceof DateTime) return value;
  return struct(Object.entries(value).map(([name, member]) => [name, copyValue(member)]));
}
