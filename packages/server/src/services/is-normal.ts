/** Whether something is a value as `normalize` would make it, so that no copy is needed to make it one. */
import { DateTime, Double, type Value } from "@quorate/protocol";
import { valueDepthMax } from "../state/budgets.js";
import { fitsI8, isSendable } from "./normalize.js";

/**
 * True only for what `normalize` would copy as it is, and would not refuse. A small part of that copy's time: nothing
 * is made, and the names of members that come again and again are looked at once.
 */
export function isNormal(input: unknown): input is Value {
  return isNormalWithin(input, valueDepthMax, new Set());
}

/** `left`: how many containers may be inside each other from here on. */
function isNormalWithin(input: unknown, left: number, names: Set<string>): boolean {
  switch (typeof input) {
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(input);
    case "bigint":
      return fitsI8(input);
    case "string":
      return isSendable(input);
    case "object":
      return input === null || isNormalObject(input, left, names);
    default:
      return false;
  }
}

function isNormalObject(input: object, left: number, names: Set<string>): boolean {
  switch (Object.getPrototypeOf(input)) {
    case null:
      return left > 0 && isNormalStruct(input as Readonly<Record<string, unknown>>, left - 1, names);
    case Array.prototype:
      return left > 0 && isNormalArray(input as readonly unknown[], left - 1, names);
    case Double.prototype:
      return Number.isFinite((input as Double).value);
    case DateTime.prototype:
    case Uint8Array.prototype:
      return true;
    default:
      return false;
  }
}

function isNormalArray(items: readonly unknown[], left: number, names: Set<string>): boolean {
  // By index, which visits holes, too.
  for (let index = 0; index < items.length; index++) {
    if (!isNormalWithin(items[index], left, names)) return false;
  }
  return true;
}

function isNormalStruct(
  members: Readonly<Record<string, unknown>>,
  left: number,
  names: Set<string>,
): boolean {
  for (const name in members) {
    if (!names.has(name)) {
      if (!isSendable(name)) return false;
      names.add(name);
    }
    if (!isNormalWithin(members[name], left, names)) return false;
  }
  return true;
}
