/** What introspection pages show of the methods. */
import type { LocalMethod, Method, MethodKind, MethodTable, Operation, Parameter } from "./ports.js";

export interface MethodDescription {
  readonly name: string;
  readonly kind: MethodKind | "local";
  readonly help: string;
  readonly signatures: readonly (readonly string[])[];
  /** Null when they are not declared. */
  readonly parameters: readonly Parameter[] | null;
  /** The result's type in words. */
  readonly result: string;
}

/** Every method of the server and of its service, sorted by name. */
export function describeMethods(
  own: Iterable<readonly [name: string, method: LocalMethod | Operation]>,
  service: MethodTable,
): readonly MethodDescription[] {
  const described: MethodDescription[] = [];
  for (const [name, method] of own) described.push(description(name, "local", method));
  for (const name of service.list()) {
    const method = service.find(name);
    if (method === undefined) continue;
    described.push(description(name, method.kind, method));
  }
  return described.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function description(
  name: string,
  kind: MethodDescription["kind"],
  { help, signatures, parameters = null, result }: LocalMethod | Operation | Method,
): MethodDescription {
  return { name, kind, help, signatures, parameters, result: result ?? signatures[0]?.[0] ?? "any" };
}
