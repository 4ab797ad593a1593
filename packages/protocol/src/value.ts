import { DateTime } from "./date-time.js";

/**
 * A value as XML-RPC knows it, as decoding yields it.
 *
 * | XML-RPC | here |
 * |---|---|
 * | int, i4 | `number` |
 * | double | `number`; `Double` when integral or -0, so that it stays a double when written again |
 * | i8 | `bigint` |
 * | boolean | `boolean` |
 * | string, untyped | `string` |
 * | dateTime.iso8601 | `DateTime` |
 * | base64 | `Uint8Array` |
 * | array | `Value[]` |
 * | struct | `Struct` |
 * | nil | `null` |
 */
export type Value =
  | number
  | Double
  | bigint
  | boolean
  | string
  | DateTime
  | Uint8Array
  | null
  | Value[]
  | Struct;

/** Decoded structs have no prototype, so that a member called `__proto__` is a member like any other. */
export interface Struct {
  [name: string]: Value;
}

/** What the encoder takes: any `Value`, plain objects as structs, and a JavaScript `Date`. */
export type Encodable =
  | Exclude<Value, Value[] | Struct>
  | Date
  | readonly Encodable[]
  | { readonly [name: string]: Encodable };

/** A number that is written as `<double>` even when it is integral: peers tell 3 from 3.0. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

/** The XML-RPC type that a value is written as. */
export type ValueType =
  | "int"
  | "i8"
  | "boolean"
  | "double"
  | "string"
  | "dateTime.iso8601"
  | "base64"
  | "array"
  | "struct"
  | "nil";

/** The XML-RPC type of a value: an integer within 32 bits is an int, any other number a double. */
export function typeOf(value: Value): ValueType {
  switch (typeof value) {
    case "number":
      return isInt(value) ? "int" : "double";
    case "bigint":
      return "i8";
    case "boolean":
      return "boolean";
    case "string":
      return "string";
    default:
      if (value === null) return "nil";
      if (Array.isArray(value)) return "array";
      if (value instanceof Double) return "double";
      if (value instanceof DateTime) return "dateTime.iso8601";
      if (value instanceof Uint8Array) return "base64";
      return "struct";
  }
}

/** Whether a number is written as `<int>`: integral, within 32 bits, and not -0. */
export function isInt(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value && !Object.is(value, -0);
}

export function isArray(value: Value): value is Value[] {
  return Array.isArray(value);
}

export function isStruct(value: Value): value is Struct {
  return typeof value === "object" && typeOf(value) === "struct";
}

/**
 * A struct without prototype, with these members. Taking the prototype away from an object keeps V8's compact
 * form of it; what `Object.create(null)` makes is a hash table, which takes three times the memory and five
 * times as long to fill and to look through.
 */
export function struct(members?: Iterable<readonly [name: string, value: Value]>): Struct {
  const result: Struct = Object.setPrototypeOf({}, null);
  if (members !== undefined) for (const [name, value] of members) result[name] = value;
  return result;
}

/**
 * Deep equality of two values. `Double` counts as the number it wraps and -0 as 0; an i8 never equals
 * an int; structs are sets of members; bytes and dates are compared by what was written.
 */
export function valuesEqual(a: Value, b: Value): boolean {
  const left = a instanceof Double ? a.value : a;
  const right = b instanceof Double ? b.value : b;
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && arraysEqual(left, right);
  }
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && bytesEqual(left, right);
  }
  if (left instanceof DateTime || right instanceof DateTime) {
    return left instanceof DateTime && right instanceof DateTime && left.text === right.text;
  }
  return structsEqual(left as Struct, right as Struct);
}

function arraysEqual(a: Value[], b: Value[]): boolean {
  return a.length === b.length && a.every((item, index) => valuesEqual(item, b[index] as Value));
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function structsEqual(a: Struct, b: Struct): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && valuesEqual(a[name] as Value, b[name] as Value));
}
