/** `quorate status`, `methods`, `call`: questions to a running node. */
import { Fault, type Value } from "@quorate/protocol";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { jsonOfValue, valueOfArgument } from "./json-values.js";
import { callNode, type NodeClientOptions } from "./node-client.js";
import { type OutputFormat, table } from "./output.js";

export async function call(
  options: NodeClientOptions,
  method: string,
  args: readonly string[],
): Promise<string> {
  const params = args.map((text) => {
    try {
      return valueOfArgument(text);
    } catch (error) {
      throw new CommandFailed(error instanceof Error ? error.message : String(error), exitCodes.usage);
    }
  });
  return jsonOfValue(await answer(options, method, params));
}

export async function methods(options: NodeClientOptions, format: OutputFormat): Promise<string> {
  const names = textList(await answer(options, "system.listMethods", []));
  const rows: { name: string; signature: string; help: string }[] = [];
  for (const name of names) {
    const signature = await answer(options, "system.methodSignature", [name]);
    const help = await answer(options, "system.methodHelp", [name]);
    rows.push({ name, signature: signatureText(signature), help: String(help) });
  }
  if (format === "json") return JSON.stringify(rows, null, 2);
  return table(
    ["METHOD", "SIGNATURE", "HELP"],
    rows.map((row) => [row.name, row.signature, row.help]),
  );
}

/** `[[result, param, …], …]` (XML-RPC introspection) as `(param, …) → result`. */
function signatureText(signatures: Value): string {
  if (!Array.isArray(signatures)) return String(signatures);
  return signatures
    .map((one: Value) => {
      const [result, ...params] = textList(one);
      return `(${params.join(", ")}) → ${result}`;
    })
    .join(" | ");
}

const textList = (value: Value): string[] => (Array.isArray(value) ? value.map(String) : []);

export async function status(options: NodeClientOptions, format: OutputFormat): Promise<string> {
  const report = await answer(options, "cluster.status", []);
  if (format === "json") return jsonOfValue(report);
  if (typeof report !== "object" || report === null) return jsonOfValue(report);
  const rows = Object.entries(report).map(([name, value]) => [name, cell(value as Value)]);
  return table(["FIELD", "VALUE"], rows);
}

function cell(value: Value): string | number {
  if (typeof value === "number" || typeof value === "string") return String(value);
  return jsonOfValue(value, "", "").replace(/\n/g, " ");
}

/** Throws `CommandFailed`, also for a fault. */
export async function answer(
  options: NodeClientOptions,
  method: string,
  params: readonly Value[],
): Promise<Value> {
  try {
    return await callNode(options, method, params);
  } catch (error) {
    if (error instanceof Fault)
      throw new CommandFailed(`fault ${error.faultCode}: ${error.faultString}`, exitCodes.fault);
    throw error;
  }
}
