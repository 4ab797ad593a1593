import { isBlank } from "./characters.js";
import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";
import { formatPath } from "./path.js";
import { tooDeep, tooLarge } from "./refusals.js";
import { readBase64, readBoolean, readDateTime, readDouble, readI8, readInt, readNil } from "./scalar.js";
import { type Struct, struct, type Value } from "./value.js";
import { childrenOf, elementName, textOf, type XmlNode } from "./xml.js";

/** An element with its name at hand. */
export interface Element {
  readonly name: string;
  readonly children: readonly XmlNode[];
}

/**
 * Reads the tree of a document strictly: what the XML-RPC specification does not describe is refused.
 *
 * It recurses once per level of nesting, which the guard has bounded. Its path follows the value that is
 * being read and is not cleared on errors, so `locate` can tell where a refusal happened.
 */
export class TreeReader {
  readonly #limits: Limits;
  #root = "";
  readonly #path: (string | number)[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Runs a reading that starts at a named place, and adds the place to what it refuses. */
  locate<T>(root: string, read: () => T): T {
    this.#root = root;
    this.#path.length = 0;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw error.at({ path: formatPath(this.#root, this.#path) });
    }
  }

  /** The content of a `value` element: text, or one type element with nothing but white space beside it. */
  value(value: Element): Value {
    let type: Element | undefined;
    let text = "";
    for (const node of value.children) {
      const name = elementName(node);
      if (name === undefined) text += textOf(node);
      else if (type === undefined) type = { name, children: childrenOf(node, name) };
      else refuse(`<value> holds one type, not <${type.name}> and ${shown(name)}`);
    }
    if (type === undefined) return text;
    if (!isBlank(text)) refuse(`text ${excerpt(text.trim())} beside <${type.name}>`);
    return this.#typed(type);
  }

  #typed(type: Element): Value {
    switch (type.name) {
      case "string":
        return this.text(type);
      case "int":
      case "i4":
        return readInt(this.text(type), this.#limits);
      case "boolean":
        return readBoolean(this.text(type));
      case "double":
        return readDouble(this.text(type), this.#limits);
      case "struct":
        return this.#struct(type);
      case "array":
        return this.#array(type);
      case "dateTime.iso8601":
        return readDateTime(this.text(type));
      case "base64":
        return readBase64(this.text(type));
      case "nil":
      case "ex:nil":
        return readNil(this.text(type));
      case "i8":
      case "ex:i8":
        return readI8(this.text(type), this.#limits);
      default:
        return refuse(`${shown(type.name)} is not a type of XML-RPC`);
    }
  }

  #array(array: Element): Value[] {
    const items = this.elements(this.only(array, "data"));
    const result: Value[] = new Array(items.length);
    this.#checkDepth();
    const at = this.#path.push(0) - 1;
    for (const [index, item] of items.entries()) {
      this.#path[at] = index;
      this.expect(item, "value", "data");
      result[index] = this.value(item);
    }
    this.#path.pop();
    return result;
  }

  /** The last of several members with the same name wins, as with every other decoder but Apache's. */
  #struct(element: Element): Struct {
    const result = struct();
    this.#checkDepth();
    for (const member of this.elements(element)) {
      this.expect(member, "member", "struct");
      const [first, second, third] = this.elements(member);
      if (first?.name !== "name" || second?.name !== "value" || third !== undefined) {
        refuse("<member> holds <name>, then <value>, and nothing else");
      }
      const name = this.name(first);
      this.#path.push(name); // a member that has no name yet is somewhere in this struct
      result[name] = this.value(second);
      this.#path.pop();
    }
    return result;
  }

  /** The path grows by one step per array or struct, so its length is the depth. */
  #checkDepth(): void {
    if (this.#path.length >= this.#limits.depth) tooDeep(this.#limits);
  }

  /** The text of a name, within the limit on names. */
  name(element: Element): string {
    const name = this.text(element);
    if (name.length > this.#limits.nameLength) {
      tooLarge(
        `a name has at most ${this.#limits.nameLength} characters, ${excerpt(name)} has ${name.length}`,
      );
    }
    return name;
  }

  /** The text of an element that may hold nothing else. */
  text(element: Element): string {
    let text = "";
    for (const node of element.children) {
      const name = elementName(node);
      if (name !== undefined) refuse(`${shown(name)} inside <${element.name}>`);
      text += textOf(node);
    }
    return text;
  }

  /** The elements in an element that may hold nothing else but white space. */
  elements(element: Element): Element[] {
    const elements: Element[] = [];
    for (const node of element.children) {
      const name = elementName(node);
      if (name !== undefined) elements.push({ name, children: childrenOf(node, name) });
      else if (!isBlank(textOf(node)))
        refuse(`text ${excerpt(textOf(node).trim())} inside <${element.name}>`);
    }
    return elements;
  }

  /** The one element in an element that holds exactly one, of that name. */
  only(element: Element, name: string): Element {
    const [child, second] = this.elements(element);
    if (child === undefined || second !== undefined) {
      refuse(`<${element.name}> holds exactly one <${name}>`);
    }
    this.expect(child, name, element.name);
    return child;
  }

  expect(element: Element, name: string, parent: string): void {
    if (element.name !== name) refuse(`<${parent}> holds <${name}>, not ${shown(element.name)}`);
  }
}

export function refuse(sentence: string): never {
  throw new DecodeError(faultCodes.notXmlRpc, sentence);
}

/** An element's name from outside, as a tag. */
export function shown(name: string): string {
  return `<${excerpt(name).slice(1, -1)}>`;
}
