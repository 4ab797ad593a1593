/** What every client is tried with: one value of each kind, exactly typed. `clients/` has them in each language. */
import { DateTime, Double, struct, type Value } from "@quorate/protocol";

export const features: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["int", -2147483648],
  ["double", -2.5e-7],
  ["integral double", new Double(3)],
  ["boolean", false],
  ["string", "  two  spaces "],
  ["empty string", ""],
  ["markup", "<b> & \"q\" 'a' ]]>"],
  ["text", "Grüße, 世界"],
  ["emoji", "😀"],
  ["dateTime", new DateTime("19980717T14:08:55")],
  ["base64", Uint8Array.from({ length: 256 }, (_, byte) => byte)],
  ["array", [1, "two", []]],
  [
    "struct",
    struct([
      ["a", 1],
      ["b", "two"],
    ]),
  ],
  [
    "nested",
    struct([
      ["list", [1, ["two", struct([["deep", [true]]])]]],
      ["more", struct([["x", struct([["y", 2.5]])]])],
    ]),
  ],
  ["i8", 9007199254740993n],
  ["nil", null],
]);

/** Besides the values: a fault with its code and text, and the list of methods. Both are received only. */
export const answers: readonly string[] = ["fault", "methods"];

export type Direction = "receive" | "send";
