import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { Transcript } from "./transcript.js";

const secret = new Uint8Array(16).fill(5);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const hex = (mac: Uint8Array) => Buffer.from(mac).toString("hex");

function transcript(key: Uint8Array, first: string, ...more: readonly string[]): Transcript {
  const made = new Transcript(key, bytes(first));
  for (const part of more) made.add(bytes(part));
  return made;
}

it("is HMAC-SHA256 over label and parts, each behind its length", () => {
  const text = "\0\0\0\x0equorate peer l\0\0\0\x02ab\0\0\0\x01c";
  const expected = createHmac("sha256", secret).update(text).digest("hex");
  expect(hex(transcript(secret, "ab", "c").mac("l"))).toBe(expected);
});

it("proves one label, one order, one division of the bytes, one secret", () => {
  const mac = transcript(secret, "ab", "c").mac("l");
  expect(transcript(secret, "ab", "c").proves("l", mac)).toBe(true);
  const others = [
    transcript(secret, "a", "bc"),
    transcript(secret, "c", "ab"),
    transcript(secret, "abc"),
    transcript(secret, "ab", "c", ""),
    transcript(new Uint8Array(16).fill(6), "ab", "c"),
  ];
  for (const other of others) expect(other.proves("l", mac)).toBe(false);
  expect(transcript(secret, "ab", "c").proves("m", mac)).toBe(false);
});
