/** Methods of a service as methods of an object. */
import type { Encodable, Value } from "@quorate/protocol";

/** Names that JavaScript itself asks any object for: an object with a `then`, say, cannot be awaited. */
const reservedNames = [
  "then",
  "toJSON",
  "constructor",
  "toString",
  "toLocaleString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "__proto__",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__",
] as const;
type ReservedName = (typeof reservedNames)[number];
/** What XML-RPC allows in a method's name. */
const methodName = /^[\w.:/]+$/;
const reserved: ReadonlySet<PropertyKey> = new Set(reservedNames);

/** A table of methods: what they take and what they return. */
export type MethodTable<Methods> = { readonly [Name in keyof Methods]: (...params: never[]) => unknown };

/** The methods of the table, each returning a promise. */
export type ServiceProxy<Methods extends MethodTable<Methods>> = {
  readonly [Name in Exclude<keyof Methods, ReservedName | symbol>]: (
    ...params: Parameters<Methods[Name]>
  ) => Promise<Awaited<ReturnType<Methods[Name]>>>;
};

export type MakeCall = (method: string, params: readonly Encodable[]) => Promise<Value>;

/**
 * One level deep: a property is a method, a method has no properties that are methods. Names that JavaScript
 * asks for by itself, and symbols, are none.
 */
export function makeProxy<Methods extends MethodTable<Methods>>(
  namespace: string | undefined,
  makeCall: MakeCall,
): ServiceProxy<Methods> {
  const prefix = namespace === undefined ? "" : `${namespace}.`;
  const handler: ProxyHandler<object> = {
    get: (_, name) => {
      if (typeof name === "symbol" || reserved.has(name) || !methodName.test(name)) return undefined;
      return (...params: Encodable[]) => makeCall(prefix + name, params);
    },
    set: () => false,
    defineProperty: () => false,
  };
  // The types are the caller's word for what the cluster's methods are; nobody can check them here.
  return new Proxy(Object.freeze(Object.create(null)), handler) as ServiceProxy<Methods>;
}
