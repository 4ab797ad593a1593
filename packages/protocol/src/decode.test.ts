import { describe, expect, test } from "vitest";
import { decodeCall, decodeResponse } from "./decode.js";
import { DecodeError } from "./errors.js";
import { Fault } from "./fault.js";
import type { Limits } from "./limits.js";
import { struct, type Value } from "./value.js";

// The full path decides what is refused, so it is asked alone. That the fast path agrees is shown in
// test/conformance.
const call = (content: string, limits: Partial<Limits> = {}) =>
  decodeCall(Buffer.from(`<methodCall>${content}</methodCall>`), { limits, fastPath: false });
const values = (...contents: string[]) =>
  call(
    `<methodName>m</methodName><params>${contents.map((value) => `<param><value>${value}</value></param>`).join("")}</params>`,
  ).params;
const value = (content: string): Value | undefined => values(content)[0];
const response = (content: string) =>
  decodeResponse(Buffer.from(`<methodResponse>${content}</methodResponse>`), { fastPath: false });

function refusal(decode: () => unknown): DecodeError {
  try {
    decode();
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  return expect.fail("accepted");
}

describe("a call", () => {
  test("may lack params, or have them first, empty or self-closed", () => {
    const expected = { method: "a.b:c/D_9", params: [] };
    const name = "<methodName>a.b:c/D_9</methodName>";
    expect(call(name)).toStrictEqual(expected);
    expect(call(`\n${name}\n<params/>\n`)).toStrictEqual(expected);
    expect(call(`<params></params>${name}`)).toStrictEqual(expected);
  });

  test.each([
    ["no methodName", "<params/>"],
    ["an empty methodName", "<methodName/>"],
    ["white space around the name", "<methodName> m </methodName>"],
    ["a name with a dash", "<methodName>a-b</methodName>"],
    ["a name beyond ASCII", "<methodName>é</methodName>"],
    ["an element in the name", "<methodName><string>m</string></methodName>"],
    ["two names", "<methodName>m</methodName><methodName>m</methodName>"],
    ["two params", "<methodName>m</methodName><params/><params/>"],
    ["an unknown child", "<methodName>m</methodName><foo/>"],
    ["text beside", "<methodName>m</methodName>x"],
    ["a param without a value", "<methodName>m</methodName><params><param/></params>"],
    ["a param with two values", "<methodName>m</methodName><params><param><value/><value/></param></params>"],
    ["a type directly in param", "<methodName>m</methodName><params><param><int>1</int></param></params>"],
    ["a value directly in params", "<methodName>m</methodName><params><value/></params>"],
    ["text in params", "<methodName>m</methodName><params>x</params>"],
  ])("is refused with %s", (_, content) => {
    expect(refusal(() => call(content)).code).toBe(-32600);
  });

  test.each([
    ["a posted answer", "<methodResponse><params><param><value/></param></params></methodResponse>"],
    ["another case", "<MethodCall><methodName>m</methodName></MethodCall>"],
    ["a prefix", "<x:methodCall><methodName>m</methodName></x:methodCall>"],
    ["HTML", "<html><body/></html>"],
    ["a name that fast-xml-parser throws at", "<constructor/>"],
    ["a name that fast-xml-parser renames", "<toString/>"],
    ["__proto__", "<__proto__/>"],
  ])("is not %s", (_, document) => {
    expect(refusal(() => decodeCall(Buffer.from(document))).code).toBe(-32600);
  });
});

describe("a value", () => {
  test("without a type is a string, white space kept", () => {
    expect(values("", " a\t\n ", "007", "&lt;b&gt;", "<![CDATA[ < ]]>x")).toStrictEqual([
      "",
      " a\t\n ",
      "007",
      "<b>",
      " < x",
    ]);
  });

  test("may have white space around its type", () => {
    expect(value("\n <int>5</int>\t")).toBe(5);
  });

  test("joins text around comments, instructions and CDATA; none of them hides anything", () => {
    expect(value("<string>a<!-- ' -->b<?p '?>c<![CDATA[<d>]]>e<?p \"?></string>")).toBe("abc<d>e");
    expect(value("<int>4<!-- -->2</int>")).toBe(42);
    expect(values("<?a '?><int>1</int><?b '?>", '<?a "?><int>2</int><?b "?>')).toStrictEqual([1, 2]);
  });

  test("decodes references once, and keeps only a referenced CR", () => {
    expect(value("<string>&amp;lt;&#38;amp;\r\n&#13;&#10;&#x41;</string>")).toBe("&lt;&amp;\n\r\nA");
  });

  test("does not decode inside CDATA", () => {
    expect(value("<string><![CDATA[&amp;&#65;&bad;]]></string>")).toBe("&amp;&#65;&bad;");
  });

  test("reads nil and i8 under both names", () => {
    expect(values("<nil/>", "<nil></nil>", "<ex:nil/>", "<i8>1</i8>", "<ex:i8>2</ex:i8>")).toStrictEqual([
      null,
      null,
      null,
      1n,
      2n,
    ]);
  });

  test("in arrays and structs, with white space between", () => {
    expect(
      value("<array>\n<data>\n<value>a</value>\n<value><array><data/></array></value>\n</data>\n</array>"),
    ).toStrictEqual(["a", []]);
    const members =
      "<struct>\n<member>\n<name> a </name>\n<value>1</value>\n</member><member><name/><value/></member>\n</struct>";
    expect(value(members)).toStrictEqual(
      struct([
        [" a ", "1"],
        ["", ""],
      ]),
    );
  });

  test("a member that comes twice: the last wins", () => {
    const member = (text: string) => `<member><name>a</name><value>${text}</value></member>`;
    expect(value(`<struct>${member("1")}${member("2")}</struct>`)).toStrictEqual(struct([["a", "2"]]));
  });

  test("members with the names of JavaScript's own are members", () => {
    const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
    const members = names
      .map((name) => `<member><name>${name}</name><value><struct/></value></member>`)
      .join("");
    const decoded = value(`<struct>${members}</struct>`);
    expect(Object.keys(decoded as object)).toStrictEqual(names);
    expect(Object.getPrototypeOf(decoded)).toBeNull();
  });

  test.each([
    ["text before a type", "x<int>1</int>"],
    ["text after a type", "<int>1</int>x"],
    ["CDATA beside a type", "<![CDATA[x]]><int>1</int>"],
    ["a no-break space beside a type", "\u00a0<int>1</int>"],
    ["two types", "<int>1</int><int>2</int>"],
    ["an unknown type", "<float>1</float>"],
    ["another case", "<Int>1</Int>"],
    ["another type of Apache's", "<ex:i2>1</ex:i2>"],
    ["an element in a scalar", "<int><b>1</b></int>"],
    ["an element in a string", "<string>a<b/></string>"],
    ["a value in a string", "<string><value/></string>"],
    ["an array without data", "<array/>"],
    ["an array with two data", "<array><data/><data/></array>"],
    ["a value directly in an array", "<array><value/></array>"],
    ["a type directly in data", "<array><data><int>1</int></data></array>"],
    ["text in data", "<array><data>x</data></array>"],
    ["text in a struct", "<struct>x</struct>"],
    ["another child of a struct", "<struct><foo/></struct>"],
    ["a member without a value", "<struct><member><name>a</name></member></struct>"],
    ["a member without a name", "<struct><member><value/></member></struct>"],
    ["a member with the value first", "<struct><member><value/><name>a</name></member></struct>"],
    ["a member with two values", "<struct><member><name>a</name><value/><value/></member></struct>"],
    ["a member with two names", "<struct><member><name>a</name><name>a</name><value/></member></struct>"],
    ["text in a member", "<struct><member>x<name>a</name><value/></member></struct>"],
    ["an element in a name", "<struct><member><name><string>a</string></name><value/></member></struct>"],
    ["text in nil", "<nil>x</nil>"],
    ["an empty int", "<int/>"],
    ["an empty boolean", "<boolean/>"],
    ["an empty date", "<dateTime.iso8601/>"],
  ])("is refused: %s", (_, content) => {
    expect(refusal(() => value(content)).code).toBe(-32600);
  });
});

describe("an answer", () => {
  const fault = (members: string) => `<fault><value><struct>${members}</struct></value></fault>`;
  const code = "<member><name>faultCode</name><value><int>4</int></value></member>";
  const text = "<member><name>faultString</name><value>no</value></member>";

  test("is a value or a fault", () => {
    expect(response("<params><param><value><int>1</int></value></param></params>")).toBe(1);
    const answer = response(fault(text + code));
    expect(answer).toBeInstanceOf(Fault);
    expect(answer).toMatchObject({ faultCode: 4, faultString: "no", message: "no" });
  });

  test.each([
    ["nothing", ""],
    ["both", `<params><param><value/></param></params>${fault(code + text)}`],
    ["no param", "<params/>"],
    ["two params", "<params><param><value/></param><param><value/></param></params>"],
    ["an empty fault", "<fault/>"],
    ["a fault that is no struct", "<fault><value>no</value></fault>"],
    ["a fault without a code", fault(text)],
    ["a fault with more", fault(`${code}${text}<member><name>x</name><value/></member>`)],
    ["a code that is no int", fault(`<member><name>faultCode</name><value>4</value></member>${text}`)],
    ["a call", "<methodName>m</methodName>"],
  ])("is refused: %s", (_, content) => {
    expect(refusal(() => response(content)).code).toBe(-32600);
  });
});

describe("limits", () => {
  const nested = (levels: number) =>
    `${"<array><data><value>".repeat(levels)}${"</value></data></array>".repeat(levels)}`;
  const nestedStructs = (levels: number) =>
    `${"<struct><member><name>a</name><value>".repeat(levels)}${"</value></member></struct>".repeat(levels)}`;

  test.each([nested, nestedStructs])("depth 128, not 10,000", (make) => {
    expect(() => value(make(128))).not.toThrow();
    expect(refusal(() => value(make(129))).code).toBe(-32005);
    expect(refusal(() => value(make(140))).code).toBe(-32005);
    expect(refusal(() => value(make(10_000))).code).toBe(-32005);
  });

  test("names", () => {
    const name = "a".repeat(11);
    const member = `<methodName>m</methodName><params><param><value><struct><member><name>${name}</name><value/></member></struct></value></param></params>`;
    expect(refusal(() => call(member, { nameLength: 10 })).code).toBe(-32005);
    expect(call(member, { nameLength: 11 }).params).toHaveLength(1);
    expect(refusal(() => call(`<methodName>${name}</methodName>`, { nameLength: 10 })).code).toBe(-32005);
  });

  test("bytes, before they are looked at", () => {
    expect(() => decodeCall(Buffer.alloc(4, 0xff), { charset: "nonsense", limits: { bytes: 3 } })).toThrow(
      "a document has at most 3 bytes, this one has 4",
    );
  });

  test("bytes and values", () => {
    expect(refusal(() => call("<methodName>m</methodName>", { bytes: 20 })).code).toBe(-32005);
    const two = "<methodName>m</methodName><params><param><value/></param><param><value/></param></params>";
    expect(refusal(() => call(two, { values: 1 })).code).toBe(-32005);
  });

  test("that make no sense are a programmer's error", () => {
    expect(() => call("", { depth: 0 })).toThrow(RangeError);
    expect(() => call("", { depth: 100_000 })).toThrow("limits.depth must be at most 1000");
    expect(() => call("", { bytes: Number.NaN })).toThrow(RangeError);
  });
});

describe("messages", () => {
  test("say where, and quote little", () => {
    const member = `<struct><member><name>odd name</name><value><array><data><value/><value><int>${"9".repeat(500)}</int></value></data></array></value></member></struct>`;
    const error = refusal(() => values("", member));
    expect(error.path).toBe('params[1]["odd name"][1]');
    expect(error.message).toBe(`an int has no room for "${"9".repeat(40)}…" (at params[1]["odd name"][1])`);
  });

  test("of a member that has no name yet: the struct", () => {
    const member = "<member><name>a</name><value/></member>";
    for (const wrong of ["<member/>", "<param/>", "<member><value/></member>", "text"]) {
      const outer = `<struct>${member.replace("<value/>", `<value><struct>${member}${wrong}</struct></value>`)}</struct>`;
      expect(refusal(() => value(outer)).path).toBe("params[0].a");
      expect(refusal(() => value(`<struct>${member}${wrong}</struct>`)).path).toBe("params[0]");
    }
  });

  test("shorten a deep path", () => {
    const deep = `${"<array><data><value>".repeat(100)}<int/>${"</value></data></array>".repeat(100)}`;
    expect(refusal(() => value(deep)).path).toBe(`params[0]${"[0]".repeat(5)}…${"[0]".repeat(5)}`);
  });
});
