/**
 * Documents that are made to cost much, or to reach what they must not. Each is refused or read with its right
 * value. Where a limit is passed, nothing behind that place is looked at: shown by a second document that is
 * right up to there and garbage of any length afterwards, and gets the same answer.
 */
import { DecodeError, decodeCall, type Value } from "@quorate/protocol";
import { describe, expect, test } from "vitest";

const call = (content: string) =>
  `<methodCall><methodName>m</methodName><params><param>${content}</param></params></methodCall>`;
const value = (content: string) => call(`<value>${content}</value>`);
const megabyte = 1_000_000;

function outcome(document: string | Uint8Array): number | Value {
  try {
    return decodeCall(Buffer.from(document as string)).params[0] ?? null;
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

const notWellFormed = -32700;
const illegalCharacter = -32702;
const notXmlRpc = -32600;
const tooLarge = -32005;

const laughs = `<!DOCTYPE l [<!ENTITY a "lol">${"bcdefghij"
  .split("")
  .map((name, index) => `<!ENTITY ${name} "${`&${"abcdefghi"[index]};`.repeat(10)}">`)
  .join("")}]>`;

describe("refused", () => {
  test.each<[string, string | Uint8Array, number]>([
    ["a billion laughs", laughs + value("&j;"), notWellFormed],
    [
      "one big entity often",
      `<!DOCTYPE l [<!ENTITY a "${"x".repeat(100_000)}">]>${value("&a;".repeat(10_000))}`,
      notWellFormed,
    ],
    [
      "a file as an entity",
      `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>${value("&a;")}`,
      notWellFormed,
    ],
    ["a DTD from elsewhere", `<!DOCTYPE l SYSTEM "http://127.0.0.1:1/x">${value("")}`, notWellFormed],
    ["a harmless DOCTYPE", `<!DOCTYPE methodCall>${value("")}`, notWellFormed],
    ["10,000 arrays", call(`${"<value><array><data>".repeat(10_000)}`), tooLarge],
    [
      "10,000 arrays, closed",
      call("<value><array><data>".repeat(10_000) + "</data></array></value>".repeat(10_000)),
      tooLarge,
    ],
    ["10,000 structs", call("<value><struct><member><name>a</name>".repeat(10_000)), tooLarge],
    ["a million open elements", "<a>".repeat(megabyte), notXmlRpc],
    ["half a million open elements of XML-RPC", "<methodCall>".repeat(megabyte / 2), tooLarge],
    [
      "129 arrays",
      call("<value><array><data>".repeat(129) + "</data></array></value>".repeat(129)),
      tooLarge,
    ],
    [
      "more than a million values",
      value(`<array><data>${"<value/>".repeat(megabyte)}</data></array>`),
      tooLarge,
    ],
    ["an int of a million digits", value(`<int>${"9".repeat(megabyte)}</int>`), tooLarge],
    ["an i8 of a million digits", value(`<i8>${"9".repeat(megabyte)}</i8>`), tooLarge],
    ["a double of a million digits", value(`<double>.${"9".repeat(megabyte)}</double>`), tooLarge],
    ["an i8 one too many", value("<i8>9223372036854775808</i8>"), notXmlRpc],
    ["an int one too many", value("<int>2147483648</int>"), notXmlRpc],
    ["a double beyond all", value("<double>1e999</double>"), notXmlRpc],
    [
      "a member's name of a million characters",
      value(`<struct><member><name>${"n".repeat(megabyte)}</name><value/></member></struct>`),
      tooLarge,
    ],
    [
      "a method's name of a million characters",
      `<methodCall><methodName>${"n".repeat(megabyte)}</methodName></methodCall>`,
      tooLarge,
    ],
    ["a reference to nothing", value("&#0;"), notWellFormed],
    ["a reference beyond Unicode", value("&#x110000;"), notWellFormed],
    ["a reference of a million digits", value(`&#${"9".repeat(megabyte)};`), notWellFormed],
    ["a surrogate's reference", value("&#xD800;"), notWellFormed],
    ["NUL", value("\u0000"), illegalCharacter],
    ["U+FFFE", value("\uFFFE"), illegalCharacter],
    [
      "an overlong slash",
      Buffer.concat([Buffer.from("<methodCall>"), Buffer.from([0xc0, 0xaf])]),
      illegalCharacter,
    ],
    ["a surrogate in UTF-8", Buffer.from([0xed, 0xa0, 0x80]), illegalCharacter],
    ["a character cut short", Buffer.from("<methodCall>é").subarray(0, -1), illegalCharacter],
    ["half a million attributes", `<methodCall ${"a='b' ".repeat(500_000)}/>`, tooLarge],
    ["a comment that never ends", `<!--${" -".repeat(megabyte)}`, notWellFormed],
    ["a section that never ends", value(`<![CDATA[${"]]".repeat(megabyte)}`), notWellFormed],
    ["a million ampersands", value("&".repeat(megabyte)), notWellFormed],
    ["a million brackets", "<".repeat(megabyte), notWellFormed],
    ["base64 of a million paddings", value(`<base64>${"=".repeat(megabyte)}</base64>`), notXmlRpc],
    [
      "a date of a million digits",
      value(`<dateTime.iso8601>${"1".repeat(megabyte)}</dateTime.iso8601>`),
      notXmlRpc,
    ],
    ["an element called __proto__", value("<__proto__/>"), notXmlRpc],
    ["an element called constructor", value("<constructor/>"), notXmlRpc],
    ["Java's serialised objects", value("<ex:serializable>rO0ABQ==</ex:serializable>"), notXmlRpc],
    ["a method called __proto__ ", "<methodCall><methodName>__proto__ </methodName></methodCall>", notXmlRpc],
    ["nothing", "", notWellFormed],
    ["nothing but a mark", Buffer.from([0xef, 0xbb, 0xbf]), notWellFormed],
  ])("%s", (_, document, code) => {
    expect(outcome(document)).toBe(code);
  });
});

describe("where a limit is passed, the rest of the document is not read", () => {
  // Well-formed or not, the answer was given before.
  const rests = ["", "<".repeat(megabyte), "<data>".repeat(megabyte / 2), "&".repeat(megabyte)];
  test.each([
    ["depth", "<methodCall><params><param>", "<value><array><data>", 200],
    ["values", "<methodCall>", "<value/>", 1001],
    ["elements", "<methodCall>", "<data/>", 5 * 1000 + 10],
  ])("%s", (_, start, piece, count) => {
    for (const rest of rests) {
      const document = Buffer.from(start + piece.repeat(count) + rest);
      const decode = () => decodeCall(document, { limits: { values: 1000 } });
      expect(decode).toThrow(expect.objectContaining({ code: tooLarge }));
    }
  });
});

describe("read as what they are", () => {
  test("members named after what every object has", () => {
    const names = [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "__defineGetter__",
      "valueOf",
      "",
    ];
    const members = names.map((name) => `<member><name>${name}</name><value>x</value></member>`).join("");
    const [struct] = decodeCall(Buffer.from(value(`<struct>${members}</struct>`))).params;
    expect(Object.keys(struct as object)).toEqual(names);
    expect(Object.getPrototypeOf(struct)).toBeNull();
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test("100 arrays inside each other", () => {
    const deep = "<value><array><data>".repeat(100) + "</data></array></value>".repeat(100);
    let depth = 0;
    for (let at: Value | undefined = outcome(call(deep)) as Value; Array.isArray(at); at = at[0]) depth++;
    expect(depth).toBe(100);
  });

  test("references that are decoded once", () => {
    expect(outcome(value("&amp;lt;&amp;amp;lol;"))).toBe("&lt;&amp;lol;");
  });
});
