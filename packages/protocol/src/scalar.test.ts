import { describe, expect, test } from "vitest";
import { DateTime } from "./date-time.js";
import { DecodeError } from "./errors.js";
import { defaultLimits } from "./limits.js";
import { readBase64, readBoolean, readDateTime, readDouble, readI8, readInt, readNil } from "./scalar.js";
import { Double } from "./value.js";

function code(read: () => unknown): number {
  try {
    return expect.fail(`accepted as ${String(read())}`);
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

const int = (text: string) => readInt(text, defaultLimits);
const i8 = (text: string) => readI8(text, defaultLimits);
const double = (text: string) => readDouble(text, defaultLimits);

describe("int", () => {
  test.each([
    ["41", 41],
    ["+5", 5],
    ["-12", -12],
    ["007", 7],
    [`${"0".repeat(1000)}9`, 9],
    [" \t\r\n3\n", 3],
    ["-0", 0],
    ["2147483647", 2147483647],
    ["-2147483648", -2147483648],
  ])("%j is %d", (text, value) => {
    expect(int(text)).toBe(value);
  });

  test.each([
    "",
    " ",
    "+",
    "1.0",
    "1e3",
    "0x1F",
    "1_000",
    "٣٤",
    "1 2",
    "--1",
    "\u00a01",
    "2147483648",
    "-2147483649",
    "99999999999999999999",
    "abc",
    "1\n2",
  ])("%j is refused", (text) => {
    expect(code(() => int(text))).toBe(-32600);
  });

  test("more digits than the limit are too large, even zeros", () => {
    expect(code(() => int("0".repeat(1025)))).toBe(-32005);
    expect(code(() => i8("1".repeat(1_000_000)))).toBe(-32005);
    expect(code(() => double(`0.${"1".repeat(1023)}`))).toBe(-32005);
    expect(int(`${" ".repeat(5000)}1`)).toBe(1);
  });
});

describe("i8", () => {
  test.each([
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["+0", 0n],
    ["-0", 0n],
    [" 0005 ", 5n],
  ])("%j is exact", (text, value) => {
    expect(i8(text)).toBe(value);
  });

  test.each(["", "9223372036854775808", "-9223372036854775809", "1".repeat(20), "1n", "0b1"])(
    "%j is refused",
    (text) => {
      expect(code(() => i8(text))).toBe(-32600);
    },
  );
});

describe("double", () => {
  test.each([
    ["0.30000000000000004", 0.30000000000000004],
    [".5", 0.5],
    ["-1.5e-3", -0.0015],
    ["5e-324", 5e-324],
    [" 2.5\n", 2.5],
  ])("%j is %d", (text, value) => {
    expect(double(text)).toBe(value);
  });

  test.each([
    ["5.", 5],
    ["3", 3],
    ["+1E2", 100],
    ["-0.0", -0],
    ["1e-400", 0],
  ])("%j stays a double", (text, value) => {
    expect(double(text)).toStrictEqual(new Double(value));
  });

  test.each([
    "",
    ".",
    "1e400",
    "NaN",
    "nan",
    "Infinity",
    "inf",
    "1,5",
    "1.1.1",
    "0x1p3",
    "1e",
    "e1",
    "1 2",
    "1_0.5",
  ])("%j is refused", (text) => {
    expect(code(() => double(text))).toBe(-32600);
  });
});

describe("boolean and nil", () => {
  test("0 and 1, nothing", () => {
    expect([readBoolean("0"), readBoolean("1"), readNil("")]).toStrictEqual([false, true, null]);
  });

  test.each(["", "true", " 1", "2", "01"])("%j is no boolean", (text) => {
    expect(code(() => readBoolean(text))).toBe(-32600);
  });

  test.each([" ", "x"])("%j is not nil", (text) => {
    expect(code(() => readNil(text))).toBe(-32600);
  });
});

describe("base64", () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

  test.each([
    ["", ""],
    [" \n", ""],
    ["YQ==", "a"],
    ["\n YWJj\n ZA =\t=\n", "abcd"],
    ["YWI=", "ab"],
  ])("%j", (encoded, decoded) => {
    expect(text(readBase64(encoded))).toBe(decoded);
  });

  test("owns its memory", () => {
    expect(readBase64("YQ==").buffer.byteLength).toBe(1);
  });

  test.each(["YQ", "YQ=", "YQ===", "====", "Y=Q=", "YQ==YQ==", "-_==", "YW*j", "\u00a0YWJj", "YWJj="])(
    "%j is refused",
    (encoded) => {
      expect(code(() => readBase64(encoded))).toBe(-32600);
    },
  );
});

describe("dateTime.iso8601", () => {
  test.each([
    "19980717T14:08:55",
    "1998-07-17T14:08:55",
    "19980717T14:08:55Z",
    "19980717T14:08:55+0200",
    "1998-07-17T14:08:55.123456-05:30",
    "00010101T00:00:00",
    "20000229T23:59:60",
  ])("%s is kept as written", (text) => {
    expect(readDateTime(text)).toStrictEqual(new DateTime(text));
    expect(String(readDateTime(text))).toBe(text);
  });

  test.each([
    "",
    "garbage",
    "19981317T14:08:55",
    "19980017T14:08:55",
    "19980230T14:08:55",
    "19000229T00:00:00",
    "19980732T00:00:00",
    "19980700T00:00:00",
    "19980717T24:00:00",
    "19980717T14:60:00",
    "19980717T14:08:61",
    "19980717T140855",
    "19980717 14:08:55",
    "1998-0717T14:08:55",
    "199807-17T14:08:55",
    "19980717T14:08:55+24:00",
    "19980717T14:08:55+02:60",
    "19980717T14:08:55.",
    "19980717T14:08:55 ",
    "00000101T00:00:00",
    "٢٠٢٠0717T14:08:55",
  ])("%j is refused", (text) => {
    expect(code(() => readDateTime(text))).toBe(-32600);
  });
});
