import { illegalCharacter, isSpace, isXmlCharacter, nameEnd } from "./characters.js";
import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";
import { isLongNumber } from "./long-number.js";
import { Shape } from "./shape.js";

const greaterThan = 0x3e;
const slash = 0x2f;
const bang = 0x21;
const question = 0x3f;
const equalsSign = 0x3d;
const doubleQuote = 0x22;
const singleQuote = 0x27;

/** The XML declaration, up to its end (section 2.8). */
export const declaration =
  /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(?:"[A-Za-z0-9._-]*"|'[A-Za-z0-9._-]*')(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(?:"[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\n]*\?>/;

const reference = /&(?:(?:amp|lt|gt|quot|apos)|#([0-9]+)|#x([0-9A-Fa-f]+));/y;

/** From here on what is certainly no XML-RPC is refused before a tree is built. */
const largeLength = 64 * 1024;
/** XML-RPC has no attributes at all; namespaces and the like are few. */
const attributesMax = 256;

const names: ReadonlySet<string> = new Set(["name", "methodName"]);
const numbers: ReadonlySet<string> = new Set(["int", "i4", "i8", "ex:i8", "double"]);

/** Elements around the outermost value: methodResponse, fault, params, param, value and a scalar in it. */
const elementsAround = 8;
/** Each level of nesting is at most three elements deep: value, struct, member. */
const elementsPerLevel = 3;
/** Each value comes with at most five elements: member, name, value, array and data. */
const elementsPerValue = 5;

/**
 * Checks in one linear scan that a document is well-formed XML 1.0 without a DOCTYPE, because
 * fast-xml-parser reads nearly anything, and that its elements keep the limits on depth and count, and
 * names and numbers those on length, before a tree is built from them.
 *
 * @returns the document without its declaration, comments and processing instructions. They mean
 *   nothing to XML-RPC, and fast-xml-parser looks for quotes inside instructions: `<?a '?>` would
 *   swallow what follows.
 * @throws DecodeError -32700, -32702 (illegal characters), -32005 (limits), of a large document -32600
 */
export function checkWellFormed(text: string, limits: Limits): string {
  return new Guard(text, limits).scan();
}

class Guard {
  readonly #text: string;
  readonly #limits: Limits;
  /** Names of the elements that are open, outermost first. */
  readonly #open: string[] = [];
  /** Of a large document what it looks like. */
  readonly #shape: Shape | null;
  #rootSeen = false;
  /** Characters of the innermost element's text so far, as they are read: a reference is one. */
  #textLength = 0;
  #elements = 0;
  #values = 0;
  /** The next `&` and the next `]]>` at or after the point of the scan: remembered, to stay linear. */
  #ampersand = -1;
  #sectionEnd = -1;
  /** What to keep of the text so far, and where the rest begins. */
  #kept = "";
  #keepFrom = 0;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#limits = limits;
    this.#shape = text.length >= largeLength ? new Shape() : null;
  }

  scan(): string {
    const text = this.#text;
    this.#checkCharacters();
    let at = this.#skipDeclaration();
    for (;;) {
      const tag = text.indexOf("<", at);
      const end = tag === -1 ? text.length : tag;
      if (end > at) this.#checkText(at, end);
      if (tag === -1) break;
      switch (text.charCodeAt(tag + 1)) {
        case slash:
          at = this.#closeTag(tag);
          break;
        case bang:
          at = this.#section(tag);
          break;
        case question:
          at = this.#instruction(tag);
          break;
        default:
          at = this.#openTag(tag);
      }
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) {
      this.#refuse(`the document ends before <${shown(unclosed)}> is closed`, text.length);
    }
    if (!this.#rootSeen) this.#refuse("the document has no element", text.length);
    const misshape = this.#shape?.misshape;
    if (misshape) {
      const { sentence, position } = misshape;
      throw new DecodeError(faultCodes.notXmlRpc, `not XML-RPC: ${sentence}`, { position });
    }
    return this.#kept + text.slice(this.#keepFrom);
  }

  #checkCharacters(): void {
    const position = this.#text.search(illegalCharacter);
    if (position === -1) return;
    const code = (this.#text.codePointAt(position) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new DecodeError(faultCodes.invalidCharacter, `XML cannot carry the character U+${code}`, {
      position,
    });
  }

  #skipDeclaration(): number {
    if (!/^<\?xml(?![^ \t\n?])/.test(this.#text)) return 0;
    const match = declaration.exec(this.#text);
    if (match === null) this.#refuse("the XML declaration is not right", 0);
    this.#keepFrom = match[0].length;
    return match[0].length;
  }

  #checkText(start: number, end: number): void {
    if (this.#open.length === 0) {
      const surplus = this.#skipSpace(start);
      if (surplus < end) this.#refuse("text outside the root element", surplus);
      return;
    }
    this.#textLength += end - start - this.#checkReferences(start, end);
    this.#checkLength(start);
    this.#shape?.text(this.#text.slice(start, end), start);
    if (this.#sectionEnd < start) this.#sectionEnd = this.#find("]]>", start);
    if (this.#sectionEnd < end) this.#refuse('"]]>" in text: write "]]&gt;"', this.#sectionEnd);
  }

  /**
   * Refuses names and numbers that are certainly too long, because a tree of them is expensive. A number may have
   * white space around it, which does not count: who reads the tree decides on those.
   */
  #checkLength(start: number): void {
    const { nameLength, digits } = this.#limits;
    if (this.#textLength <= Math.min(nameLength, digits)) return;
    const element = this.#open.at(-1) ?? "";
    if (names.has(element)) {
      if (this.#textLength > nameLength) this.#exceed(`a name has at most ${nameLength} characters`, start);
    } else if (this.#textLength > digits && numbers.has(element) && this.#isLongNumber(start, digits)) {
      this.#exceed(`a number has at most ${digits} characters`, start);
    }
  }

  #isLongNumber(start: number, max: number): boolean {
    return isLongNumber(this.#text.slice(start, this.#find("<", start)), max);
  }

  /** Returns by how many characters the text is shorter than it looks. */
  #checkReferences(start: number, end: number): number {
    let surplus = 0;
    if (this.#ampersand < start) this.#ampersand = this.#find("&", start);
    while (this.#ampersand < end) {
      reference.lastIndex = this.#ampersand;
      const match = reference.exec(this.#text);
      if (match === null) {
        this.#refuse('"&" begins no reference that XML predefines: write "&amp;"', this.#ampersand);
      }
      const [whole, decimal, hexadecimal] = match;
      surplus += whole.length - 1;
      if (decimal !== undefined || hexadecimal !== undefined) {
        const code = decimal !== undefined ? Number(decimal) : Number(`0x${hexadecimal}`);
        if (!isXmlCharacter(code)) {
          this.#refuse(`${shown(whole)} refers to no character that XML can carry`, this.#ampersand);
        }
      }
      this.#ampersand = this.#find("&", this.#ampersand + whole.length);
    }
    return surplus;
  }

  #openTag(tag: number): number {
    const text = this.#text;
    const end = nameEnd(text, tag + 1);
    if (end === tag + 1) this.#refuse('"<" begins no tag: write "&lt;"', tag);
    if (this.#rootSeen && this.#open.length === 0) this.#refuse("a second root element", tag);
    this.#rootSeen = true;
    const name = text.slice(tag + 1, end);
    this.#count(name, tag);
    this.#textLength = 0;
    this.#shape?.open(name, tag);
    const close = text.charCodeAt(end) === greaterThan ? end : this.#attributes(end);
    if (text.charCodeAt(close) === slash) {
      if (text.charCodeAt(close + 1) !== greaterThan) this.#refuse('"/" is not the end of this tag', close);
      this.#shape?.close();
      return close + 2;
    }
    this.#open.push(name);
    return close + 1;
  }

  #count(name: string, tag: number): void {
    const { depth, values } = this.#limits;
    if (this.#open.length >= elementsPerLevel * depth + elementsAround) {
      this.#exceed(`values are nested at most ${depth} deep`, tag);
    }
    if (name === "value" && ++this.#values > values) this.#exceed(`at most ${values} values`, tag);
    if (++this.#elements > elementsPerValue * values + elementsAround) {
      this.#exceed(`more elements than ${values} values need`, tag);
    }
  }

  /** From the end of a tag's name to its `>` or `/`. */
  #attributes(nameEndsAt: number): number {
    const text = this.#text;
    const names = new Set<string>();
    let at = nameEndsAt;
    for (;;) {
      const start = this.#skipSpace(at);
      const code = text.charCodeAt(start);
      if (code === greaterThan || code === slash) return start;
      if (start >= text.length) this.#refuse("the document ends inside a tag", start);
      const end = nameEnd(text, start);
      if (start === at || end === start) this.#refuse("this does not belong into a tag", start);
      const name = text.slice(start, end);
      if (names.has(name)) this.#refuse(`the attribute ${shown(name)} comes twice`, start);
      if (names.size === attributesMax) this.#exceed(`a tag has at most ${attributesMax} attributes`, start);
      names.add(name);
      at = this.#attributeValue(end);
    }
  }

  #attributeValue(nameEndsAt: number): number {
    const text = this.#text;
    const sign = this.#skipSpace(nameEndsAt);
    if (text.charCodeAt(sign) !== equalsSign) this.#refuse("an attribute without a value", sign);
    const open = this.#skipSpace(sign + 1);
    const quote = text.charCodeAt(open);
    if (quote !== doubleQuote && quote !== singleQuote) {
      this.#refuse("an attribute's value stands in quotes", open);
    }
    const close = text.indexOf(quote === doubleQuote ? '"' : "'", open + 1);
    if (close === -1) this.#refuse("an attribute's value is not closed", open);
    const bracket = text.slice(open + 1, close).indexOf("<");
    if (bracket !== -1) this.#refuse('"<" in an attribute: write "&lt;"', open + 1 + bracket);
    this.#checkReferences(open + 1, close);
    return close + 1;
  }

  #closeTag(tag: number): number {
    const text = this.#text;
    const expected = this.#open.at(-1);
    const end = nameEnd(text, tag + 2);
    if (expected === undefined || end - tag - 2 !== expected.length || !text.startsWith(expected, tag + 2)) {
      const found = `</${shown(text.slice(tag + 2, end))}>`;
      this.#refuse(
        expected === undefined ? `${found} closes nothing` : `${found} where </${shown(expected)}> is due`,
        tag,
      );
    }
    const close = this.#skipSpace(end);
    if (text.charCodeAt(close) !== greaterThan) this.#refuse("a closing tag holds its name only", close);
    this.#open.pop();
    this.#shape?.close();
    this.#textLength = 0;
    return close + 1;
  }

  /** `<!`: a comment, a CDATA section, or what is refused. */
  #section(tag: number): number {
    const text = this.#text;
    if (text.startsWith("<!--", tag)) {
      const dashes = text.indexOf("--", tag + 4);
      if (dashes === -1) this.#refuse("a comment is not closed", tag);
      if (text.charCodeAt(dashes + 2) !== greaterThan) this.#refuse('"--" inside a comment', dashes);
      return this.#leaveOut(tag, dashes + 3);
    }
    if (text.startsWith("<![CDATA[", tag)) {
      if (this.#open.length === 0) this.#refuse("CDATA outside the root element", tag);
      const end = text.indexOf("]]>", tag + 9);
      if (end === -1) this.#refuse("a CDATA section is not closed", tag);
      const start = tag + "<![CDATA[".length;
      this.#textLength += end - start;
      if (names.has(this.#open.at(-1) ?? "")) this.#checkLength(start);
      return end + 3;
    }
    if (text.startsWith("<!DOCTYPE", tag)) this.#refuse("a DOCTYPE is not accepted, whatever it says", tag);
    this.#refuse('"<!" begins neither a comment nor a CDATA section', tag);
  }

  #instruction(tag: number): number {
    const text = this.#text;
    const end = nameEnd(text, tag + 2);
    const target = text.slice(tag + 2, end);
    if (target === "") this.#refuse("a processing instruction without a name", tag);
    if (target.length === 3 && target.toLowerCase() === "xml") {
      this.#refuse("an XML declaration stands at the very beginning only", tag);
    }
    const close = text.indexOf("?>", end);
    if (close === -1) this.#refuse("a processing instruction is not closed", tag);
    if (close !== end && !isSpace(text.charCodeAt(end))) {
      this.#refuse("a processing instruction's name ends with white space", end);
    }
    return this.#leaveOut(tag, close + 2);
  }

  #leaveOut(start: number, end: number): number {
    this.#kept += this.#text.slice(this.#keepFrom, start);
    this.#keepFrom = end;
    return end;
  }

  #skipSpace(start: number): number {
    let at = start;
    while (isSpace(this.#text.charCodeAt(at))) at++;
    return at;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }

  #refuse(sentence: string, position: number): never {
    throw new DecodeError(faultCodes.notWellFormed, `not well-formed XML: ${sentence}`, { position });
  }

  #exceed(sentence: string, position: number): never {
    throw new DecodeError(faultCodes.tooLarge, `too large: ${sentence}`, { position });
  }
}

function shown(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : excerpt(name).slice(1, -1);
}
