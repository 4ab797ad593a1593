/** The typed way to declare a service: `defineService`, `command`, `query`. */

import type { Value } from "@quorate/protocol";
import type { Transaction, View } from "../state/context.js";
import type { Arguments, ParameterTypes } from "./parameters.js";
import {
  assertMethod,
  assertServiceName,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
  ServiceDefinitionError,
  serviceBrand,
} from "./service-definition.js";
import type { Type } from "./type.js";

/** How a method looks from outside. */
export interface MethodOptions<P extends ParameterTypes, R> {
  /** Shown by `system.methodHelp` and on the documentation page. */
  readonly help?: string;
  /** Checked before the handler runs; a mismatch is fault -32602. Default: no parameters. */
  readonly params?: P;
  /** Checked after the handler ran; a mismatch is fault -32500. Default: any value. */
  readonly returns?: Type<R>;
}

/** A method that may write: replicated, then executed on every node in log order, as a transaction. */
export function command<const P extends ParameterTypes = readonly [], R = Value>(
  options: MethodOptions<P, R>,
  handler: (tx: Transaction, ...args: Arguments<P>) => NoInfer<R>,
): MethodDefinition {
  return method("command", options, handler);
}

/** A method that only reads: executed where it is asked, never in the log. */
export function query<const P extends ParameterTypes = readonly [], R = Value>(
  options: MethodOptions<P, R>,
  handler: (view: View, ...args: Arguments<P>) => NoInfer<R>,
): MethodDefinition {
  return method("query", options, handler);
}

function method<P extends ParameterTypes, R>(
  kind: MethodKind,
  options: MethodOptions<P, R>,
  handler: unknown,
): MethodDefinition {
  return Object.freeze({
    kind,
    help: options.help ?? "",
    params: options.params ?? [],
    returns: options.returns ?? null,
    // Its types have done their work: what is called is what the checks at run time let through.
    handler: handler as MethodDefinition["handler"],
  });
}

/**
 * Declares a service. `name` names its part of the state: another name is another, empty state.
 * Throws `ServiceDefinitionError`.
 */
export function defineService(definition: {
  readonly name: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}): ServiceDefinition {
  const { name } = definition;
  assertServiceName(name);
  const methods = new Map(Object.entries(definition.methods ?? {}));
  if (methods.size === 0) throw new ServiceDefinitionError(`service "${name}" has no methods`);
  for (const [methodName, each] of methods) assertMethod(name, methodName, each);
  return Object.freeze({ [serviceBrand]: true as const, name, methods });
}
