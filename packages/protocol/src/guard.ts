import { checkAttributes } from "./attributes.js";
import { illegalCharacter, isSpace, nameEnd, skipSpace } from "./characters.js";
import { Counts } from "./counts.js";
import { declaration, declarationStart } from "./declaration.js";
import { DecodeError } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";
import { References } from "./references.js";
import { doctype, notWellFormed, notXmlRpc, quoted, textOutside } from "./refusals.js";
import { Shape } from "./shape.js";
import { TextLength } from "./text-length.js";

const greaterThan = 0x3e;
const slash = 0x2f;
const bang = 0x21;
const question = 0x3f;

/** From here on what is certainly no XML-RPC is refused before a tree is built. */
const largeLength = 64 * 1024;

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
  /** Names of the elements that are open, outermost first. */
  readonly #open: string[] = [];
  readonly #counts: Counts;
  readonly #textLength: TextLength;
  readonly #references: References;
  /** Of a large document what it looks like. */
  readonly #shape: Shape | null;
  #rootSeen = false;
  /** The next `]]>` at or after the point of the scan: remembered, to stay linear. */
  #sectionEnd = -1;
  /** What to keep of the text so far, and where the rest begins. */
  #kept = "";
  #keepFrom = 0;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#counts = new Counts(limits);
    this.#textLength = new TextLength(text, limits);
    this.#references = new References(text);
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
      notWellFormed(`the document ends before <${quoted(unclosed)}> is closed`, text.length);
    }
    if (!this.#rootSeen) notWellFormed("the document has no element", text.length);
    const misshape = this.#shape?.misshape;
    if (misshape) {
      const { sentence, position } = misshape;
      notXmlRpc(`not XML-RPC: ${sentence}`, position);
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
    if (!declarationStart.test(this.#text)) return 0;
    const match = declaration.exec(this.#text);
    if (match === null) notWellFormed("the XML declaration is not right", 0);
    this.#keepFrom = match[0].length;
    return match[0].length;
  }

  #checkText(start: number, end: number): void {
    if (this.#open.length === 0) {
      const surplus = skipSpace(this.#text, start);
      if (surplus < end) textOutside(surplus);
      return;
    }
    const length = end - start - this.#references.check(start, end);
    this.#textLength.add(length, this.#open.at(-1) ?? "", start);
    this.#shape?.text(this.#text.slice(start, end), start);
    if (this.#sectionEnd < start) {
      const found = this.#text.indexOf("]]>", start);
      this.#sectionEnd = found === -1 ? Number.POSITIVE_INFINITY : found;
    }
    if (this.#sectionEnd < end) notWellFormed('"]]>" in text: write "]]&gt;"', this.#sectionEnd);
  }

  #openTag(tag: number): number {
    const text = this.#text;
    const end = nameEnd(text, tag + 1);
    if (end === tag + 1) notWellFormed('"<" begins no tag: write "&lt;"', tag);
    if (this.#rootSeen && this.#open.length === 0) notWellFormed("a second root element", tag);
    this.#rootSeen = true;
    const name = text.slice(tag + 1, end);
    this.#counts.open(name, this.#open.length, tag);
    this.#textLength.reset();
    this.#shape?.open(name, tag);
    const close = text.charCodeAt(end) === greaterThan ? end : checkAttributes(text, end, this.#references);
    if (text.charCodeAt(close) === slash) {
      if (text.charCodeAt(close + 1) !== greaterThan) notWellFormed('"/" is not the end of this tag', close);
      this.#counts.close(name);
      this.#shape?.close();
      return close + 2;
    }
    this.#open.push(name);
    return close + 1;
  }

  #closeTag(tag: number): number {
    const text = this.#text;
    const expected = this.#open.at(-1);
    const end = nameEnd(text, tag + 2);
    if (expected === undefined || end - tag - 2 !== expected.length || !text.startsWith(expected, tag + 2)) {
      const found = `</${quoted(text.slice(tag + 2, end))}>`;
      notWellFormed(
        expected === undefined ? `${found} closes nothing` : `${found} where </${quoted(expected)}> is due`,
        tag,
      );
    }
    const close = skipSpace(text, end);
    if (text.charCodeAt(close) !== greaterThan) notWellFormed("a closing tag holds its name only", close);
    this.#open.pop();
    this.#counts.close(expected);
    this.#shape?.close();
    this.#textLength.reset();
    return close + 1;
  }

  /** `<!`: a comment, a CDATA section, or what is refused. */
  #section(tag: number): number {
    const text = this.#text;
    if (text.startsWith("<!--", tag)) {
      const dashes = text.indexOf("--", tag + 4);
      if (dashes === -1) notWellFormed("a comment is not closed", tag);
      if (text.charCodeAt(dashes + 2) !== greaterThan) notWellFormed('"--" inside a comment', dashes);
      return this.#leaveOut(tag, dashes + 3);
    }
    if (text.startsWith("<![CDATA[", tag)) {
      if (this.#open.length === 0) notWellFormed("CDATA outside the root element", tag);
      const end = text.indexOf("]]>", tag + 9);
      if (end === -1) notWellFormed("a CDATA section is not closed", tag);
      const start = tag + "<![CDATA[".length;
      this.#textLength.addSection(end - start, this.#open.at(-1) ?? "", start);
      return end + 3;
    }
    if (text.startsWith("<!DOCTYPE", tag)) doctype(tag);
    notWellFormed('"<!" begins neither a comment nor a CDATA section', tag);
  }

  #instruction(tag: number): number {
    const text = this.#text;
    const end = nameEnd(text, tag + 2);
    const target = text.slice(tag + 2, end);
    if (target === "") notWellFormed("a processing instruction without a name", tag);
    if (target.length === 3 && target.toLowerCase() === "xml") {
      notWellFormed("an XML declaration stands at the very beginning only", tag);
    }
    const close = text.indexOf("?>", end);
    if (close === -1) notWellFormed("a processing instruction is not closed", tag);
    if (close !== end && !isSpace(text.charCodeAt(end))) {
      notWellFormed("a processing instruction's name ends with white space", end);
    }
    return this.#leaveOut(tag, close + 2);
  }

  #leaveOut(start: number, end: number): number {
    this.#kept += this.#text.slice(this.#keepFrom, start);
    this.#keepFrom = end;
    return end;
  }
}
