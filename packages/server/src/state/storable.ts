/**
 * From whatever a handler stores straight to its encoded form. The same checks as `normalize`, without the copy: a
 * value of a megabyte may hold a million others, and every node makes this step while nothing else runs.
 */
import { memberNames, Place, scalarOf } from "../services/normalize.js";
import type { ValueWriter } from "./value-writer.js";

/** Writes `input` as `normalize` would make it. Throws `TypeMismatch`; what was written until then is of no use. */
export function writeStorable(writer: ValueWriter, input: unknown, path: string): void {
  write(writer, input, new Place(path));
}

function write(writer: ValueWriter, input: unknown, place: Place): void {
  const scalar = scalarOf(input, place);
  if (scalar !== undefined) {
    writer.value(scalar);
    return;
  }
  const container = input as unknown[] | Readonly<Record<string, unknown>>;
  if (Array.isArray(container)) writeArray(writer, container, place);
  else writeStruct(writer, container, place);
}

function writeArray(writer: ValueWriter, items: readonly unknown[], place: Place): void {
  const at = place.enter(items);
  const { length } = items;
  writer.array(length);
  for (let index = 0; index < length; index++) {
    place.steps[at] = index;
    write(writer, items[index], place);
  }
  place.steps.pop();
}

function writeStruct(writer: ValueWriter, members: Readonly<Record<string, unknown>>, place: Place): void {
  const names = memberNames(members, place);
  const at = place.enter(members);
  writer.struct(names.length);
  for (const name of names) {
    place.steps[at] = name;
    writer.value(name);
    write(writer, members[name], place);
  }
  place.steps.pop();
}
