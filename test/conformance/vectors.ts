import { readFileSync } from "node:fs";
import type { Tagged } from "./tagged.js";

/** A document or request with what a server must make of it, and what seven other servers made of it. */
export interface Vector {
  readonly name: string;
  /** The request's body as text, or as base64 where the bytes matter. */
  readonly body?: string;
  readonly base64?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In `xmlrpc.json` an HTTP method other than POST; in `validator1.json` the XML-RPC method. */
  readonly method?: string;
  readonly path?: string;
  readonly transfer?: "chunked";
  readonly expect: Expectation;
  /** How sure the expectation is: required, advisable, or one of several answers that can be defended. */
  readonly strength: "must" | "should" | "doubt";
}

export type Expectation =
  | { readonly kind: "value"; readonly detail: ValueDetail }
  | { readonly kind: "reject"; readonly detail: { readonly codes: number[]; readonly http: number[] } }
  | { readonly kind: "fault"; readonly detail: { readonly codes: number[] } }
  | { readonly kind: "http-error"; readonly detail: { readonly status: number[] } };

export interface ValueDetail {
  /** What the parameters decode to; the method `echo` answers with them. */
  readonly params?: Tagged[];
  readonly result?: Tagged;
  /** For multicalls: `fault:CODE`, `fault:any`, or the value of each slot. */
  readonly resultShape?: (string | Tagged)[];
}

/** Expectations of strength "doubt" where Quorate decides otherwise, with the reason. */
export const decidedOtherwise: ReadonlyMap<string, string> = new Map([
  ["biginteger-ext", "of the extensions only i8 and nil are read; an unknown type is refused, not guessed"],
]);

export function loadVectors(file: "xmlrpc.json" | "validator1.json"): Vector[] {
  return JSON.parse(readFileSync(new URL(`vectors/${file}`, import.meta.url), "utf8"));
}

export function bodyOf(vector: Vector): Buffer {
  return vector.base64 === undefined
    ? Buffer.from(vector.body ?? "", "utf8")
    : Buffer.from(vector.base64, "base64");
}

/** The charset that the vector's Content-Type names, if any. */
export function charsetOf(vector: Vector): string | undefined {
  return /;\s*charset=([^;\s]+)/i.exec(vector.headers?.["Content-Type"] ?? "")?.[1];
}
