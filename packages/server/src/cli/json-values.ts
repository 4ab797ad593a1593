/** XML-RPC values as JSON text and back, for a person at a shell. */
import { DateTime, Double, type Value } from "@quorate/protocol";

/**
 * One command-line argument as a value: JSON, or a bare word taken as a string. A number written with a
 * decimal point stays a double, an integer beyond 2^53 becomes an i8.
 */
export function valueOfArgument(text: string): Value {
  if (/^-?\d+\.\d+$/.test(text)) return new Double(Number(text));
  if (/^-?\d{1,19}$/.test(text) && !Number.isSafeInteger(Number(text))) return BigInt(text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (/^[[{"]/.test(text)) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyntaxError(`argument ${text}: expected JSON or a plain word: ${reason}`);
    }
    return text;
  }
  return valueOfJson(parsed);
}

function valueOfJson(json: unknown): Value {
  if (json === null || typeof json === "boolean" || typeof json === "number" || typeof json === "string") {
    return json;
  }
  if (Array.isArray(json)) return json.map(valueOfJson);
  const struct: Record<string, Value> = Object.create(null);
  for (const [name, member] of Object.entries(json as object)) struct[name] = valueOfJson(member);
  return struct;
}

/** JSON text; what JSON lacks is written as `{"base64": …}` and `{"dateTime": …}`, an i8 as its digits. */
export function jsonOfValue(value: Value, indent = "  ", margin = ""): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Double) return JSON.stringify(value.value);
  if (value instanceof DateTime) return JSON.stringify({ dateTime: value.text });
  if (value instanceof Uint8Array) return JSON.stringify({ base64: Buffer.from(value).toString("base64") });
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = margin + indent;
  const items = Array.isArray(value)
    ? value.map((item: Value) => jsonOfValue(item, indent, inner))
    : Object.entries(value).map(
        ([name, item]) => `${JSON.stringify(name)}: ${jsonOfValue(item, indent, inner)}`,
      );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
}
