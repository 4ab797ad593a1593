/** With `xmlrpc.client`, which every Python has. */
import { DateTime, Double, isArray, isStruct, type Value } from "@quorate/protocol";
import type { ExampleCall } from "./index.js";

/** What cannot follow a dot. */
const keywords = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

export function pythonExample({ url, method, params }: ExampleCall): string {
  const imports = new Set(["ServerProxy"]);
  const given = params.map((value) => write(value, imports)).join(", ");
  const options = params.some(holdsNil) ? ", allow_none=True" : "";
  return `from xmlrpc.client import ${[...imports].sort().join(", ")}

server = ServerProxy(${JSON.stringify(url)}${options})
print(${callee(method)}(${given}))
`;
}

function callee(method: string): string {
  const attributes = method
    .split(".")
    .every((part) => /^[A-Za-z][A-Za-z0-9_]*$/.test(part) && !keywords.has(part));
  return attributes ? `server.${method}` : `getattr(server, ${JSON.stringify(method)})`;
}

function write(value: Value, imports: Set<string>): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  // What JSON escapes in texts, Python reads the same way.
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (value instanceof Double)
    return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
  if (value instanceof DateTime) {
    imports.add("DateTime");
    return `DateTime(${JSON.stringify(value.text)})`;
  }
  if (value instanceof Uint8Array) {
    imports.add("Binary");
    return `Binary(bytes.fromhex("${Buffer.from(value).toString("hex")}"))`;
  }
  if (isArray(value)) return `[${value.map((item) => write(item, imports)).join(", ")}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}: ${write(member, imports)}`,
  );
  return `{${members.join(", ")}}`;
}

function holdsNil(value: Value): boolean {
  if (value === null) return true;
  if (isArray(value)) return value.some(holdsNil);
  return isStruct(value) && Object.values(value).some(holdsNil);
}
