import { Double, type Value } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { describeParameters, exampleOf, typeText } from "./describe.js";
import { faultyDeclaration } from "./parameters.js";
import { t } from "./t.js";
import type { Type } from "./type.js";

const example = (type: Type<unknown>) => exampleOf(type, "name");

describe("examples", () => {
  it.each<[string, Type<unknown>, Value]>([
    ["an int", t.int(), 1],
    ["an int from 5", t.int({ min: 5 }), 5],
    ["an int up to -3", t.int({ max: -3 }), -3],
    ["an i8", t.i8(), 1n],
    ["an i8 from 7", t.i8({ min: 7n }), 7n],
    ["a double", t.double(), 1.5],
    ["a double from 2", t.double({ min: 2 }), new Double(2)],
    ["a boolean", t.boolean(), true],
    ["a text, named as its parameter", t.string(), "name"],
    ["a long text", t.string({ min: 6 }), "namena"],
    ["a short text", t.string({ max: 2 }), "na"],
    ["a text of digits", t.string({ pattern: /^\d+$/ }), "1"],
    ["an address", t.string({ pattern: /@/ }), "name@example.com"],
    ["bytes", t.base64({ min: 2, max: 3 }), Buffer.from("hel")],
    ["nil", t.nil(), null],
    ["anything", t.any(), "name"],
    ["an array", t.array(), ["name"]],
    ["an array of two", t.array(t.int(), { min: 2 }), [1, 1]],
    ["what is left out has its default", t.int({ default: 42 }), 42],
    ["what its author gave", t.string({ pattern: /^[A-Z]{3}-\d{4}$/, example: "ABC-1234" }), "ABC-1234"],
    ["a double that its author gave", t.double({ example: 3 }), new Double(3)],
  ])("%s", (_, type, value) => {
    expect(example(type)).toEqual(value);
  });

  it("of structs have what is required, named as its members", () => {
    const type = t.struct({ sku: t.string(), units: t.int({ min: 3 }), note: t.string({ optional: true }) });
    expect(example(type)).toEqual(Object.assign(Object.create(null), { sku: "sku", units: 3 }));
    expect(example(t.struct())).toEqual(Object.assign(Object.create(null), { name: "value" }));
    expect(exampleOf(t.array(t.string()), "skus")).toEqual(["sku"]);
  });

  it("pass the check of their type", () => {
    const types = [
      t.dateTime(),
      t.string({ min: 500, max: 600 }),
      t.array(t.struct({ a: t.array(t.i8({ max: -5n })), b: t.base64({ min: 9 }) }), { min: 3 }),
    ];
    for (const type of types) expect(() => type.accept(example(type), "")).not.toThrow();
  });

  it("that an author gave wrongly are refused where they are declared", () => {
    expect(faultyDeclaration([t.string("sku", { pattern: /^[A-Z]+$/, example: "abc" })])).toMatch(
      /^the example of parameter "sku" is none: example: expected string matching .*, got string "abc"$/,
    );
    expect(faultyDeclaration([t.int("n", { example: 5 })])).toBeNull();
  });
});

describe("words", () => {
  it("for types", () => {
    const item = t.struct({ sku: t.string(), sizes: t.array(t.int(), { optional: true }) });
    expect(typeText(t.array(item))).toBe("array of struct { sku: string, sizes?: array of int }");
    expect(typeText(t.struct())).toBe("struct");
    expect(typeText(t.dateTime())).toBe("dateTime.iso8601");
  });

  it("for parameters", () => {
    const described = describeParameters([
      t.string("sku", { min: 1, max: 64, pattern: /^\w+$/ }),
      t.int("units", { min: 1 }),
      t.string("note", { max: 9, default: "none" }),
      t.array("tags", t.string(), { optional: true }),
      t.rest(t.any()),
    ]);
    expect(described.map(({ name, note, optional, many }) => ({ name, note, optional, many }))).toEqual([
      { name: "sku", note: "1 to 64 characters; matches /^\\w+$/", optional: false, many: false },
      { name: "units", note: "at least 1", optional: false, many: false },
      { name: "note", note: 'at most 9 characters; default "none"', optional: true, many: false },
      { name: "tags", note: "", optional: true, many: false },
      { name: "value", note: "", optional: true, many: true },
    ]);
  });
});
