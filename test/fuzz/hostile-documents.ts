/** Documents made to cost much: one piece over and over, in a place where it may or may not stand. */
import fc from "fast-check";

const pieces: readonly string[] = [
  "<value><array><data>",
  "<value><struct><member><name>a</name>",
  "<value>",
  "<a>",
  "<a/>",
  "<a b='c' ",
  " b",
  ' b="c"',
  "&amp;",
  "&#65;",
  "&",
  "&lol;",
  "<!-- -->",
  "<!--",
  "-",
  "<?p q?>",
  "<?",
  "<![CDATA[x]]>",
  "<![CDATA[",
  "]]>",
  "]",
  "<!DOCTYPE a [<!ENTITY b 'c'>",
  " ",
  "\n",
  "\r",
  "9",
  "A",
  "=",
  "😀",
  "</value>",
  "</a>",
  "<value><int>1</int></value>",
  "<member><name>__proto__</name><value>1</value></member>",
  "1e",
  ".",
  "<",
  ">",
  "\u0000",
];

/** Where in a call the pieces go. */
const places: readonly (readonly [before: string, after: string])[] = [
  ["", ""],
  ["<methodCall><methodName>", "</methodName></methodCall>"],
  ["<methodCall><methodName>m</methodName><params><param>", "</param></params></methodCall>"],
  ...["int", "i8", "double", "base64", "string", "dateTime.iso8601", "boolean", "nil"].map(
    (type) =>
      [
        `<methodCall><methodName>m</methodName><params><param><value><${type}>`,
        `</${type}></value></param></params></methodCall>`,
      ] as const,
  ),
  [
    "<methodCall><methodName>m</methodName><params><param><value><struct>",
    "</struct></value></param></params></methodCall>",
  ],
  [
    "<methodCall><methodName>m</methodName><params><param><value><array><data>",
    "</data></array></value></param></params></methodCall>",
  ],
  ["<methodCall", "></methodCall>"],
  ["<?xml version='1.0'", "?><methodCall/>"],
];

export const hostileDocument: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...places),
    fc.constantFrom(...pieces),
    fc.constantFrom(...pieces),
    fc.integer({ min: 1, max: 3000 }),
    fc.boolean(),
  )
  .map(([[before, after], piece, other, count, closed]) =>
    closed
      ? `${before}${piece.repeat(count)}${other}${after}`
      : `${before}${piece.repeat(count)}${other.repeat(count)}`,
  );
