/** A declared type: checks what comes in, checks and canonicalises what goes out. */
import { typeOf, type Value, type ValueType } from "@quorate/protocol";

/** The words that introspection uses for types; `any` where XML-RPC has no word. */
export type TypeWord = ValueType | "any";

export interface Shape {
  /** Bounds of a number, or of a size; both inclusive. */
  readonly min?: number | bigint | undefined;
  readonly max?: number | bigint | undefined;
  /** Must match somewhere in the text. */
  readonly pattern?: RegExp | undefined;
  /** Of every item of an array. */
  readonly item?: Type<unknown>;
  /** Of a struct that has these members and no others. */
  readonly members?: ReadonlyMap<string, Type<unknown>>;
}

export interface Type<T> {
  /** Of the parameter that it declares; null in `returns` and inside containers. */
  readonly name: string | null;
  readonly word: TypeWord;
  /** True when the value may be left out. */
  readonly omittable: boolean;
  /** What `accept` yields for a value that was left out. */
  readonly whenOmitted: T | undefined;
  /** What documentation says beside the word. */
  readonly shape: Shape;
  /** What the author would have documentation show; undefined where it must think of something. */
  readonly example: T | undefined;
  /** From a value of the wire or the state to what the handler gets. Throws `TypeMismatch`. */
  accept(value: Value, path: string): T;
  /** From what the handler returned to a value of the wire. Throws `TypeMismatch`. */
  emit(value: unknown, path: string): Value;
}

/** Takes all parameters that are left; only as the last of `params`. */
export interface RestType<T> {
  readonly rest: Type<T>;
}

/** What a handler sees of a declared type. */
export type Infer<D> = D extends Type<infer T> ? T : never;

/** A value that is not what its type says: where, what was expected, what came. */
export class TypeMismatch extends Error {
  override readonly name = "TypeMismatch";
  readonly path: string;
  constructor(path: string, expected: string, came: unknown) {
    super(`${path}: expected ${expected}, got ${describe(came)}`);
    this.path = path;
  }
}

const shownCharactersMax = 40;

/** Names a value in an error text: its type and, where short, itself. Depends on nothing but the value. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function" || typeof value === "symbol") return typeof value;
  const known = value as Value;
  const word = typeOf(known);
  if (typeof known === "string") return `${word} ${quote(known)}`;
  if (known instanceof Uint8Array) return `${word} of ${known.length} bytes`;
  if (Array.isArray(known)) return `${word} of ${known.length}`;
  if (word === "struct" || word === "nil") return word;
  return `${word} ${Object.is(known, -0) ? "-0" : String(known)}`;
}

function quote(text: string): string {
  // By code points: half a surrogate pair would make the text itself impossible to send.
  const start = [...text.slice(0, 2 * shownCharactersMax)].slice(0, shownCharactersMax).join("");
  return JSON.stringify(start.length < text.length ? `${start}…` : text);
}
