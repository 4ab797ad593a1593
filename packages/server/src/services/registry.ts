/** What the running server knows of a service: its methods by name, its version. */
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import { describeParameters, type ParameterDescription, typeText } from "./describe.js";
import { acceptParameters, signatures } from "./parameters.js";
import {
  assertMethod,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
} from "./service-definition.js";
import { TypeMismatch, type TypeWord } from "./type.js";

export interface RegisteredMethod {
  readonly name: string;
  readonly kind: MethodKind;
  readonly help: string;
  /** For `system.methodSignature`; empty when the method was registered without types. */
  readonly signatures: readonly (readonly TypeWord[])[];
  /** For documentation; null when the method was registered without types. */
  readonly parameters: readonly ParameterDescription[] | null;
  /** The result's type in words. */
  readonly result: string;
  readonly definition: MethodDefinition;
}

/** Lower-case hexadecimal SHA-256, 64 digits: the version of a service. */
export type ServiceHash = string;

export class Registry {
  readonly service: string;
  readonly sha256: ServiceHash;
  /** A Map: `__proto__` and `toString` are names like any other, and not found. */
  readonly #methods: ReadonlyMap<string, RegisteredMethod>;

  /** Throws `ServiceDefinitionError` when the service declares something it may not. */
  constructor(service: ServiceDefinition, sha256: ServiceHash) {
    this.service = service.name;
    this.sha256 = sha256;
    const methods = new Map<string, RegisteredMethod>();
    for (const [name, definition] of service.methods) {
      assertMethod(service.name, name, definition);
      const { kind, help, params, returns } = definition;
      const known = params === null ? [] : signatures(params, returns);
      const parameters = params === null ? null : describeParameters(params);
      const result = returns === null ? "any" : typeText(returns);
      methods.set(
        name,
        Object.freeze({ name, kind, help, signatures: known, parameters, result, definition }),
      );
    }
    this.#methods = methods;
  }

  find(name: string): RegisteredMethod | undefined {
    return this.#methods.get(name);
  }

  /** As `find`; throws the fault -32601 that the caller gets. */
  require(name: string): RegisteredMethod {
    const method = this.#methods.get(name);
    if (method === undefined) throw new Fault(faultCodes.methodNotFound, `no such method: ${name}`);
    return method;
  }

  /** All names, in code unit order. */
  list(): readonly string[] {
    return [...this.#methods.keys()].sort();
  }

  /** The handler's arguments. Throws the fault -32602 that names the parameter, what was expected and what came. */
  checkParams(method: RegisteredMethod, params: readonly Value[]): unknown[] {
    if (method.definition.params === null) return [...params];
    try {
      return acceptParameters(method.definition.params, params);
    } catch (error) {
      if (error instanceof TypeMismatch) {
        throw new Fault(faultCodes.invalidParams, `${method.name}: ${error.message}`);
      }
      throw error;
    }
  }
}
