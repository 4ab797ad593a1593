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
    ["a name of references", value("<struct><member><name>&lt;&lt;&lt;&lt;&lt;</name>")],
    ["a name in other alphabets", value("<struct><member><name>éééé</name>")],
    ["a name of white space", value("<struct><member><name>     </name>")],
    ["a number with white space around", value("<int>\t 123 \n</int>")],
    ["a number with referenced white space", value("<int>&#32;123&#32;</int>")],
    ["a name in pieces", value("<struct><member><name>123<!-- -->45</name>")],
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

  test("UTF-16, whatever it says", () => {
    expect(refusal(Buffer.from("\uFEFF<!DOCTYPE a>", "utf16le"))).toBeNull();
    expect(refusal(Buffer.from("\uFEFF<!DOCTYPE a>", "utf16le").swap16())).toBeNull();
  });
});
