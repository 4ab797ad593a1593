import { describe, expect, test } from "vitest";
import { encodingOf } from "./encoding.js";
import { DecodeError } from "./errors.js";
import { defaultLimits, type Limits } from "./limits.js";
import { elements, hashOf, survey } from "./survey.js";

function refusal(document: string | Buffer, limits: Partial<Limits> = {}): DecodeError | null {
  const bytes = Buffer.from(document as string);
  try {
    survey(bytes, encodingOf(bytes, undefined), "methodCall", { ...defaultLimits, ...limits });
    return null;
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

const near = { depth: 2, values: 3, nameLength: 4, digits: 3 };
const value = (content: string) => `<methodCall><params><param><value>${content}</value></param></params>`;
const attributes = (count: number) => Array.from({ length: count }, (_, at) => ` a${at} = ">"`).join("");

test("each element has a hash of its own", () => {
  expect(new Set([...elements.keys()].map(hashOf)).size).toBe(elements.size);
});

describe("refused", () => {
  test.each<[string, string, number, string]>([
    ["too deep", value("<array><data><value><struct><member><value><array>"), -32005, "at most 2 deep"],
    ["open elements, closed or not", "<methodCall>".repeat(15), -32005, "at most 2 deep"],
    ["too many values", `<methodCall>${"<value/>".repeat(4)}`, -32005, "at most 3 values"],
    ["a member's name", value("<struct><member><name>12345</name>"), -32005, "a name has at most 4"],
    ["a method's name", "<methodCall><methodName>12345<", -32005, "a name has at most 4"],
    [
      "a name of references",
      value("<struct><member><name>&lt;&#60;&#x3c;<![CDATA[&;]]></name>"),
      -32005,
      "a name",
    ],
    ["a name of white space", value("<struct><member><name>     </name>"), -32005, "a name"],
    ["a name beyond the BMP", value("<struct><member><name>😀&#x1F600;é</name>"), -32005, "a name"],
    ["a name in pieces", value("<struct><member><name>12<!-- -->3<?p?>45</name>"), -32005, "a name"],
    ["a name with bare CRs", value("<struct><member><name>1\r2\r\n3</name>"), -32005, "a name"],
    ["a name without an end", value("<struct><member><name>12345"), -32005, "a name"],
    [
      "a number in pieces",
      value("<int>1<!-- -->2<![CDATA[3]]>&#52;</int>"),
      -32005,
      "a number has at most 3",
    ],
    ["a number with white space inside", value("<int>1 &#x20;<!-- -->2</int>"), -32005, "a number has"],
    ["an int", value("<int>1234</int>"), -32005, "a number has at most 3"],
    ["an i4 with white space around", value("<i4> 1234\n</i4>"), -32005, "a number has at most 3"],
    ["a double", value("<double>.123</double>"), -32005, "a number has at most 3"],
    ["Apache's i8", value("<ex:i8>1234</ex:i8>"), -32005, "a number has at most 3"],
    ["attributes", `<methodCall${attributes(257)}>`, -32005, "at most 256 attributes"],
    ["a DOCTYPE", "<?xml version='1.0'?>\n<!DOCTYPE methodCall>", -32700, "a DOCTYPE is not accepted"],
    ["a DOCTYPE inside", value("<!DOCTYPE a>"), -32700, "a DOCTYPE is not accepted"],
    ["JSON", ' {"methodCall": 1}', -32700, "text outside the root element"],
    ["another root", "<!-- c --><methodResponse/>", -32600, "the root is <methodCall>, not <methodResponse>"],
    ["a longer root", "<methodCalls>", -32600, "not <methodCalls>"],
    ["an unknown element", value("<biginteger>"), -32600, "XML-RPC has no element <biginteger>"],
    ["a very long element", value(`<${"a".repeat(500)}>`), -32600, `<${"a".repeat(40)}…>`],
  ])("%s", (_, document, code, sentence) => {
    const refused = refusal(document, near);
    expect(refused?.code).toBe(code);
    expect(refused?.message).toContain(sentence);
  });

  test("with the place, in bytes", () => {
    expect(refusal(Buffer.from("\uFEFF<methodCall>é<a/>"))?.position).toBe(3 + 12 + 2);
  });
});

describe("left to those who read", () => {
  test.each([
    ["a date", value("<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>")],
    ["as deep as it may be", value("<array><data><struct></struct></data></array>".repeat(3))],
    ["empty arrays and structs", `<methodCall>${"<array/><struct />".repeat(9)}`],
    ["as many values", `<methodCall>${"<value/>".repeat(3)}`],
    ["values in comments", `<methodCall><!--${"<value/>".repeat(9)}--><!---->`],
    ["values in sections", value(`<string><![CDATA[${"<value/>".repeat(9)}]]]]><![CDATA[]]></string>`)],
    ["values in instructions", `<?p ${"<value/>".repeat(9)}?><?p?><methodCall>`],
    ["a name in other alphabets", value("<struct><member><name>éééé</name>")],
    ["a number with white space around", value("<int>\t 123 \n</int>")],
    ["a name of references", value("<struct><member><name>&lt;&#60;&#x3c;<![CDATA[&]]></name>")],
    ["a name beyond the BMP", value("<struct><member><name>😀&#x1F600;</name>")],
    ["a name with line ends", value("<struct><member><name>\r\n\r\n\r\n1</name>")],
    ["names in pieces, one after the other", value("<name>1<!-- -->2</name><name>1<?p?>2</name>")],
    ["a number in pieces", value("<int> <!-- -->12<![CDATA[3 ]]>&#32;</int>")],
    ["a number without references that count", value("<int>&#9;&#x0A;&#013;&#x20;123&#xd;</int>")],
    ["a number with referenced white space", value("<int>&#32;123&#32;</int>")],
    ["long strings", value("<string>12345</string>") + value("12345")],
    ["attributes with > and quotes", `<methodCall${attributes(256)}><value a='/>"' />`],
    ["> in quotes of both kinds", value(`<int a=">12345">1</int>`) + value(`<int a='>12345'>1</int>`)],
    ["white space and a declaration", "<?xml version='1.0'?> \t\r\n<methodCall/>"],
    ["an apostrophe in an instruction", "<?p '?><methodCall/>"],
    ["a bare <", value("1 < 2, 1 <2, <= 3")],
    ["<! of any other kind", value("<!ELEMENT a><!D>")],
    ["cut anywhere", "<methodCall a='"],
    ["nothing", ""],
  ])("%s", (_, document) => {
    expect(refusal(document, near)).toBeNull();
  });

  test("every element of XML-RPC", () => {
    const each = [...elements.keys()].map((name) => `<${name}/>`).join("");
    expect(refusal(`<methodCall>${each}`)).toBeNull();
  });
});

test("in Latin-1 each byte is a character", () => {
  const latin1 = (name: string) =>
    Buffer.from(
      `<?xml version="1.0" encoding="iso-8859-1"?>${value(`<struct><member><name>${name}</name>`)}`,
      "latin1",
    );
  expect(refusal(latin1("\x80\xA0\xBF\xE9\xFF"), near)?.code).toBe(-32005);
  expect(refusal(latin1("\xF0\xFF\xF0\xFF"), near)).toBeNull();
});

describe.each(["utf-16le", "utf-16be"])("%s", (encoding) => {
  const wide = (document: string) => {
    const bytes = Buffer.from(`\uFEFF${document}`, "utf16le");
    return encoding === "utf-16le" ? bytes : bytes.swap16();
  };

  test("is refused for the same", () => {
    expect(refusal(wide("<!DOCTYPE a>"))?.code).toBe(-32700);
    expect(refusal(wide("<methodCall>é<a/>"))?.position).toBe(1 + 12 + 1); // in units, with the mark
    expect(refusal(wide(value("<struct><member><name>é\u013C€12</name>")), near)?.code).toBe(-32005);
    expect(refusal(wide(value("<int>1\u01323</int>")), { digits: 2 })?.code).toBe(-32005);
  });

  test("has no markup but its own", () => {
    // Characters with a byte of markup in them.
    const misleading = "\u3C3C\u3E00\u013C\u2F3E\u263E\u3C00";
    expect(refusal(wide(value(misleading.repeat(100))), near)).toBeNull();
    expect(refusal(wide(value(`<struct><member><name>${misleading.slice(0, 4)}</name>`)), near)).toBeNull();
  });

  test("of different lengths, one after the other", () => {
    expect(refusal(wide(value(`<string>${"x".repeat(999)}</string><i3>`)))?.code).toBe(-32600);
    expect(refusal(wide(value("<int>1</int>")))).toBeNull();
    expect(refusal(wide(value(`<string>${"x".repeat(9999)}</string><i3>`)))?.code).toBe(-32600);
  });

  test("may begin anywhere in memory, and end in the middle of a unit", () => {
    const document = wide(value("<biginteger>"));
    for (const offset of [0, 1, 2, 3]) {
      const moved = Buffer.alloc(document.length + 9).subarray(offset, offset + document.length + 1);
      document.copy(moved);
      expect(refusal(moved)?.code).toBe(-32600);
    }
  });
});
