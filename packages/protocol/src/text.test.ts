import { describe, expect, test } from "vitest";
import { encodingOf } from "./encoding.js";
import { DecodeError } from "./errors.js";
import { decodeText } from "./text.js";

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  );
const decode = (document: Uint8Array, charset?: string) => {
  const buffer = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  return decodeText(buffer, encodingOf(buffer, charset));
};

function refusal(document: Uint8Array, charset?: string): { code: number; position: number | undefined } {
  try {
    decode(document, charset);
  } catch (error) {
    if (error instanceof DecodeError) return { code: error.code, position: error.position };
    throw error;
  }
  return expect.fail("accepted");
}

describe("which encoding", () => {
  test.each([
    ["nothing said: UTF-8", bytes("<a>", [0xc3, 0xa9], "</a>"), undefined, "<a>é</a>"],
    ["a UTF-8 mark", bytes([0xef, 0xbb, 0xbf], "<a>", [0xc3, 0xa9], "</a>"), undefined, "<a>é</a>"],
    [
      "a mark against header and declaration",
      bytes([0xef, 0xbb, 0xbf], '<?xml version="1.0" encoding="latin1"?><a>', [0xc3, 0xa9], "</a>"),
      "iso-8859-1",
      '<?xml version="1.0" encoding="latin1"?><a>é</a>',
    ],
    ["UTF-16, little end first", Buffer.from("\uFEFF<a>é😀</a>", "utf16le"), undefined, "<a>é😀</a>"],
    ["UTF-16, big end first", Buffer.from("\uFEFF<a>é😀</a>", "utf16le").swap16(), "utf-16", "<a>é😀</a>"],
    ["the header", bytes("<a>", [0xe9], "</a>"), "ISO-8859-1", "<a>é</a>"],
    ["the header in quotes", bytes("<a>", [0xe9], "</a>"), '"iso-8859-1"', "<a>é</a>"],
    [
      "the header against the declaration",
      bytes("<?xml version='1.0' encoding='latin1'?><a>", [0xc3, 0xa9], "</a>"),
      "utf-8",
      "<?xml version='1.0' encoding='latin1'?><a>é</a>",
    ],
    [
      "the declaration",
      bytes("<?xml version='1.0'\n encoding = 'ISO-8859-1' ?><a>", [0xe9], "</a>"),
      undefined,
      "<?xml version='1.0'\n encoding = 'ISO-8859-1' ?><a>é</a>",
    ],
    ["ISO-8859-1 is not windows-1252", bytes("<a>", [0x80], "</a>"), "iso-8859-1", "<a>\u0080</a>"],
    ["windows-1252", bytes("<a>", [0x80, 0x85, 0x9f, 0xe9], "</a>"), "windows-1252", "<a>€…Ÿé</a>"],
    ["US-ASCII", bytes("<a>&#233;</a>"), "us-ascii", "<a>&#233;</a>"],
    [
      "an encoding named outside the declaration says nothing",
      bytes("<a>encoding='latin1'</a>"),
      undefined,
      "<a>encoding='latin1'</a>",
    ],
  ])("%s", (_, document, charset, text) => {
    expect(decode(document, charset)).toBe(text);
  });
});

describe("refused", () => {
  test.each([
    ["an unknown encoding in the header", bytes("<a/>"), "utf-7", -32701],
    [
      "an unknown encoding in the declaration",
      bytes("<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>"),
      undefined,
      -32701,
    ],
    ["UTF-16 declared, but no mark", bytes("<?xml version='1.0' encoding='UTF-16'?><a/>"), undefined, -32701],
    ["UTF-16 in the header, but no mark", bytes("<a/>"), "utf-16", -32701],
    ["half a UTF-16 unit", bytes([0xff, 0xfe, 0x3c]), undefined, -32702],
    ["a lone surrogate in UTF-16", bytes([0xff, 0xfe, 0x00, 0xd8]), undefined, -32702],
  ])("%s", (_, document, charset, code) => {
    expect(refusal(document, charset).code).toBe(code);
  });

  test.each([
    ["an overlong form", [0xc0, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a cut sequence", [0xe2, 0x82]],
    ["a byte that begins nothing", [0xff]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ])("%s, with its position, even behind a U+FFFD that is meant", (_, bad) => {
    expect(refusal(bytes("é", "<a>", bad))).toStrictEqual({ code: -32702, position: 0 });
    expect(refusal(bytes("<a>", [0xef, 0xbf, 0xbd], "b", bad, "</a>"))).toStrictEqual({
      code: -32702,
      position: 7,
    });
  });

  test("a byte beyond US-ASCII, and one that windows-1252 leaves undefined", () => {
    expect(refusal(bytes("<a>", [0xe9]), "us-ascii")).toStrictEqual({ code: -32702, position: 3 });
    expect(refusal(bytes("<a>", [0x81]), "cp1252")).toStrictEqual({ code: -32702, position: 3 });
  });
});

test("line ends become LF", () => {
  expect(decode(bytes("a\r\nb\rc\n\r\r\n"))).toBe("a\nb\nc\n\n\n");
});

test("a view into a larger buffer is read within its bounds", () => {
  const whole = Uint8Array.from(Buffer.from("xx<a/>yy"));
  expect(decode(whole.subarray(2, 6))).toBe("<a/>");
});
