import { isBlank } from "./characters.js";
import { excerpt } from "./errors.js";

// What is certainly no XML-RPC although it may be well-formed. The tree's reader judges every document; for a
// large one its tree costs so much that what can be seen without one is looked at first.

const types = [
  "int",
  "i4",
  "i8",
  "ex:i8",
  "boolean",
  "double",
  "string",
  "dateTime.iso8601",
  "base64",
  "struct",
  "array",
  "nil",
  "ex:nil",
];

/** The elements that an element may hold; those that are missing hold text only. */
const holds: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["", new Set(["methodCall", "methodResponse"])],
  ["methodCall", new Set(["methodName", "params"])],
  ["methodResponse", new Set(["params", "fault"])],
  ["fault", new Set(["value"])],
  ["params", new Set(["param"])],
  ["param", new Set(["value"])],
  ["value", new Set(types)],
  ["struct", new Set(["member"])],
  ["member", new Set(["name", "value"])],
  ["array", new Set(["data"])],
  ["data", new Set(["value"])],
]);
/** These hold one element at most. */
const single: ReadonlySet<string> = new Set(["methodResponse", "fault", "param", "value", "array"]);

const notInBase64 = /[^A-Za-z0-9+/= \t\n]/;
/** Far longer than any date. */
const dateLengthMax = 200;

/** Where a document is no XML-RPC, in words. */
export interface Misshape {
  readonly sentence: string;
  readonly position: number;
}

/** Follows a well-formed document from tag to tag; remembers the first thing that does not belong. */
export class Shape {
  misshape: Misshape | null = null;
  /** Names of the open elements, and how many elements each holds so far. */
  readonly #open: string[] = [""];
  readonly #counts: number[] = [0];

  open(name: string, position: number): void {
    const at = this.#open.length - 1;
    const parent = this.#open[at] ?? "";
    const count = (this.#counts[at] ?? 0) + 1;
    this.#counts[at] = count;
    if (holds.get(parent)?.has(name) !== true) {
      const place = parent === "" ? "as the root" : `inside <${parent}>`;
      this.#found(`<${excerpt(name).slice(1, -1)}> ${place}`, position);
    } else if (count > 1 && single.has(parent)) {
      this.#found(`a second element inside <${parent}>`, position);
    }
    this.#open.push(name);
    this.#counts.push(0);
  }

  close(): void {
    this.#open.pop();
    this.#counts.pop();
  }

  /** A text between tags; what a reference in it stands for is left to who reads the tree. */
  text(content: string, position: number): void {
    const parent = this.#open.at(-1) ?? "";
    if (parent === "value" || content.includes("&")) return;
    if (parent === "base64") {
      this.#base64(content, position);
    } else if (parent === "dateTime.iso8601") {
      if (content.length > dateLengthMax) this.#found("a date too long", position);
    } else if (holds.has(parent) && !isBlank(content)) {
      this.#found(`text inside <${parent}>`, position);
    }
  }

  #base64(content: string, position: number): void {
    const bad = content.search(notInBase64);
    const padding = content.indexOf("=");
    if (bad !== -1) this.#found("a character that is not in base64", position + bad);
    else if (padding !== -1 && content.slice(padding).replace(/[ \t\n]+/g, "").length > 2) {
      this.#found("base64 behind its padding", position + padding);
    }
  }

  #found(sentence: string, position: number): void {
    this.misshape ??= { sentence, position };
  }
}
