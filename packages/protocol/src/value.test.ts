import { describe, expect, test } from "vitest";
import { DateTime } from "./date-time.js";
import { Double, isArray, isInt, isStruct, struct, typeOf, type Value, valuesEqual } from "./value.js";

describe("typeOf", () => {
  test.each<[Value, string]>([
    [0, "int"],
    [2 ** 31 - 1, "int"],
    [2 ** 31, "double"],
    [-0, "double"],
    [0.5, "double"],
    [new Double(3), "double"],
    [3n, "i8"],
    [true, "boolean"],
    ["", "string"],
    [new DateTime("19980717T14:08:55"), "dateTime.iso8601"],
    [new Uint8Array(), "base64"],
    [Buffer.from(""), "base64"],
    [null, "nil"],
    [[], "array"],
    [struct(), "struct"],
    [{}, "struct"],
  ])("%o is %s", (value, type) => {
    expect(typeOf(value)).toBe(type);
    expect(isArray(value)).toBe(type === "array");
    expect(isStruct(value)).toBe(type === "struct");
    expect(isInt(value)).toBe(type === "int");
  });
});

describe("valuesEqual", () => {
  const date = (text: string) => new DateTime(text);

  test.each<[string, Value, Value]>([
    ["a number and its Double", 3, new Double(3)],
    ["two Doubles", new Double(3), new Double(3)],
    ["0 and -0", 0, new Double(-0)],
    ["bytes by content", new Uint8Array([1, 2]), Buffer.from([1, 2])],
    ["structs as sets", { a: 1, b: [2] }, { b: [2], a: new Double(1) }],
    ["a struct with and without prototype", struct([["a", 1]]), { a: 1 }],
    ["the member __proto__", struct([["__proto__", 1]]), struct([["__proto__", 1]])],
    ["dates as written", date("19980717T14:08:55"), date("19980717T14:08:55")],
    ["nothing", [], []],
    ["nil", null, null],
  ])("equal: %s", (_, a, b) => {
    expect([valuesEqual(a, b), valuesEqual(b, a)]).toStrictEqual([true, true]);
  });

  test.each<[string, Value, Value]>([
    ["an i8 and an int", 3n, 3],
    ["a number and its text", 3, "3"],
    ["nil and an empty struct", null, {}],
    ["an empty array and an empty struct", [], {}],
    ["bytes and their array", new Uint8Array([1]), [1]],
    ["bytes of another length", new Uint8Array([1]), new Uint8Array([1, 0])],
    ["other bytes", new Uint8Array([1]), new Uint8Array([2])],
    ["arrays in another order", [1, 2], [2, 1]],
    ["a prefix", [1], [1, 2]],
    ["other members", { a: 1 }, { b: 1 }],
    ["an inherited member", { toString: 1 }, { a: 1 }],
    ["an inherited member, the other way", struct([["constructor", 1]]), { b: 1 }],
    ["the member __proto__ and an object's prototype", struct([["__proto__", {}]]), { x: 1 }],
    ["a missing member", { a: 1, b: 2 }, { a: 1 }],
    ["the same moment in another form", date("19980717T14:08:55"), date("1998-07-17T14:08:55")],
    ["a date and a struct", date("19980717T14:08:55"), { text: "19980717T14:08:55" }],
    ["a Double and a struct", new Double(1), { value: 1 }],
    ["deep inside", { a: [{ b: [1] }] }, { a: [{ b: [2] }] }],
  ])("not equal: %s", (_, a, b) => {
    expect([valuesEqual(a, b), valuesEqual(b, a)]).toStrictEqual([false, false]);
  });
});

test("a struct has no prototype to be changed", () => {
  const made = struct([["__proto__", struct([["polluted", true]])]]);
  expect(Object.getPrototypeOf(made)).toBeNull();
  expect(Object.keys(made)).toStrictEqual(["__proto__"]);
  expect("polluted" in {}).toBe(false);
});
