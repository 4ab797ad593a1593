/**
 * Documents of 8 MB that pass a limit, or are no calls at all: at their beginning, with megabytes behind, or at their
 * end, with as much before. For `limits.test.ts` and for `test/bench/limits.ts`.
 */
export interface LimitDocument {
  readonly name: string;
  /** The fault that it is refused with. */
  readonly code: number;
  /** Where the first thing is that is refused, for all who read from the beginning. */
  readonly place: "beginning" | "end";
  readonly make: () => Buffer;
}

const notWellFormed = -32700;
const notXmlRpc = -32600;
const tooLarge = -32005;

const size = 8_000_000;
const member = "<value><struct><member><name>id</name><value><int>7</int></value></member></struct></value>";
/** Megabytes of what is right. */
const filling = member.repeat(Math.floor(size / member.length));
const head =
  "<?xml version='1.0'?>\n<methodCall><methodName>m</methodName><params><param><value><array><data>";
const tail = "</data></array></value></param></params></methodCall>";

/** The same megabytes for two bytes a character. */
const half = filling.slice(0, member.length * Math.floor(size / 2 / member.length));

const text = (content: string) => () => Buffer.from(content);

function wide(encoding: string, content: string): () => Buffer {
  const little = () => Buffer.from(`\uFEFF${content}`, "utf16le");
  return encoding === "utf-16le" ? little : () => little().swap16();
}

/** Something that is refused: before what is right, or behind it. */
function both(name: string, code: number, wrong: string): LimitDocument[] {
  return [
    { name, code, place: "beginning", make: text(head + wrong + filling + tail) },
    { name, code, place: "end", make: text(head + filling + wrong + tail) },
  ];
}

const scalar = (type: string, content: string) => `<value><${type}>${content}</${type}></value>`;
const nested = (levels: number) =>
  "<value><array><data>".repeat(levels) + "</data></array></value>".repeat(levels);
const attributes = Array.from({ length: 300 }, (_, at) => ` a${at}=''`).join("");

export const limitDocuments: readonly LimitDocument[] = [
  ...both("depth, one level too many", tooLarge, nested(128)),
  ...both("depth, nothing but levels", tooLarge, "<value><array><data>".repeat(10_000)),
  {
    name: "depth, 8 MB of levels",
    code: tooLarge,
    place: "beginning",
    make: text(head + "<value><struct><member><name/>".repeat(size / 30)),
  },
  {
    name: "values, one too many",
    code: tooLarge,
    place: "end",
    make: text(head + "<value/>".repeat(1_000_000) + tail),
  },
  ...both("a name", tooLarge, `<value><struct><member><name>${"n".repeat(4097)}</name>`),
  {
    name: "a name of 8 MB",
    code: tooLarge,
    place: "end",
    make: text(`${head}<value><struct><member><name>${"n".repeat(size)}</name>${tail}`),
  },
  {
    name: "a method's name of 8 MB",
    code: tooLarge,
    place: "end",
    make: text(`<methodCall><methodName>${"n".repeat(size)}</methodName></methodCall>`),
  },
  ...both("digits of an int", tooLarge, scalar("int", "9".repeat(1025))),
  ...both("digits of an i8", tooLarge, scalar("i8", "9".repeat(1025))),
  {
    name: "digits of a double, 8 MB",
    code: tooLarge,
    place: "end",
    make: text(head + scalar("double", `.${"9".repeat(size)}`) + tail),
  },
  ...both("attributes", tooLarge, `<value${attributes}/>`),
  {
    name: "a DOCTYPE",
    code: notWellFormed,
    place: "beginning",
    make: text(`<!DOCTYPE l [<!ENTITY a "lol">]>${head}${filling}${tail}`),
  },
  {
    name: "a DOCTYPE behind comments",
    code: notWellFormed,
    place: "end",
    make: text(`${"<!-- -->".repeat(size / 8)}<!DOCTYPE l>${head}${tail}`),
  },
  {
    name: "JSON",
    code: notWellFormed,
    place: "beginning",
    make: text(JSON.stringify({ text: "x".repeat(size) })),
  },
  { name: "zeros", code: notWellFormed, place: "beginning", make: () => Buffer.alloc(size) },
  {
    name: "another root",
    code: notXmlRpc,
    place: "beginning",
    make: text(`<soap:Envelope xmlns:soap='s'>${"<a/>".repeat(size / 4)}</soap:Envelope>`),
  },
  ...both("an element that XML-RPC does not have", notXmlRpc, "<value><biginteger>1</biginteger></value>"),
  ...both(
    "a name, written with references",
    tooLarge,
    `<value><struct><member><name>${"&lt;".repeat(4097)}</name>`,
  ),
  ...both("a name in pieces", tooLarge, `<value><struct><member><name>${"n<!-- -->".repeat(4097)}</name>`),
  ...both("digits in pieces", tooLarge, scalar("double", "1<![CDATA[2]]><?p?>&#51;".repeat(500))),
  ...["utf-16le", "utf-16be"].flatMap((encoding) => [
    {
      name: `depth, in ${encoding}`,
      code: tooLarge,
      place: "beginning",
      make: wide(encoding, head + nested(128) + half + tail),
    } as const,
    {
      name: `a name, in ${encoding}`,
      code: tooLarge,
      place: "end",
      make: wide(encoding, `${head}${half}<value><struct><member><name>${"é".repeat(4097)}</name>`),
    } as const,
  ]),
  {
    name: "values, behind comments, sections and instructions",
    code: tooLarge,
    place: "end",
    make: text(
      `${head}<!-- <value> -->${scalar("string", "<![CDATA[<value>]]>")}<?p <value>?>${"<value/>".repeat(999_999)}${tail}`,
    ),
  },
];

/** What a look at the bytes leaves to others, because it is no limit or because it is in doubt. */
export const otherDocuments: readonly LimitDocument[] = [
  {
    name: "structs, cut short at the end",
    code: notWellFormed,
    place: "end",
    make: text(head + filling + tail.slice(0, -1)),
  },
  {
    name: "text beside values",
    code: notXmlRpc,
    place: "beginning",
    make: text(`${head}x${filling}${tail}`),
  },
  {
    name: "a comment that does not end",
    code: notWellFormed,
    place: "beginning",
    make: text(`${head}<!--${filling}`),
  },
];
