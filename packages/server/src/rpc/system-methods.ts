/** What a server says of itself: its methods, and the conventions that it keeps. */
import { Fault, faultCodes, type Struct, struct, type Value } from "@quorate/protocol";
import type { LocalMethod, MethodTable, Parameter } from "./ports.js";

/** What introspection can say of any method, wherever it runs. */
type Described = Pick<LocalMethod, "help" | "signatures">;

const methodParameter: Parameter = {
  name: "method",
  type: "string",
  note: "",
  optional: false,
  many: false,
  example: "system.listMethods",
};

const callsParameter: Parameter = {
  name: "calls",
  type: "array of struct { methodName: string, params?: array }",
  note: "",
  optional: false,
  many: false,
  example: [
    struct([
      ["methodName", "system.methodHelp"],
      ["params", ["system.listMethods"]],
    ]),
    struct([
      ["methodName", "system.listMethods"],
      ["params", []],
    ]),
  ],
};

/** `local` is read when they are called, so it may hold these methods themselves by then. */
export function systemMethods(
  service: MethodTable,
  local: ReadonlyMap<string, Described>,
): readonly (readonly [name: string, method: LocalMethod])[] {
  const describe = (params: readonly Value[]): Described => {
    const name = onlyString(params);
    const method = local.get(name) ?? service.find(name);
    if (method === undefined) throw noSuchMethod(name);
    return method;
  };
  return [
    [
      "system.listMethods",
      {
        help: "Names of all methods, sorted.",
        signatures: [["array"]],
        parameters: [],
        result: "array of string",
        call: (params) => {
          expectNone(params);
          return [...service.list(), ...local.keys()].sort();
        },
      },
    ],
    [
      "system.methodSignature",
      {
        help: "The signatures of a method: arrays of type names, the result's first; the string undef when none is declared.",
        signatures: [["array", "string"]],
        parameters: [methodParameter],
        result: "array of array of string",
        call: (params) => {
          const { signatures } = describe(params);
          return signatures.length === 0 ? "undef" : signatures.map((signature) => [...signature]);
        },
      },
    ],
    [
      "system.methodHelp",
      {
        help: "What a method does, in its author's words; empty when the author wrote none.",
        signatures: [["string", "string"]],
        parameters: [methodParameter],
        call: (params) => describe(params).help,
      },
    ],
    [
      "system.getCapabilities",
      {
        help: "The conventions that this server keeps: by name, the address of a text (specUrl) and its version (specVersion).",
        signatures: [["struct"]],
        parameters: [],
        call: (params) => {
          expectNone(params);
          return capabilities();
        },
      },
    ],
    [
      "system.multicall",
      {
        help:
          "Several calls in one: an array of structs with methodName and params. Answers an array: per call an array " +
          "of its result, or a struct with faultCode and faultString. Calls are executed in order with nothing in " +
          "between; a fault takes back its own call only.",
        signatures: [["array", "array"]],
        parameters: [callsParameter],
        // Reached only from inside a multicall: the dispatcher takes apart the outer one itself.
        call: () => {
          throw wrongParams("system.multicall cannot be called inside system.multicall");
        },
      },
    ],
  ];
}

/**
 * Names, addresses and versions as other servers give them, so that clients recognise them; `system.multicall`
 * and `faults_interop` as in the Incutio XML-RPC library (`IXR_Server`), the others as their texts are known.
 */
function capabilities(): Struct {
  const known: readonly (readonly [name: string, specUrl: string, specVersion: number])[] = [
    ["xmlrpc", "http://www.xmlrpc.com/spec", 1],
    ["system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1],
    ["introspection", "http://xmlrpc-c.sourceforge.net/introspection.html", 1],
    ["faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20010516],
    ["nil", "http://www.ontosys.com/xml-rpc/extensions.php", 20010518],
    ["i8", "http://ws.apache.org/xmlrpc/types.html", 1],
  ];
  return struct(
    known.map(([name, specUrl, specVersion]) => [
      name,
      struct([
        ["specUrl", specUrl],
        ["specVersion", specVersion],
      ]),
    ]),
  );
}

export function expectNone(params: readonly Value[]): void {
  if (params.length > 0) throw wrongParams(`expected no parameters, got ${params.length}`);
}

export function noSuchMethod(name: string): Fault {
  return new Fault(
    faultCodes.methodNotFound,
    `no method ${shortened(name)}; system.listMethods lists them all`,
  );
}

export function wrongParams(sentence: string): Fault {
  return new Fault(faultCodes.invalidParams, sentence);
}

function onlyString(params: readonly Value[]): string {
  const [name] = params;
  if (params.length !== 1 || typeof name !== "string") {
    throw wrongParams(`expected one parameter, the name of a method as a string, got ${params.length}`);
  }
  return name;
}

const shownNameMax = 80;

/** Names come from strangers: quoted, and short enough for a log line. */
function shortened(name: string): string {
  return JSON.stringify(name.length > shownNameMax ? `${name.slice(0, shownNameMax)}…` : name);
}
