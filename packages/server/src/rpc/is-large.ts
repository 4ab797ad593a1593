/** Whether a value's document would be a large one. */
import type { Value } from "@quorate/protocol";

/** What a value takes in a document at least, beside its text. */
const elementBytes = 32;

/** An estimate from below of the value's document, never at more cost than `bytesMin` is worth. */
export function isLarge(value: Value | readonly Value[], bytesMin: number): boolean {
  return remainder(value, bytesMin) <= 0;
}

/** What is left of `bytes` when this value has taken its part; nothing more is looked at once nothing is left. */
function remainder(value: Value | readonly Value[], bytes: number): number {
  if (typeof value === "string") return bytes - elementBytes - value.length;
  if (typeof value !== "object" || value === null) return bytes - elementBytes;
  if (value instanceof Uint8Array) return bytes - elementBytes - value.length;
  let left = bytes - elementBytes;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && left > 0; index++)
      left = remainder(value[index] as Value, left);
    return left;
  }
  for (const name in value) {
    if (left <= 0) break;
    left = remainder((value as { readonly [name: string]: Value })[name] as Value, left - name.length);
  }
  return left;
}
