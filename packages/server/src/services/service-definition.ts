/** What a service is once it has been declared, however it was declared. */
import { faultyDeclaration, type ParameterTypes } from "./parameters.js";
import type { Type } from "./type.js";

/** A command is replicated and may write; a query runs where it is asked and may only read. */
export type MethodKind = "command" | "query";

/** A method with its types erased: what the registry and the state machine work with. */
export interface MethodDefinition {
  readonly kind: MethodKind;
  /** Text for `system.methodHelp`; empty when none was given. */
  readonly help: string;
  /** Null when the method was registered without types: then any parameters pass. */
  readonly params: ParameterTypes | null;
  /** Null when the method was registered without a type: then any value passes. */
  readonly returns: Type<unknown> | null;
  /** Gets the transaction (command) or view (query), then the checked parameters. */
  readonly handler: (context: never, ...args: never[]) => unknown;
}

/** Marks services, whichever way and from whichever copy of this file they were made. */
export const serviceBrand: unique symbol = Symbol.for("quorate.service");

export interface ServiceDefinition {
  readonly [serviceBrand]: true;
  /** Names the service's own part of the state. */
  readonly name: string;
  readonly methods: ReadonlyMap<string, MethodDefinition>;
}

/** A service is declared wrongly: which one, what is wrong, what to do. Never thrown while serving. */
export class ServiceDefinitionError extends Error {
  override readonly name = "ServiceDefinitionError";
}

export function isServiceDefinition(value: unknown): value is ServiceDefinition {
  return typeof value === "object" && value !== null && serviceBrand in value;
}

/** Letters, digits and `_ . : /` are what the XML-RPC specification allows in a method name. */
const methodNameGrammar = /^[A-Za-z0-9][A-Za-z0-9_.:/]*$/;
const methodNameLengthMax = 255;
const serviceNameGrammar = /^[a-z][a-z0-9_-]{0,63}$/;
const reservedPrefixes = ["system.", "cluster."];

/** Throws `ServiceDefinitionError` when a service cannot have this name. */
export function assertServiceName(name: unknown): asserts name is string {
  if (typeof name === "string" && serviceNameGrammar.test(name)) return;
  throw new ServiceDefinitionError(
    `a service's name is a lower-case letter, then up to 63 lower-case letters, digits, "_" and "-"; got ${JSON.stringify(name)}`,
  );
}

/** Throws `ServiceDefinitionError` when a method cannot have this name or is not what it should be. */
export function assertMethod(service: string, name: string, method: MethodDefinition): void {
  const refuse = (sentence: string): never => {
    throw new ServiceDefinitionError(`service "${service}", method "${name}": ${sentence}`);
  };
  if (!methodNameGrammar.test(name) || name.length > methodNameLengthMax) {
    refuse(
      `a method's name is a letter or digit, then letters, digits and "_ . : /", ${methodNameLengthMax} at most`,
    );
  }
  const reserved = reservedPrefixes.find((prefix) => name.startsWith(prefix));
  if (reserved !== undefined) refuse(`names that begin with "${reserved}" belong to Quorate; choose another`);
  if (typeof method !== "object" || method === null || typeof method.handler !== "function") {
    refuse("must be made with command(…) or query(…)");
  }
  if (method.handler.constructor.name !== "Function") {
    // An async function or generator returns before it has done its work.
    refuse(`is ${method.handler.constructor.name}; handlers are plain synchronous functions`);
  }
  const faulty = method.params === null ? null : faultyDeclaration(method.params);
  if (faulty !== null) refuse(faulty);
  if (method.returns?.omittable) refuse("a result cannot be optional; use t.nil() or t.any()");
}
