import fc from "fast-check";
import { type Mutation, mutation } from "./mutations.js";

/** A document's tags, references and pieces of text, so that a mutation can move them as a whole. */
export function tokensOf(document: string): string[] {
  return document.match(/<[^>]*>|&[^;<]{0,10};|[^<&]+|[<&]/g) ?? [];
}

const elementNames = [
  ...["methodCall", "methodName", "methodResponse", "params", "param", "fault", "value"],
  ...["array", "data", "struct", "member", "name", "string", "int", "i8", "nil", "ex:nil"],
  ...["methodcall", "METHODCALL", "methodresponse", "Value", "i1", "ex:string", "valu"],
];

/** Changes one element as a whole, so that most documents stay well-formed. */
const elementMutation: fc.Arbitrary<Mutation> = fc
  .tuple(fc.nat({ max: 6 }), fc.nat(), fc.constantFrom(...elementNames))
  .map(
    ([kind, choice, name]): Mutation =>
      (tokens) => {
        const starts = [...tokens.keys()].filter((index) => /^<[^/?!]/.test(tokens[index] ?? ""));
        const start = starts[choice % starts.length] ?? 0;
        const end = elementEnd(tokens, start);
        const before = tokens.slice(0, start);
        const element = tokens.slice(start, end);
        const after = tokens.slice(end);
        switch (kind) {
          case 0: // delete
            return [...before, ...after];
          case 1: // double
            return [...before, ...element, ...element, ...after];
          case 2: // move behind the next element
            return [...before, ...after.toSpliced(elementEnd(after, 0), 0, ...element)];
          case 3: // take its content out of it
            return [...before, ...element.slice(1, -1), ...after];
          case 4: // take its content away
            return [...before, element.at(0) ?? "", element.at(-1) ?? "", ...after];
          case 5: // fold the case of its first tag
            return [...before, tokens[start]?.toLowerCase() ?? "", ...element.slice(1), ...after];
          default: // rename
            return [...before, `<${name}>`, ...element.slice(1, -1), `</${name}>`, ...after];
        }
      },
  );

/** The end of the element that starts at a token; of the token itself when it is no element. */
function elementEnd(tokens: readonly string[], start: number): number {
  let depth = 0;
  for (let index = start; index < tokens.length; index++) {
    const token = tokens[index] ?? "";
    if (token.startsWith("</")) depth--;
    else if (/^<[^?!]/.test(token) && !token.endsWith("/>")) depth++;
    if (depth <= 0) return index + 1;
  }
  return tokens.length;
}

const damage: fc.Arbitrary<Mutation> = fc.oneof(
  mutation,
  mutation.map(
    (mutate): Mutation =>
      (tokens) =>
        mutate(Array.from(tokens.join(""))),
  ),
  elementMutation,
  elementMutation,
);

/** What is left of a document after deleting, doubling, moving and inserting characters or tokens. */
export function damaged(documents: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(documents, fc.array(damage, { minLength: 1, maxLength: 2 }))
    .map(([document, steps]) => steps.reduce((text, mutate) => mutate(tokensOf(text)).join(""), document));
}

/** Every way to cut a document short, and to delete, double or swap one of its tokens. */
export function* variants(document: string): Iterable<string> {
  const characters = Array.from(document);
  for (let length = 0; length <= characters.length; length++) yield characters.slice(0, length).join("");
  const tokens = tokensOf(document);
  for (const [index, token] of tokens.entries()) {
    yield tokens.toSpliced(index, 1).join("");
    yield tokens.toSpliced(index, 0, token).join("");
    yield tokens.toSpliced(index, 2, tokens[index + 1] ?? "", token).join("");
  }
}
