/** The built-in service: a key-value store. Used when no service file is configured. */
import { createHash } from "node:crypto";
import { Fault, isInt, valuesEqual } from "@quorate/protocol";
import { command, defineService, query } from "./define-service.js";
import { Registry } from "./registry.js";
import { t } from "./t.js";

/** Raised whenever a method's behaviour changes: nodes with different numbers refuse each other. */
const version = 1;

const listLimitMax = 1000;
const conflict = 409;
const notFound = 404;
const int32Max = 2 ** 31 - 1;
const int32Min = -(2 ** 31);

const key = t.string("key");

export const kv = defineService({
  name: "kv",
  methods: {
    "kv.get": query(
      {
        help: "The value of a key. A missing key gives the default, or fault 404 without one.",
        params: [key, t.any("default", { optional: true })],
        returns: t.any(),
      },
      (view, name, fallback) => {
        const value = view.get([name]);
        if (value !== undefined) return value;
        if (fallback === undefined) throw new Fault(notFound, `key not found: ${name}`);
        return fallback;
      },
    ),

    "kv.set": command(
      { help: "Sets a key to any value.", params: [key, t.any("value")], returns: t.boolean() },
      (tx, name, value) => {
        tx.set([name], value);
        return true;
      },
    ),

    "kv.delete": command(
      { help: "Deletes a key; true when it was there.", params: [key], returns: t.boolean() },
      (tx, name) => tx.delete([name]),
    ),

    "kv.cas": command(
      {
        help: "Sets a key if its value equals the expected one; true when it was set. A missing key equals nothing.",
        params: [key, t.any("expected"), t.any("value")],
        returns: t.boolean(),
      },
      (tx, name, expected, value) => {
        const current = tx.get([name]);
        if (current === undefined || !valuesEqual(current, expected)) return false;
        tx.set([name], value);
        return true;
      },
    ),

    "kv.create": command(
      {
        help: "Sets a key that does not exist yet; true when it was set.",
        params: [key, t.any("value")],
        returns: t.boolean(),
      },
      (tx, name, value) => {
        if (tx.has([name])) return false;
        tx.set([name], value);
        return true;
      },
    ),

    "kv.incr": command(
      {
        help: "Adds to an int and returns the sum; a missing key counts as 0. Fault 409 when it is not an int or would leave 32 bits.",
        params: [key, t.int("by", { default: 1 })],
        returns: t.int(),
      },
      (tx, name, by) => {
        const stored = tx.get([name]);
        const current = stored === undefined ? 0 : stored;
        if (!isInt(current)) throw new Fault(conflict, `not an int: ${name}`);
        const sum = current + by;
        if (sum > int32Max || sum < int32Min) throw new Fault(conflict, `beyond 32 bits: ${name}`);
        tx.set([name], sum);
        return sum;
      },
    ),

    "kv.list": query(
      {
        help: "Keys that begin with a prefix, in code point order, with their values. Continue with `after` = the last key.",
        params: [
          t.string("prefix"),
          t.int("limit", { min: 1, max: listLimitMax, default: 100 }),
          t.string("after", { optional: true }),
        ],
        returns: t.array(t.struct({ key: t.string(), value: t.any() })),
      },
      (view, prefix, limit, after) =>
        view
          .range({ prefix: [], startsWith: prefix, limit, ...(after === undefined ? {} : { gt: [after] }) })
          .map(([[name], value]) => ({ key: String(name), value })),
    ),

    "kv.count": query(
      {
        help: "How many keys begin with a prefix; without one, how many there are.",
        params: [t.string("prefix", { default: "" })],
        returns: t.int(),
      },
      (view, prefix) => view.count({ prefix: [], startsWith: prefix }),
    ),
  },
});

/** The service with its version, as the server runs it. */
export function kvRegistry(): Registry {
  const sha256 = createHash("sha256").update(`quorate built-in service kv version ${version}`).digest("hex");
  return new Registry(kv, sha256);
}
