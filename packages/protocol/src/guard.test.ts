import { describe, expect, test } from "vitest";
import { DecodeError } from "./errors.js";
import { checkWellFormed } from "./guard.js";
import { defaultLimits, type Limits } from "./limits.js";

const check = (document: string, limits: Partial<Limits> = {}) =>
  checkWellFormed(document, { ...defaultLimits, ...limits });

function refusal(document: string, limits: Partial<Limits> = {}): DecodeError {
  try {
    check(document, limits);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  return expect.fail(`accepted: ${document}`);
}

describe("refused as not well-formed", () => {
  test.each([
    ["an empty document", ""],
    ["a blank document", " \n\t"],
    ["plain text", "hello"],
    ["JSON", '{"method":"echo"}'],
    ["an unclosed tag", "<a>"],
    ["an unclosed tag inside", "<a><b></a>"],
    ["crossed tags", "<a><b></a></b>"],
    ["a surplus close tag", "<a></a></a>"],
    ["a close tag alone", "</a>"],
    ["another case in the close tag", "<A></a>"],
    ["a close tag with a longer name", "<a></ab>"],
    ["two roots", "<a/><b/>"],
    ["two roots, not self-closed", "<a></a><a></a>"],
    ["text before the root", "x<a/>"],
    ["text after the root", "<a/>x"],
    ["a reference after the root", "<a/>&#32;"],
    ["CDATA before the root", "<![CDATA[]]><a/>"],
    ["CDATA after the root", "<a/><![CDATA[]]>"],
    ["white space before a declaration", ' <?xml version="1.0"?><a/>'],
    ["a comment before a declaration", '<!----><?xml version="1.0"?><a/>'],
    ["a second declaration", '<?xml version="1.0"?><?xml version="1.0"?><a/>'],
    ["a declaration inside", '<a><?xml version="1.0"?></a>'],
    ["a declaration without a version", '<?xml encoding="utf-8"?><a/>'],
    ["a declaration without quotes", "<?xml version=1.0?><a/>"],
    ["a declaration with something else", '<?xml version="1.0" extra="1"?><a/>'],
    ["only a declaration", '<?xml version="1.0"?>'],
    ["an instruction named xml", "<a><?xml x?></a>"],
    ["an instruction named XmL", "<a><?XmL x?></a>"],
    ["an instruction without a name", "<a><? x?></a>"],
    ["an instruction with a bad name", "<a><?p+?></a>"],
    ["an unclosed instruction", "<a/><?p >"],
    ["a bare <", "<a>1 < 2</a>"],
    ["a bare &", "<a>1 & 2</a>"],
    ["]]> in text", "<a>]]></a>"],
    ["]]> in text after CDATA", "<a><![CDATA[]]>]]></a>"],
    ["-- in a comment", "<!-- a -- b --><a/>"],
    ["--- at the end of a comment", "<!--a---><a/>"],
    ["an unclosed comment", "<a/><!-- "],
    ["<!--> as a comment", "<!--><a/>"],
    ["an undefined entity", "<a>&nbsp;</a>"],
    ["an entity in capitals", "<a>&AMP;</a>"],
    ["an empty entity", "<a>&;</a>"],
    ["an entity without a semicolon", "<a>&amp</a>"],
    ["a reference that is no number", "<a>&#xZZ;</a>"],
    ["a reference with a capital X", "<a>&#X41;</a>"],
    ["an empty numeric reference", "<a>&#;</a>"],
    ["a reference to NUL", "<a>&#0;</a>"],
    ["a reference to a control character", "<a>&#x1F;</a>"],
    ["a reference to a surrogate", "<a>&#xD800;</a>"],
    ["a reference to U+FFFE", "<a>&#xFFFE;</a>"],
    ["a reference to U+FFFF", "<a>&#65535;</a>"],
    ["a reference beyond U+10FFFF", "<a>&#x110000;</a>"],
    ["a reference beyond all numbers", `<a>&#${"9".repeat(400)};</a>`],
    ["an undefined entity in an attribute", '<a b="&c;"/>'],
    ["a bad reference after a good one", "<a>&amp;&bad;</a>"],
    ["the same attribute twice", '<a b="1" b="2"/>'],
    ["the same attribute twice, __proto__", '<a __proto__="1" __proto__="2"/>'],
    ["an unquoted attribute", "<a b=1/>"],
    ["an attribute without a value", "<a b/>"],
    ["an attribute without a closing quote", '<a b="1/>'],
    ["< in an attribute", '<a b="<"/>'],
    ["attributes without white space between", '<a b="1"c="2"/>'],
    ["a space before the name", "< a/>"],
    ["a space before the name of a close tag", "<a></ a>"],
    ["an attribute in a close tag", '<a></a b="1">'],
    ["a space inside />", "<a/ >"],
    ["a name that begins with a digit", "<1a/>"],
    ["a name that begins with a dash", "<-a/>"],
    ["a name with a forbidden character", "<a+b/>"],
    ["<![cdata[", "<a><![cdata[x]]></a>"],
    ["an unclosed CDATA section", "<a><![CDATA[x]]"],
    ["a cut tag", "<a"],
    ["a cut attribute", '<a b="1" '],
    ["a harmless DOCTYPE", "<!DOCTYPE a><a/>"],
    ["a DOCTYPE after the root", "<a/><!DOCTYPE a>"],
    ["an entity declaration", '<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>'],
  ])("%s", (_, document) => {
    expect(refusal(document).code).toBe(-32700);
  });
});

describe("accepted", () => {
  test.each([
    ["no declaration, white space first", " \n<a/>"],
    ["single quotes", "<a b='1'/>"],
    ["> and quotes in an attribute", `<a b="'>" c='">]]>'/>`],
    ["CDATA with markup", "<a><![CDATA[<&]]]]></a>"],
    ["white space after the name", "<a ></a\n>"],
    ["references", "<a>&amp;lt;&#13;&#x1F600;&#x10FFFF;</a>"],
    ["leading zeros in a reference", `<a>&#${"0".repeat(500)}65;</a>`],
    ["colons and other alphabets in names", "<ex:été xmlns:ex='x'/>"],
    ["DEL and C1 controls", "<a>\u007f\u0085</a>"],
    ["]] and > apart", "<a>]]&gt; ]] ></a>"],
  ])("%s", (_, document) => {
    expect(check(document)).toBe(document);
  });

  test("a declaration, comments and instructions, which are left out", () => {
    expect(
      check(
        `<?xml version='1.0' encoding="UTF-8" standalone='yes' ?>\n<!-- 1 --><?p?><a>b<!-- 2 -->c<?p '?>d</a><!----> <?xml-style x?>`,
      ),
    ).toBe("\n<a>bcd</a> ");
  });
});

describe("illegal characters", () => {
  test.each(["\u0000", "\u0008", "\u000b", "\u001f", "\ufffe", "\uffff", "\ud800", "\udc00"])(
    "%j",
    (character) => {
      expect(refusal(`<a>b${character}</a>`)).toMatchObject({ code: -32702, position: 4 });
    },
  );
});

describe("limits, before a tree is built", () => {
  const nested = (levels: number) =>
    "<value><array><data>".repeat(levels) + "</data></array></value>".repeat(levels);

  test("depth is refused at once, with or without closing tags", () => {
    expect(refusal(nested(10_000)).code).toBe(-32005);
    expect(refusal("<a>".repeat(1_000_000)).code).toBe(-32005);
    expect(check(`<p>${nested(128)}</p>`)).toHaveLength(7 + 128 * 43);
  });

  test("the number of values and of elements", () => {
    expect(check(`<a>${"<value/>".repeat(10)}</a>`, { values: 10 })).toContain("value");
    expect(refusal(`<a>${"<value/>".repeat(11)}</a>`, { values: 10 }).code).toBe(-32005);
    const arrays = "<member><name/><value><array><data/></array></value></member>".repeat(10);
    expect(check(`<a>${arrays}</a>`, { values: 10 })).toContain("member");
    expect(refusal(`<a>${"<b/>".repeat(100)}</a>`, { values: 10 }).code).toBe(-32005);
  });
});

// Each of these takes seconds if a step looks twice at what it has passed, and milliseconds otherwise.
describe("linear in the size of the document", () => {
  const size = 300_000;
  const value = (content: string) =>
    `<methodResponse><params><param><value>${content}</value></param></params></methodResponse>`;
  test.each([
    ["an attribute", `<methodCall a="${"b".repeat(size)}"/>`],
    ["white space in a tag", `<methodCall${" ".repeat(size)}/>`],
    ["white space in a declaration", `<?xml version="1.0"${" ".repeat(size)}?><methodCall/>`],
    ["references", value("&amp;".repeat(size))],
    ["brackets", value("]]".repeat(size))],
    ["comments", value("<!-- -->".repeat(size / 4))],
    ["short elements", value(`<array><data>${"<value>&lt;</value>".repeat(size / 4)}</data></array>`)],
  ])("%s", (_, document) => {
    expect(() => check(document)).not.toThrow();
  });

  test("refusals too", () => {
    expect(refusal(`<?xml version="1.0"${" ".repeat(size)}<a/>`).code).toBe(-32700);
    expect(refusal(`<a>${"]".repeat(size)}]]></a>`).code).toBe(-32700);
    expect(refusal(`<${"a".repeat(size)}>`).message.length).toBeLessThan(200);
  });
});

/** A large document that is well-formed: its tree would cost much. */
describe("refused before there is a tree", () => {
  const size = 100_000;
  const value = (content: string) =>
    `<methodCall><methodName>m</methodName><params><param><value>${content}</value></param></params></methodCall>`;
  const small = "<value>1</value>";
  test.each([
    ["another root", `<a>${"<b/>".repeat(size)}</a>`, "<a> as the root"],
    ["an unknown type", value(`<a>${"x".repeat(size)}</a>`), "<a> inside <value>"],
    [
      "two types",
      value(`<int>1</int><string>${"x".repeat(size)}</string>`),
      "a second element inside <value>",
    ],
    ["an element in a scalar", value(`<string><b/>${"x".repeat(size)}</string>`), "<b> inside <string>"],
    ["text beside values", value(`<array><data>x${small.repeat(size)}</data></array>`), "text inside <data>"],
    ["a long date", value(`<dateTime.iso8601>${"1".repeat(size)}</dateTime.iso8601>`), "a date too long"],
    ["no base64", value(`<base64>${"A".repeat(size)}!</base64>`), "a character that is not in base64"],
    ["padding inside base64", value(`<base64>AA==${"A".repeat(size)}</base64>`), "base64 behind its padding"],
  ])("%s", (_, document, sentence) => {
    const refused = refusal(document);
    expect(refused.code).toBe(-32600);
    expect(refused.message).toContain(sentence);
  });

  test("unless it is not well-formed: that comes first, wherever it is", () => {
    expect(refusal(`<a>${"<b/>".repeat(size)}`).code).toBe(-32700);
  });

  test.each([
    [
      "a reference to white space beside values",
      value(`<array><data>&#32;${small.repeat(size)}</data></array>`),
    ],
    [
      "a section of white space beside values",
      value(`<array><data><![CDATA[ ]]>${small.repeat(size)}</data></array>`),
    ],
    ["base64 over many lines", value(`<base64>${"AAAA\n ".repeat(size)}AA=\n=</base64>`)],
    ["text of every kind", value(`x&amp;<![CDATA[y]]><!-- c -->${"z".repeat(size)}`)],
  ])("but not where the tree's reader would take it: %s", (_, document) => {
    expect(() => check(document)).not.toThrow();
  });
});

describe("lengths are those of what is read", () => {
  const document = (name: string, content: string) => `<value><${name}>${content}</${name}></value>`;
  test.each([
    ["name", "&amp;".repeat(4096), "&amp;"],
    ["name", "&#x1F600;".repeat(2048), "n".repeat(3000)],
    ["methodName", "<![CDATA[nnnn]]>".repeat(1024), "<![CDATA[n]]>"],
    ["name", "<!-- c -->n".repeat(4096), "n"],
    ["int", "&#57;".repeat(1024), "9"],
    ["double", `&#32;&#x9; ${"&#57;".repeat(1024)} &#10;&#13;`, "."],
    ["i8", `${" ".repeat(5000)}7`, "7".repeat(1025)],
  ])("%s %#", (name, fits, more) => {
    expect(() => check(document(name, fits))).not.toThrow();
    expect(refusal(document(name, fits + more)).code).toBe(-32005);
  });

  test("a tag has at most 256 attributes", () => {
    const tag = (count: number) => `<a${Array.from({ length: count }, (_, at) => ` b${at}=""`).join("")}/>`;
    expect(() => check(tag(256))).not.toThrow();
    expect(refusal(tag(257)).code).toBe(-32005);
  });
});

test("messages name the place and what to do", () => {
  expect(refusal("<a>1 & 2</a>").message).toBe(
    'not well-formed XML: "&" begins no reference that XML predefines: write "&amp;" (at position 5)',
  );
  expect(refusal("<a><b></a>").message).toBe("not well-formed XML: </a> where </b> is due (at position 6)");
});
