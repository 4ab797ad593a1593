/** With `@quorate/client`, which finds the leader by itself. */
import { DateTime, Double, isArray, type Value } from "@quorate/protocol";
import type { ExampleCall } from "./index.js";

export function typescriptExample({ url, method, params }: ExampleCall): string {
  const imports = new Set(["Client"]);
  const given = params.map((value) => write(value, imports)).join(", ");
  return `import { ${[...imports].sort().join(", ")} } from "@quorate/client";

const client = new Client({ nodes: [${JSON.stringify(url)}] });
console.log(await client.call(${JSON.stringify(method)}, [${given}]));
await client.close();
`;
}

function write(value: Value, imports: Set<string>): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Double) {
    imports.add("Double");
    return `new Double(${value.value})`;
  }
  if (value instanceof DateTime) {
    imports.add("DateTime");
    return `new DateTime(${JSON.stringify(value.text)})`;
  }
  if (value instanceof Uint8Array) return `Uint8Array.of(${value.join(", ")})`;
  if (isArray(value)) return `[${value.map((item) => write(item, imports)).join(", ")}]`;
  const members = Object.entries(value).map(([name, member]) => `${key(name)}: ${write(member, imports)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

const key = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : `[${JSON.stringify(name)}]`;
