/**
 * The porting aid: registers plain functions, as Python's SimpleXMLRPCServer does. No types, so nothing
 * is checked before the handler runs; every function is a command unless it is registered as a query.
 */
import { deepFreeze } from "./deep-freeze.js";
import type { ParameterTypes } from "./parameters.js";
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

export interface RegisterOptions {
  /** Default `command`. */
  readonly kind?: MethodKind;
  readonly help?: string;
  readonly params?: ParameterTypes;
  readonly returns?: Type<unknown>;
}

export interface RegisterInstanceOptions {
  /** Put before every method's name, as in `stock.`; default: nothing. */
  readonly prefix?: string;
  /** Methods that only read; all others are commands. */
  readonly queries?: readonly string[];
}

/** Handlers get the transaction (or view) first, then the caller's parameters. */
// biome-ignore lint/suspicious/noExplicitAny: the parameters of an untyped function are any, as they are in its source
type PlainHandler = (context: any, ...args: any[]) => unknown;

/** A service under construction; it is the service, too: `export default service`. */
export class ServiceBuilder implements ServiceDefinition {
  readonly [serviceBrand] = true as const;
  readonly name: string;
  readonly #methods = new Map<string, MethodDefinition>();

  constructor(name: string) {
    assertServiceName(name);
    this.name = name;
  }

  get methods(): ReadonlyMap<string, MethodDefinition> {
    return this.#methods;
  }

  /** `name` defaults to the function's own. Throws `ServiceDefinitionError`, also when the name is taken. */
  registerFunction(handler: PlainHandler, name = handler.name, options: RegisterOptions = {}): this {
    const method: MethodDefinition = Object.freeze({
      kind: options.kind ?? "command",
      help: options.help ?? "",
      params: options.params ?? null,
      returns: options.returns ?? null,
      handler,
    });
    assertMethod(this.name, name, method);
    if (this.#methods.has(name)) {
      throw new ServiceDefinitionError(`service "${this.name}", method "${name}": registered twice`);
    }
    this.#methods.set(name, method);
    return this;
  }

  /**
   * Registers the methods of `instance`: functions that it owns, or that its class itself declares. Names
   * with a leading `_` stay private; inherited methods and dotted paths are never reached. The instance is
   * frozen: what a method keeps in `this` would be lost on restart and differ between nodes. Use `tx`.
   */
  registerInstance(instance: object, options: RegisterInstanceOptions = {}): this {
    const queries = new Set(options.queries);
    for (const [name, handler] of ownMethods(instance)) {
      const kind = queries.delete(name) ? "query" : "command";
      this.registerFunction(handler.bind(instance), `${options.prefix ?? ""}${name}`, { kind });
    }
    const [unknown] = queries;
    if (unknown !== undefined) {
      throw new ServiceDefinitionError(
        `service "${this.name}": query "${unknown}" is no method of the instance`,
      );
    }
    deepFreeze(instance);
    return this;
  }
}

function ownMethods(instance: object): Map<string, PlainHandler> {
  const found = new Map<string, PlainHandler>();
  const prototype: object | null = Object.getPrototypeOf(instance);
  const owners = prototype === null || prototype === Object.prototype ? [instance] : [prototype, instance];
  for (const owner of owners) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (name === "constructor" || name.startsWith("_") || typeof property.value !== "function") continue;
      assertPlain(name, property.value);
      found.set(name, property.value);
    }
  }
  return found;
}

/** Before it is bound: a bound async function looks like a plain one. */
function assertPlain(name: string, handler: PlainHandler): void {
  if (handler.constructor.name === "Function") return;
  throw new ServiceDefinitionError(
    `method "${name}" is ${handler.constructor.name}; handlers are plain synchronous functions`,
  );
}

/** Starts a service. `name` names its part of the state: another name is another, empty state. */
export function createService(name = "service"): ServiceBuilder {
  return new ServiceBuilder(name);
}
