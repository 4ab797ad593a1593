/**
 * From bytes to characters, every combination: a byte order mark decides, else the charset of Content-Type, else the
 * XML declaration, else it is UTF-8 (RFC 7303, section 3).
 */
import { DecodeError, decodeCall } from "@quorate/protocol";
import { describe, expect, test } from "vitest";

type Encoding = "utf-8" | "us-ascii" | "iso-8859-1" | "windows-1252" | "utf-16le" | "utf-16be";

const marks = {
  none: [],
  "utf-8": [0xef, 0xbb, 0xbf],
  "utf-16le": [0xff, 0xfe],
  "utf-16be": [0xfe, 0xff],
} as const;
type Mark = keyof typeof marks;

/** Names in headers and declarations, with what they mean. */
const names: readonly (readonly [name: string, encoding: Encoding])[] = [
  ["utf-8", "utf-8"],
  ["UTF8", "utf-8"],
  ["US-ASCII", "us-ascii"],
  ["ISO-8859-1", "iso-8859-1"],
  ["latin1", "iso-8859-1"],
  ["Windows-1252", "windows-1252"],
  ["cp1252", "windows-1252"],
];
const told: readonly (readonly [name: string | undefined, encoding: Encoding | undefined])[] = [
  [undefined, undefined],
  ...names,
];

/** Texts that each encoding can carry, and that the others would read as something else. */
const texts: Readonly<Record<Encoding, string>> = {
  "utf-8": "aé€😀\u0080",
  "us-ascii": "a~",
  "iso-8859-1": "aé\u0080ÿ",
  "windows-1252": "aé€Ÿ™",
  "utf-16le": "aé€😀",
  "utf-16be": "aé€😀",
};

/** Written for this test: bytes 0x80 to 0x9F of windows-1252 (Microsoft's code page 1252). */
const cp1252: Readonly<Record<string, number>> = { "€": 0x80, "™": 0x99, Ÿ: 0x9f };

function encode(text: string, encoding: Encoding): Buffer {
  switch (encoding) {
    case "utf-16le":
      return Buffer.from(text, "utf16le");
    case "utf-16be":
      return Buffer.from(text, "utf16le").swap16();
    case "windows-1252":
      return Buffer.from([...text].map((character) => cp1252[character] ?? character.charCodeAt(0)));
    case "utf-8":
      return Buffer.from(text, "utf8");
    default:
      return Buffer.from(text, "latin1");
  }
}

function document(text: string, encoding: Encoding, mark: Mark, declared: string | undefined): Buffer {
  const declaration = declared === undefined ? "" : `<?xml version="1.0" encoding="${declared}"?>`;
  const call = `${declaration}<methodCall><methodName>m</methodName><params><param><value><string>${text}</string></value></param></params></methodCall>`;
  return Buffer.concat([Buffer.from(marks[mark]), encode(call, encoding)]);
}

const read = (bytes: Uint8Array, charset: string | undefined) => {
  const fast = decodeCall(bytes, { charset });
  expect(decodeCall(bytes, { charset, fastPath: false })).toStrictEqual(fast);
  return fast.params[0];
};

function codeOf(bytes: Uint8Array, charset?: string): number {
  try {
    return expect.fail(`accepted: ${JSON.stringify(decodeCall(bytes, { charset }))}`);
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

describe.each(Object.keys(marks) as Mark[])("byte order mark: %s", (mark) => {
  for (const [charset, byHeader] of told) {
    for (const [declared, byDeclaration] of told) {
      const expected = mark !== "none" ? mark : (byHeader ?? byDeclaration ?? "utf-8");
      test(`charset ${charset}, declared ${declared}: ${expected}`, () => {
        const text = texts[expected];
        expect(read(document(text, expected, mark, declared), charset)).toBe(text);
      });
    }
  }
});

describe("bytes that are not what was decided", () => {
  const latin = (declared?: string) => document("é", "iso-8859-1", "none", declared);
  test.each([
    ["Latin-1 bytes without a word", latin(), undefined],
    ["Latin-1 bytes declared as UTF-8", latin("UTF-8"), undefined],
    [
      "Latin-1 bytes that the header calls UTF-8, whatever the declaration says",
      latin("ISO-8859-1"),
      "utf-8",
    ],
    [
      "Latin-1 bytes behind a UTF-8 mark",
      Buffer.concat([Buffer.from(marks["utf-8"]), latin()]),
      "iso-8859-1",
    ],
    ["UTF-8 bytes that the header calls US-ASCII", document("é", "utf-8", "none", "UTF-8"), "us-ascii"],
    [
      "a byte that windows-1252 leaves undefined",
      Buffer.concat([latin(), Buffer.from([0x81])]),
      "windows-1252",
    ],
    [
      "half a surrogate pair in UTF-16",
      Buffer.concat([Buffer.from(marks["utf-16be"]), encode("\ud83d", "utf-16be")]),
      undefined,
    ],
    [
      "an odd number of bytes in UTF-16",
      Buffer.concat([document("é", "utf-16le", "utf-16le", undefined), Buffer.from([0x20])]),
      undefined,
    ],
    [
      "UTF-32, whose mark begins like that of UTF-16",
      Buffer.from([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0]),
      undefined,
    ],
  ])("%s: -32702", (_name, bytes, charset) => {
    expect(codeOf(bytes, charset)).toBe(-32702);
  });
});

describe("names that are not known here", () => {
  test.each([
    "utf-7",
    "ISO-8859-15",
    "koi8-r",
    "Shift_JIS",
    "gb18030",
    "EBCDIC-CP-US",
    "utf-32",
    "x-user-defined",
    "nonsense",
  ])("%s: -32701, in the header and in the declaration", (name) => {
    expect(codeOf(document("a", "us-ascii", "none", undefined), name)).toBe(-32701);
    expect(codeOf(document("a", "us-ascii", "none", name))).toBe(-32701);
  });

  test.each(["utf-16", "UTF-16LE", "utf-16be"])("%s without a mark: -32701, what to do is said", (name) => {
    expect(codeOf(document("a", "us-ascii", "none", name))).toBe(-32701);
    expect(() => decodeCall(document("a", "us-ascii", "none", undefined), { charset: name })).toThrow(
      "UTF-16 needs a byte order mark",
    );
  });

  test.each(["utf-16le", "utf-16be"] as const)(
    "%s without a mark that nothing announces: -32701",
    (encoding) => {
      for (const declared of [undefined, "utf-16", "utf-8"]) {
        expect(codeOf(document("a", encoding, "none", declared))).toBe(-32701);
        expect(() => decodeCall(document("é", encoding, "none", declared))).toThrow(
          "UTF-16 needs a byte order mark",
        );
      }
    },
  );

  test("are found however a declaration is written", () => {
    const call = (declaration: string) =>
      Buffer.from(`${declaration}<methodCall><methodName>m</methodName></methodCall>`);
    const far = " ".repeat(400);
    for (const declaration of [
      `<?xml version="1.0"${far}encoding="koi8-r"?>`,
      `<?xml version="1.0" encoding${far}=${far}'koi8-r'?>`,
      `<?xml version="1.0" encoding="${"x".repeat(100)}" standalone="yes"?>`,
      `<?xml\r\nversion="1.0"\r\nencoding = "koi8-r"\r\n?>`,
    ]) {
      expect(codeOf(call(declaration))).toBe(-32701);
    }
    expect(codeOf(call('<?xml version="1.0" encoding=""?>'))).toBe(-32700);
    expect(codeOf(call('<?xml version="1.0" encoding="utf 8"?>'))).toBe(-32700);
    const instruction = call("<?xml-stylesheet encoding='koi8-r'?>");
    expect(decodeCall(instruction)).toEqual({ method: "m", params: [] });
  });

  test("do not matter behind a mark, or in a declaration that the header overrules", () => {
    expect(read(document("é", "utf-8", "utf-8", "koi8-r"), "koi8-r")).toBe("é");
    expect(read(document("é", "utf-8", "none", "koi8-r"), "utf-8")).toBe("é");
  });
});

test("a second byte order mark is text where none may be", () => {
  const twice = Buffer.concat([Buffer.from(marks["utf-8"]), document("a", "utf-8", "utf-8", undefined)]);
  expect(codeOf(twice)).toBe(-32700);
});
