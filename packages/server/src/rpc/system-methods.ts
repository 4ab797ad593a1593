/** Introspection: `system.listMethods`, `system.methodSignature`, `system.methodHelp`. */
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import type { LocalMethod, MethodTable } from "./ports.js";

/** What introspection can say of any method, wherever it runs. */
type Described = Pick<LocalMethod, "help" | "signatures">;

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
        call: (params) => {
          if (params.length > 0) throw wrongParams(`expected no parameters, got ${params.length}`);
          return [...service.list(), ...local.keys()].sort();
        },
      },
    ],
    [
      "system.methodSignature",
      {
        help: "The signatures of a method: arrays of type names, the result's first; the string undef when none is declared.",
        signatures: [["array", "string"]],
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
        call: (params) => describe(params).help,
      },
    ],
  ];
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
