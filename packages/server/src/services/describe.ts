/** What documentation says of parameters and results, in words; and values that would pass. */
import { DateTime, Double, type Struct, struct, type Value } from "@quorate/protocol";
import { isRest, type ParameterTypes } from "./parameters.js";
import { type Type, TypeMismatch } from "./type.js";

export interface ParameterDescription {
  readonly name: string;
  /** As in `array of struct { sku: string, units: int }`. */
  readonly type: string;
  /** Bounds, default and the like; empty when there are none. */
  readonly note: string;
  readonly optional: boolean;
  /** Stands for any number of parameters; then it is the last one. */
  readonly many: boolean;
  /** A value that passes the checks, as far as one can be made up. */
  readonly example: Value;
}

export function describeParameters(params: ParameterTypes): readonly ParameterDescription[] {
  return params.map((param): ParameterDescription => {
    const type = isRest(param) ? param.rest : param;
    const name = type.name ?? "value";
    return {
      name,
      type: typeText(type),
      note: noteOf(type),
      optional: isRest(param) || type.omittable,
      many: isRest(param),
      example: exampleOf(type, name),
    };
  });
}

export function typeText(type: Type<unknown>): string {
  const { item, members } = type.shape;
  if (item !== undefined) return `array of ${typeText(item)}`;
  if (members === undefined) return type.word;
  const list = [...members].map(
    ([name, member]) => `${name}${member.omittable ? "?" : ""}: ${typeText(member)}`,
  );
  return `struct { ${list.join(", ")} }`;
}

const units: Readonly<Record<string, string>> = { string: " characters", base64: " bytes", array: " items" };

function noteOf(type: Type<unknown>): string {
  const { min, max, pattern } = type.shape;
  const unit = units[type.word] ?? "";
  const notes: string[] = [];
  if (min !== undefined && max !== undefined) notes.push(`${min} to ${max}${unit}`);
  else if (min !== undefined) notes.push(`at least ${min}${unit}`);
  else if (max !== undefined) notes.push(`at most ${max}${unit}`);
  if (pattern !== undefined) notes.push(`matches ${pattern}`);
  const { whenOmitted } = type;
  if (["string", "number", "bigint", "boolean"].includes(typeof whenOmitted)) {
    notes.push(
      `default ${typeof whenOmitted === "string" ? JSON.stringify(whenOmitted) : String(whenOmitted)}`,
    );
  }
  return notes.join("; ");
}

/** Arrays that must be longer than this are shown too short. */
const itemsMax = 200;
/** Likewise texts and bytes. */
const sizeMax = 1000;

/** `hint` says what the value is for: a parameter's or member's name. */
export function exampleOf(type: Type<unknown>, hint: string): Value {
  const given = type.example ?? type.whenOmitted;
  if (given !== undefined) return type.emit(given, hint);
  const { min, max, item, members } = type.shape;
  switch (type.word) {
    case "int":
      return clamp(1, min, max);
    case "i8":
      return BigInt(clamp(1, min, max));
    case "double": {
      const number = clamp(1.5, min, max);
      return Number.isInteger(number) ? new Double(number) : number;
    }
    case "boolean":
      return true;
    case "dateTime.iso8601":
      return new DateTime("20260131T12:00:00");
    case "base64":
      return Buffer.from(fitted("hello", min, max));
    case "nil":
      return null;
    case "array":
      return Array.from({ length: clamp(1, min, itemsMax) }, () =>
        item === undefined ? hint : exampleOf(item, singular(hint)),
      );
    case "struct":
      return members === undefined ? struct([["name", "value"]]) : exampleStruct(members);
    default:
      return exampleText(type, hint);
  }
}

function exampleStruct(members: ReadonlyMap<string, Type<unknown>>): Struct {
  const required = [...members].filter(([, member]) => !member.omittable);
  return struct(required.map(([name, member]) => [name, exampleOf(member, name)] as const));
}

/** The first of some usual texts that passes; a pattern may fit none of them, then its author can give one. */
function exampleText(type: Type<unknown>, hint: string): string {
  const { min, max } = type.shape;
  const fit = (text: string) => fitted(text, min, max);
  const usual = [
    hint,
    "a",
    "A",
    "1",
    "a1",
    "A1",
    "a-1",
    "2026-01-31",
    "name@example.com",
    "https://example.com/",
  ];
  return usual.map(fit).find((text) => passes(type, text)) ?? fit(hint);
}

function passes(type: Type<unknown>, value: Value): boolean {
  try {
    type.accept(value, "");
    return true;
  } catch (error) {
    if (error instanceof TypeMismatch) return false;
    throw error;
  }
}

function clamp(value: number, min: number | bigint | undefined, max: number | bigint | undefined): number {
  return Math.min(Math.max(value, Number(min ?? value)), Number(max ?? Number.POSITIVE_INFINITY));
}

/** Of ASCII, so that characters and bytes are the same. */
function fitted(text: string, min: number | bigint | undefined, max: number | bigint | undefined): string {
  const length = clamp(text.length, Math.min(Number(min ?? 0), sizeMax), max);
  return text.repeat(Math.ceil(length / Math.max(text.length, 1))).slice(0, length);
}

const singular = (word: string): string => (/[^s]s$/.test(word) ? word.slice(0, -1) : word);
