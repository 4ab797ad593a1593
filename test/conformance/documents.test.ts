/** Forms that a document may take, and forms near to them that it may not; on both paths of decoding. */
import {
  DateTime,
  DecodeError,
  Double,
  decodeCall,
  encodeResponse,
  struct,
  type Value,
} from "@quorate/protocol";
import { describe, expect, test } from "vitest";

const call = (values: string) =>
  `<methodCall><methodName>m</methodName><params>${values}</params></methodCall>`;
const param = (content: string) => call(`<param><value>${content}</value></param>`);

function read(document: string): Value | undefined {
  const bytes = Buffer.from(document);
  const whole = decodeCall(bytes, { fastPath: false });
  expect(decodeCall(bytes)).toStrictEqual(whole);
  return whole.params[0];
}

function codeOf(document: string): number {
  for (const fastPath of [true, false]) {
    try {
      return expect.fail(`accepted: ${JSON.stringify(decodeCall(Buffer.from(document), { fastPath }))}`);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      if (!fastPath) return error.code;
    }
  }
  return 0;
}

const typed = (name: string, text: string) => param(`<${name}>${text}</${name}>`);

describe("line ends", () => {
  test.each([
    ["CRLF is LF", "a\r\nb", "a\nb"],
    ["CR is LF", "a\rb", "a\nb"],
    ["CR CR LF is two", "a\r\r\nb", "a\n\nb"],
    ["LF CR is two", "a\n\rb", "a\n\nb"],
    ["a referenced CR stays", "a&#13;b", "a\rb"],
    ["a referenced CR and a referenced LF stay", "a&#xD;&#xA;b", "a\r\nb"],
    ["a CR before a referenced LF is two", "a\r&#10;b", "a\n\nb"],
    ["a referenced CR before an LF stays one", "a&#13;\nb", "a\r\nb"],
    ["in CDATA as well", "<![CDATA[a\r\nb\rc]]>", "a\nb\nc"],
    ["NEL and LS are no line ends in XML 1.0", "a\u0085b\u2028c", "a\u0085b\u2028c"],
    ["tabs and spaces stay", "\t a \t", "\t a \t"],
  ])("%s", (_name, text, expected) => {
    expect(read(typed("string", text))).toBe(expected);
    expect(read(param(text))).toBe(expected);
  });

  test("between tags they are white space", () => {
    expect(read(typed("int", "7").replaceAll(/>(?=<)/g, ">\r\n"))).toBe(7);
    expect(read(`<?xml version="1.0"?>\r\n${typed("int", "\r\n7\r\n")}\r\n`)).toBe(7);
  });

  test("in names of members they become LF, too", () => {
    expect(read(param("<struct><member><name>a\r\nb</name><value/></member></struct>"))).toStrictEqual(
      struct([["a\nb", ""]]),
    );
  });

  test("CR is written so that it is read again", () => {
    expect(encodeResponse("a\r\nb\n").toString()).toContain("<string>a&#13;\nb\n</string>");
  });
});

describe("XML that means nothing", () => {
  test.each([
    ["comments anywhere", `<!--a-->${param("<!--b--><int><!--c-->4<!--d-->2</int><!--e-->")}<!--f-->`],
    ["instructions anywhere", `<?a?>${param("<?b '?><int>4<?c?>2</int><?d \"?>")}<?e?>`],
    ["attributes", param("<int a=\"1\" b='2'>42</int>").replace("<methodCall>", '<methodCall x="&amp;">')],
    [
      "namespaces",
      param("<int>42</int>").replace("<methodCall>", '<methodCall xmlns="http://x" xmlns:y="http://y">'),
    ],
    [
      "white space inside tags",
      "<methodCall ><methodName\n>m</methodName ><params\t><param ><value ><int >42</int\n></value\t></param ></params ></methodCall >",
    ],
    ["CDATA in a number", param("<int><![CDATA[4]]>2</int>")],
    ["references in a number", param("<int>&#52;&#x32;</int>")],
    [
      "a declaration in single quotes",
      `<?xml version='1.0' encoding='utf-8' standalone='yes'?>${param("<int>42</int>")}`,
    ],
    ["no declaration, white space first", `\r\n\t ${param("<int>42</int>")}`],
    ["white space around a type", param("\r\n\t <int>42</int> \t")],
  ])("%s", (_name, document) => {
    expect(read(document)).toBe(42);
  });

  test("CDATA is text: alone, beside text, empty, holding markup", () => {
    expect(read(param("<![CDATA[<int>1</int>]]>"))).toBe("<int>1</int>");
    expect(read(param("a<![CDATA[<]]>b<![CDATA[&amp;]]>c"))).toBe("a<b&amp;c");
    expect(read(param("<![CDATA[]]>"))).toBe("");
    expect(read(typed("string", "<![CDATA[]]]]><![CDATA[>]]>"))).toBe("]]>");
    expect(read(typed("base64", "<![CDATA[YQ==]]>"))).toStrictEqual(Uint8Array.of(97));
    expect(read(typed("boolean", "<![CDATA[1]]>"))).toBe(true);
  });

  test("references are decoded once, in texts, numbers and names", () => {
    expect(read(typed("string", "&lt;&gt;&amp;&quot;&apos;&amp;lt;&#38;#65;"))).toBe("<>&\"'&lt;&#65;");
    expect(read(typed("string", "&#x1F600;&#128512;&#x10FFFF;"))).toBe("😀😀\u{10ffff}");
    expect(read(param("<struct><member><name>&lt;&#97;</name><value/></member></struct>"))).toStrictEqual(
      struct([["<a", ""]]),
    );
    expect(codeOf(call("").replace("<methodName>m", "<methodName>&lt;m"))).toBe(-32600);
  });
});

describe("types", () => {
  test.each([
    ["without one: a string", param("007"), "007"],
    ["without one, true", param("true"), "true"],
    ["without one, 1e5", param("1e5"), "1e5"],
    ["without one, white space only", param(" \n "), " \n "],
    ["without one, nothing", call("<param><value/></param>"), ""],
    ["an empty string, closed", typed("string", ""), ""],
    ["an empty string, self-closed", param("<string/>"), ""],
    ["i4", typed("i4", "-12"), -12],
    ["int with zeros and a sign", typed("int", " +007 "), 7],
    ["int -0", typed("int", "-0"), 0],
    ["i8", typed("i8", "9223372036854775807"), 9223372036854775807n],
    ["ex:i8", typed("ex:i8", "-9223372036854775808"), -9223372036854775808n],
    ["nil", param("<nil/>"), null],
    ["ex:nil", param("<ex:nil></ex:nil>"), null],
    ["an integral double", typed("double", "3"), new Double(3)],
    ["double -0", typed("double", "-0.0"), new Double(-0)],
    ["a double with exponent", typed("double", "-1.5E+3"), new Double(-1500)],
    ["a denormal double", typed("double", "4.9406564584124654e-324"), 5e-324],
    ["a double of 17 digits", typed("double", "0.10000000000000001"), 0.1],
    ["base64 over several lines", typed("base64", "\r\n YW\r\nJj \r\n"), Uint8Array.of(97, 98, 99)],
    ["a date", typed("dateTime.iso8601", "19980717T14:08:55"), new DateTime("19980717T14:08:55")],
    [
      "a date with dashes",
      typed("dateTime.iso8601", "1998-07-17T14:08:55"),
      new DateTime("1998-07-17T14:08:55"),
    ],
    [
      "a date with a fraction",
      typed("dateTime.iso8601", "19980717T14:08:55.123"),
      new DateTime("19980717T14:08:55.123"),
    ],
    ["a date in UTC", typed("dateTime.iso8601", "19980717T14:08:55Z"), new DateTime("19980717T14:08:55Z")],
    [
      "a date with an offset",
      typed("dateTime.iso8601", "19980717T14:08:55+0530"),
      new DateTime("19980717T14:08:55+0530"),
    ],
    [
      "a date with an offset and a colon",
      typed("dateTime.iso8601", "19980717T14:08:55-08:00"),
      new DateTime("19980717T14:08:55-08:00"),
    ],
    ["a date in year 1", typed("dateTime.iso8601", "00010101T00:00:00"), new DateTime("00010101T00:00:00")],
  ])("%s", (_name, document, expected) => {
    const value = read(document);
    expect(value).toStrictEqual(expected);
    // What is written reads back as the same type.
    const response = encodeResponse(value ?? null).toString();
    expect(
      read(
        response
          .replaceAll("methodResponse", "methodCall")
          .replace("<params>", "<methodName>m</methodName><params>"),
      ),
    ).toStrictEqual(value);
  });

  test.each([
    "ex:i1",
    "ex:i2",
    "ex:biginteger",
    "ex:bigdecimal",
    "ex:float",
    "ex:dom",
    "ex:dateTime",
    "ex:serializable",
    "float",
    "i2",
    "long",
    "biginteger",
    "bool",
    "char",
    "date",
    "binary",
    "null",
    "x:nil",
    "x:i8",
    "EX:nil",
    "Int",
    "STRING",
  ])("%s is none: -32600", (name) => {
    expect(codeOf(typed(name, ""))).toBe(-32600);
    expect(codeOf(typed(name, "1"))).toBe(-32600);
  });
});

describe("members of structs", () => {
  const member = (name: string, value: string) =>
    `<member><name>${name}</name><value>${value}</value></member>`;
  const structOf = (...members: string[]) => read(param(`<struct>${members.join("")}</struct>`));

  test.each([
    "",
    " ",
    " a ",
    "a b",
    "a.b",
    "1",
    "01",
    "-",
    "é😀",
    "&lt;x&gt;",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "length",
    "then",
  ])("may be called %j", (name) => {
    const plain = name.replace("&lt;", "<").replace("&gt;", ">");
    const value = structOf(member(name, "first"), member("other", "2"));
    expect(Object.keys(value as object).sort()).toStrictEqual([plain, "other"].sort());
    expect(Object.getOwnPropertyDescriptor(value, plain)?.value).toBe("first");
    expect(Object.getPrototypeOf(value)).toBeNull();
  });

  test.each(["a", "", "1", "__proto__", "constructor"])("called %j twice: the last wins", (name) => {
    const value = structOf(member(name, "first"), member("other", "2"), member(name, "last"));
    expect(Object.getOwnPropertyDescriptor(value, name)?.value).toBe("last");
    expect(Object.keys(value as object)).toHaveLength(2);
  });

  test("may come in any order", () => {
    const there = structOf(member("2", "b"), member("x", "c"), member("1", "a"));
    const back = structOf(member("x", "c"), member("1", "a"), member("2", "b"));
    expect(there).toEqual(back);
  });
});
