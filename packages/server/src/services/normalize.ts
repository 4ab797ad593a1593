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
export function normalize(input: unknown, path: string): Value {
  return copyOf(input, new Place(path));
}

function copyOf(input: unknown, place: Place): Value {
  const scalar = scalarOf(input, place);
  if (scalar instanceof Uint8Array) return new Uint8Array(scalar);
  if (scalar !== undefined) return scalar;
  const container = input as unknown[] | Readonly<Record<string, unknown>>;
  return Array.isArray(container) ? copyArray(container, place) : copyStruct(container, place);
}

function copyArray(items: readonly unknown[], place: Place): Value[] {
  const at = place.enter(items);
  const copy: Value[] = [];
  // By index, which visits holes, too.
  for (let index = 0; index < items.length; index++) {
    place.steps[at] = index;
    copy.push(copyOf(items[index], place));
  }
  place.steps.pop();
  return copy;
}

function copyStruct(members: Readonly<Record<string, unknown>>, place: Place): Struct {
  const names = memberNames(members, place);
  const at = place.enter(members);
  const copy = struct();
  for (const name of names) {
    place.steps[at] = name;
    copy[name] = copyOf(members[name], place);
  }
  place.steps.pop();
  return copy;
}

/** Where in a handler's data we are, for the error that may come. */
export class Place {
  /** Indexes and names, outermost first; as many as containers are open. */
  readonly steps: (string | number)[] = [];
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Goes into an array or object, and returns the position of its step. Throws `TypeMismatch` when that is too deep. */
  enter(input: object): number {
    if (this.steps.length >= valueDepthMax) {
      throw new TypeMismatch(this.toString(), `at most ${valueDepthMax} containers inside each other`, input);
    }
    return this.steps.push("") - 1;
  }

  toString(): string {
    let path = this.#root;
    for (const step of this.steps) path += typeof step === "number" ? `[${step}]` : `.${step}`;
    return path;
  }
}

/** What holds no other values, as a value; undefined for an array or an object. Throws `TypeMismatch`. */
export function scalarOf(input: unknown, place: Place): Value | undefined {
  switch (typeof input) {
    case "boolean":
      return input;
    case "number":
      return finite(input, place);
    case "bigint":
      if (!fitsI8(input)) {
        throw new TypeMismatch(place.toString(), "an integer of at most 64 bits", input);
      }
      return input;
    case "string":
      return sendable(input, place);
    case "object":
      return input === null ? null : scalarObject(input, place);
    default:
      throw new TypeMismatch(place.toString(), "a value (null is nil)", input);
  }
}

function scalarObject(input: object, place: Place): Value | undefined {
  if (Array.isArray(input)) return undefined;
  if (input instanceof Double) return new Double(finite(input.value, place));
  if (input instanceof DateTime || input instanceof Uint8Array) return input;
  if (input instanceof Date) return dateTime(input, place);
  return undefined;
}

/** The names of a plain object's members. Throws `TypeMismatch` for an object of a class, and for names that cannot be sent. */
export function memberNames(input: object, place: Place): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(input);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeMismatch(place.toString(), "a plain object for a struct", prototypeName(input));
  }
  const names = Object.keys(input);
  for (const name of names) sendable(name, place);
  return names;
}

/** An instance is named in the error by its class, through a string that `describe` quotes. */
function prototypeName(input: object): string {
  return `instance of ${input.constructor?.name ?? "a class"}`;
}

export function fitsI8(input: bigint): boolean {
  return input >= i8Min && input <= i8Max;
}

/** Whether XML 1.0 can carry all of a text's characters. */
export function isSendable(input: string): boolean {
  return !suspect.test(input) || !unsendable.test(input);
}

function finite(input: number, place: Place): number {
  if (Number.isFinite(input)) return input;
  throw new TypeMismatch(place.toString(), "a finite number", input);
}

function sendable(input: string, place: Place): string {
  if (isSendable(input)) return input;
  const code = unsendable.exec(input)?.[0].codePointAt(0) ?? 0;
  throw new TypeMismatch(
    place.toString(),
    "characters that XML allows",
    `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

function dateTime(input: Date, place: Place): DateTime {
  try {
    return DateTime.fromDate(input);
  } catch {
    throw new TypeMismatch(place.toString(), "a valid Date without milliseconds", input.getTime());
  }
}

/** A deep copy of what is known to be a value. */
export function copyValue(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Double || value instanceof DateTime) return value;
  const copy = struct();
  for (const name of Object.keys(value)) copy[name] = copyValue(value[name] as Value);
  return copy;
}
