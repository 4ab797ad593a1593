import { describe, expect, test } from "vitest";
import { crc32c } from "./crc32c.js";

describe("crc32c", () => {
  // RFC 3720, appendix B.4, and the common check value of the nine digits.
  test.each([
    ["32 zero bytes", Buffer.alloc(32), 0x8a9136aa],
    ["32 bytes of ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["ascending bytes", Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
    ["nothing", Buffer.alloc(0), 0],
  ])("%s", (_, content, expected) => {
    expect(crc32c(content, 0, content.length)).toBe(expected);
  });

  test("of a part", () => {
    const content = Buffer.from("xx123456789yy");
    expect(crc32c(content, 2, 11)).toBe(0xe3069283);
  });
});
