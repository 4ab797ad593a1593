import { DateTime, Double, type Struct, struct, typeOf, type Value } from "@quorate/protocol";

/** A value with its type spelled out, as the vectors and the Python worker write it: everything as text. */
export type Tagged =
  | { int: string }
  | { i8: string }
  | { double: string }
  | { boolean: boolean }
  | { string: string }
  | { dateTime: string }
  | { base64: string }
  | { nil: true }
  | { array: Tagged[] }
  | { struct: [name: string, value: Tagged][] };

/** The tagged form of a value. Members are sorted by name, because a struct's order means nothing. */
export function toTagged(value: Value): Tagged {
  switch (typeOf(value)) {
    case "int":
      return { int: String(value) };
    case "i8":
      return { i8: String(value) };
    case "boolean":
      return { boolean: value as boolean };
    case "double":
      return { double: doubleText(value instanceof Double ? value.value : (value as number)) };
    case "string":
      return { string: value as string };
    case "dateTime.iso8601":
      return { dateTime: (value as DateTime).text };
    case "base64":
      return { base64: Buffer.from(value as Uint8Array).toString("base64") };
    case "nil":
      return { nil: true };
    case "array":
      return { array: (value as Value[]).map(toTagged) };
    case "struct":
      return { struct: Object.entries(value as Struct).map(([name, member]) => [name, toTagged(member)]) };
  }
}

/** One spelling for each tagged value, so that two can be compared as JSON would be. */
export function normalised(tagged: Tagged): Tagged {
  if ("double" in tagged) return { double: doubleText(Number(tagged.double)) };
  if ("array" in tagged) return { array: tagged.array.map(normalised) };
  if ("struct" in tagged) {
    const members = tagged.struct.map(([name, value]): [string, Tagged] => [name, normalised(value)]);
    return { struct: members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) };
  }
  return tagged;
}

export function fromTagged(tagged: Tagged): Value {
  if ("int" in tagged) return Number(tagged.int);
  if ("i8" in tagged) return BigInt(tagged.i8);
  if ("double" in tagged) return new Double(Number(tagged.double));
  if ("boolean" in tagged) return tagged.boolean;
  if ("string" in tagged) return tagged.string;
  if ("dateTime" in tagged) return new DateTime(tagged.dateTime);
  if ("base64" in tagged) return new Uint8Array(Buffer.from(tagged.base64, "base64"));
  if ("array" in tagged) return tagged.array.map(fromTagged);
  if ("struct" in tagged) return struct(tagged.struct.map(([name, value]) => [name, fromTagged(value)]));
  return null;
}

function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
