import { XMLParser } from "fast-xml-parser";
import { DecodeError } from "./errors.js";
import { faultCodes } from "./fault.js";

/** A text, or an element: one key, its name, which holds its children in order. */
export interface XmlNode {
  readonly [name: string]: string | readonly XmlNode[];
}

const textKey = "#text"; // no element can be called so: "#" is not a name character
const predefined: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const reference = /&(?:(amp|lt|gt|quot|apos)|#([0-9]+)|#x([0-9A-Fa-f]+));/g;

/** fast-xml-parser's own decoder leaves `&#13;` as it is and deletes references that it dislikes. */
const entityDecoder = {
  /** Decodes once. The guard has refused every other reference before. */
  decode(text: string): string {
    if (!text.includes("&")) return text;
    return text.replace(reference, (_, name?: string, decimal?: string, hexadecimal?: string) => {
      if (name !== undefined) return predefined[name] ?? "";
      return String.fromCodePoint(decimal !== undefined ? Number(decimal) : Number(`0x${hexadecimal}`));
    });
  },
  /** Called for any DOCTYPE: a second line of defence, since the guard refuses them all. */
  addInputEntities(): never {
    throw new Error("a DOCTYPE came past the guard");
  },
  setExternalEntities: ignore,
  setXmlVersion: ignore,
  reset: ignore,
};

function ignore(): void {
  // Nothing is kept between documents, and the XML version changes nothing here.
}

const parser = new XMLParser({
  preserveOrder: true, // one shape; otherwise one child is an object, two are an array, and order is lost
  trimValues: false, // the default eats white space in strings
  parseTagValue: false, // the default turns 007 into 7 and "true" into true
  parseAttributeValue: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  commentPropName: false,
  cdataPropName: false, // CDATA arrives as one more text
  processEntities: true,
  entityDecoder,
  htmlEntities: false,
  maxNestedTags: Number.MAX_SAFE_INTEGER, // the guard has enforced the depth; this parser does not recurse
  jPath: false, // saves a fifth of the time, and a cost per depth
  strictReservedNames: true,
});

/**
 * The tree of a document that the guard has accepted; the only call of fast-xml-parser.
 * @throws DecodeError -32600 for element names that it refuses, such as `constructor`: XML-RPC has none of them
 */
export function parseXml(wellFormed: string): readonly XmlNode[] {
  try {
    return parser.parse(wellFormed);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DecodeError(faultCodes.notXmlRpc, `not XML-RPC: ${reason}`);
  }
}

/** An element's name; undefined for a text. */
export function elementName(node: XmlNode): string | undefined {
  for (const name in node) return name === textKey ? undefined : name;
  return undefined;
}

/** The children of an element whose name is known. */
export function childrenOf(node: XmlNode, name: string): readonly XmlNode[] {
  const children = node[name];
  return typeof children === "object" ? children : [];
}

/** The text of a node for which `elementName` is undefined. */
export function textOf(node: XmlNode): string {
  const text = node[textKey];
  return typeof text === "string" ? text : "";
}
