import { describe, expect, test } from "vitest";
import { DateTime } from "./date-time.js";
import { decodeCall, decodeResponse } from "./decode.js";
import { encodeCall, encodeFault, encodeResponse } from "./encode.js";
import { EncodeError } from "./errors.js";
import { Fault } from "./fault.js";
import { Double, type Encodable, struct } from "./value.js";

const content = (document: Uint8Array) =>
  /<value>(.*)<\/value><\/param><\/params><\/methodResponse>\n$/s.exec(
    Buffer.from(document).toString("utf8"),
  )?.[1];
const written = (value: Encodable) => content(encodeResponse(value));
/** What no compiler stops people from passing. */
const untyped = (value: unknown) => value as Encodable;

function error(encode: () => unknown): EncodeError {
  try {
    encode();
  } catch (thrown) {
    if (thrown instanceof EncodeError) return thrown;
    throw thrown;
  }
  return expect.fail("written");
}

describe("written as", () => {
  test.each<[Encodable, string]>([
    [41, "<int>41</int>"],
    [-(2 ** 31), "<int>-2147483648</int>"],
    [2 ** 31, "<double>2147483648.0</double>"],
    [0.1, "<double>0.1</double>"],
    [-1.5e-7, "<double>-0.00000015</double>"],
    [1e21, "<double>1000000000000000000000.0</double>"],
    [1.234e25, "<double>12340000000000000000000000.0</double>"],
    [5e-324, `<double>0.${"0".repeat(323)}5</double>`],
    [new Double(3), "<double>3.0</double>"],
    [-0, "<double>-0.0</double>"],
    [new Double(-0), "<double>-0.0</double>"],
    [5n, "<i8>5</i8>"],
    [-(2n ** 63n), "<i8>-9223372036854775808</i8>"],
    [true, "<boolean>1</boolean>"],
    [false, "<boolean>0</boolean>"],
    ["", "<string></string>"],
    [" a<b>&]]>\r\n\u007f😀", "<string> a&lt;b&gt;&amp;]]&gt;&#13;\n\u007f😀</string>"],
    [new DateTime("1998-07-17T14:08:55Z"), "<dateTime.iso8601>1998-07-17T14:08:55Z</dateTime.iso8601>"],
    [new Date(Date.UTC(1998, 6, 17, 14, 8, 55)), "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>"],
    [new Uint8Array([0, 255]), "<base64>AP8=</base64>"],
    [Buffer.from("xabcx").subarray(1, 4), "<base64>YWJj</base64>"],
    [null, "<nil/>"],
    [[], "<array><data></data></array>"],
    [
      [1, ["a"]],
      "<array><data><value><int>1</int></value><value><array><data><value><string>a</string></value></data></array></value></data></array>",
    ],
    [{}, "<struct></struct>"],
    [{ "<": 1 }, "<struct><member><name>&lt;</name><value><int>1</int></value></member></struct>"],
    [
      struct([["__proto__", 1]]),
      "<struct><member><name>__proto__</name><value><int>1</int></value></member></struct>",
    ],
  ])("%o", (value, xml) => {
    expect(written(value)).toBe(xml);
  });
});

describe("dialects", () => {
  test("strict writes no extension", () => {
    const strict = { dialect: "strict" } as const;
    expect(error(() => encodeResponse([1n], strict)).message).toBe(
      "the strict dialect has no <i8> for a bigint (at result[0])",
    );
    expect(error(() => encodeResponse({ a: null }, strict)).message).toBe(
      "the strict dialect has no <nil/> for null (at result.a)",
    );
    expect(encodeResponse([1, "a"], strict)).toStrictEqual(encodeResponse([1, "a"]));
  });

  test("apache writes its own names, declared", () => {
    const document = encodeResponse([1n, null], { dialect: "apache" });
    expect(content(document)).toBe(
      "<array><data><value><ex:i8>1</ex:i8></value><value><ex:nil/></value></data></array>",
    );
    expect(document.toString()).toContain(
      '<methodResponse xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions">',
    );
    expect(decodeResponse(document)).toStrictEqual([1n, null]);
  });
});

describe("no XML-RPC form", () => {
  test.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a Double of NaN", new Double(Number.NaN)],
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a bigint beyond 64 bits", 2n ** 63n],
    ["a control character", "a\u0000"],
    ["U+FFFF", "\uffff"],
    ["a lone surrogate", "\ud83d"],
    ["a member's name with a control character", { "\u0001": 1 }],
    ["an invalid Date", new Date(Number.NaN)],
    ["a Date with milliseconds", new Date(1)],
    ["a Date beyond year 9999", new Date(Date.UTC(10_000, 0))],
    ["a Date before year 1", new Date(Date.UTC(0, 0) - 62_198_755_200_000)],
    ["a Map", new Map()],
    ["an Error", new Error("no")],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    ["a Float64Array", new Float64Array(1)],
    ["a hole in an array", new Array(1)],
    ["a member that is undefined", { a: undefined }],
  ])("%s", (_, value) => {
    expect(error(() => encodeResponse(untyped(value)))).toBeInstanceOf(EncodeError);
    expect(error(() => encodeCall("m", ["a", untyped(value)])).path).toMatch(/^params\[1\]/);
  });

  test("a DateTime that is no date cannot even be made", () => {
    expect(error(() => new DateTime("19980230T00:00:00")).message).toContain("19980230T00:00:00");
  });

  test("a method name that no server takes", () => {
    expect(error(() => encodeCall("a b", []))).toBeInstanceOf(EncodeError);
  });

  test("says where", () => {
    expect(error(() => encodeResponse({ list: [1, { "a b": Number.NaN }] })).message).toBe(
      'NaN has no XML-RPC form (at result.list[1]["a b"])',
    );
  });
});

describe("depth", () => {
  const nested = (levels: number): Encodable => (levels === 0 ? 1 : [nested(levels - 1)]);

  test("what is written can be read: both stop at the same depth", () => {
    expect(decodeResponse(encodeResponse(nested(128)))).toBeDefined();
    expect(error(() => encodeResponse(nested(129))).message).toContain("nested at most 128 deep");
  });

  test("a value that contains itself ends, too", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle, cycle);
    expect(error(() => encodeResponse(untyped(cycle))).message).toContain("does it contain itself?");
  });
});

describe("faults", () => {
  test("read back", () => {
    const fault = decodeResponse(encodeFault(new Fault(-32601, "no <method> & more\r")));
    expect(fault).toMatchObject({ faultCode: -32601, faultString: "no <method> & more\r" });
  });

  test("are written whatever their text", () => {
    const fault = decodeResponse(encodeFault(new Fault(1, "a\u0000\ud83d😀\uffff")));
    expect(fault).toMatchObject({ faultString: "a\ufffd\ufffd😀\ufffd" });
  });

  test("have a code of 32 bits", () => {
    expect(() => new Fault(2 ** 31, "")).toThrow("a fault code is a 32-bit integer, not 2147483648");
    expect(() => new Fault(Number.NaN, "")).toThrow(TypeError);
  });
});

test("a call reads back, and says that it is UTF-8", () => {
  const document = encodeCall("a.b", [1, "é"]);
  expect(document.toString()).toMatch(
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<methodCall><methodName>a\.b</,
  );
  expect(decodeCall(document)).toStrictEqual({ method: "a.b", params: [1, "é"] });
});
