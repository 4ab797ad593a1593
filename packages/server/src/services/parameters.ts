/** Parameter lists: their types in TypeScript and their check at run time. */
import type { Value } from "@quorate/protocol";
import { type RestType, type Type, TypeMismatch, type TypeWord } from "./type.js";

export type ParameterTypes = readonly (Type<unknown> | RestType<unknown>)[];

/** From the declared `params` to the handler's arguments after `tx` or `view`. */
export type Arguments<P extends ParameterTypes> = P extends readonly [infer Head, ...infer Tail]
  ? Head extends RestType<infer T>
    ? T[]
    : Head extends Type<infer T>
      ? Tail extends ParameterTypes
        ? [T, ...Arguments<Tail>]
        : never
      : never
  : [];

export function isRest(type: Type<unknown> | RestType<unknown>): type is RestType<unknown> {
  return "rest" in type;
}

/** What is wrong with a declaration, as a sentence; null when nothing is. */
export function faultyDeclaration(params: ParameterTypes): string | null {
  let omittableBefore: string | null = null;
  for (const [index, type] of params.entries()) {
    if (isRest(type)) {
      if (index !== params.length - 1) return "t.rest(…) must be the last parameter";
      if (type.rest.omittable)
        return "t.rest(…) takes none, one or many by itself; drop its optional or default";
      continue;
    }
    if (type.name === null) return `parameter ${index + 1} has no name; write t.…("name")`;
    const example = faultyExample(type);
    if (example !== null) return `the example of parameter "${type.name}" is none: ${example}`;
    if (omittableBefore !== null && !type.omittable) {
      return `parameter "${type.name}" is required but follows "${omittableBefore}", which may be left out`;
    }
    if (type.omittable) omittableBefore = type.name;
  }
  return null;
}

/** Why documentation could not show what the author gave as an example; null when it can. */
function faultyExample(type: Type<unknown>): string | null {
  if (type.example === undefined) return null;
  try {
    type.accept(type.emit(type.example, "example"), "example");
    return null;
  } catch (error) {
    if (error instanceof TypeMismatch) return error.message;
    throw error;
  }
}

/**
 * Check `values` against `params` and return the handler's arguments.
 * Throws `TypeMismatch` naming the parameter, what was expected and what came.
 */
export function acceptParameters(params: ParameterTypes, values: readonly Value[]): unknown[] {
  const labels = labelsOf(params);
  const args: unknown[] = [];
  for (let index = 0; index < params.length; index++) {
    const type = params[index] as ParameterTypes[number];
    if (isRest(type)) {
      for (let at = index; at < values.length; at++) {
        args.push(type.rest.accept(values[at] as Value, `parameter ${at + 1}`));
      }
      return args;
    }
    const value = values[index];
    const label = labels[index] ?? "";
    if (value !== undefined) args.push(type.accept(value, label));
    else if (type.omittable) args.push(type.whenOmitted);
    else throw new TypeMismatch(label, type.word, undefined);
  }
  if (values.length > params.length) {
    throw new TypeMismatch(
      `parameter ${params.length + 1}`,
      `no more than ${params.length} parameter${params.length === 1 ? "" : "s"}`,
      values[params.length],
    );
  }
  return args;
}

/** How errors name the parameters of a list; made once per list, because every call of every method asks. */
const knownLabels = new WeakMap<ParameterTypes, readonly string[]>();

function labelsOf(params: ParameterTypes): readonly string[] {
  let labels = knownLabels.get(params);
  if (labels === undefined) {
    labels = params.map((type, index) =>
      isRest(type) ? `parameter ${index + 1}` : `parameter ${index + 1} "${type.name}"`,
    );
    knownLabels.set(params, labels);
  }
  return labels;
}

/** Signatures for `system.methodSignature`: the result first; one per number of parameters that may be sent. */
export function signatures(
  params: ParameterTypes,
  returns: Type<unknown> | null,
): readonly (readonly TypeWord[])[] {
  const result = returns?.word ?? "any";
  const list: TypeWord[][] = [];
  const words: TypeWord[] = [];
  for (const type of params) {
    if (isRest(type) || type.omittable) list.push([result, ...words]);
    words.push(isRest(type) ? type.rest.word : type.word);
  }
  list.push([result, ...words]);
  return list;
}
