/** With PHP's xmlrpc extension (Debian: php-xmlrpc) and nothing else. */
import { DateTime, Double, isArray, type Value } from "@quorate/protocol";
import type { ExampleCall } from "./index.js";

export function phpExample({ url, method, params }: ExampleCall): string {
  // Dates and bytes are texts in PHP: a variable of their own says what they are.
  const typed: string[] = [];
  const given = params.map((value) => write(value, typed)).join(", ");
  return `<?php
${typed.join("")}$call = xmlrpc_encode_request(${quote(method)}, [${given}], ["encoding" => "utf-8", "escaping" => "markup"]);
$context = stream_context_create(["http" => [
    "method" => "POST",
    "header" => "Content-Type: text/xml",
    "content" => $call,
]]);
$answer = xmlrpc_decode(file_get_contents(${quote(url)}, false, $context), "utf-8");
var_dump($answer);
`;
}

function write(value: Value, typed: string[]): string {
  if (value === null) return "null";
  if (typeof value === "string") return quote(value);
  if (typeof value === "boolean" || typeof value === "bigint" || typeof value === "number")
    return String(value);
  if (value instanceof Double)
    return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
  if (value instanceof DateTime) return declare(value.text, "datetime", typed);
  if (value instanceof Uint8Array) return declare(Buffer.from(value).toString("latin1"), "base64", typed);
  if (isArray(value)) return `[${value.map((item) => write(item, typed)).join(", ")}]`;
  const members = Object.entries(value).map(([name, member]) => `${quote(name)} => ${write(member, typed)}`);
  return `(object) [${members.join(", ")}]`;
}

function declare(text: string, type: string, typed: string[]): string {
  const name = `$value${typed.length + 1}`;
  typed.push(`${name} = ${quote(text)};\nxmlrpc_set_type(${name}, "${type}");\n`);
  return name;
}

/** Single quotes know two escapes only; other bytes than printable ones need double quotes. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  if (!/[\u0000-\u001f\u007f-\u00ff]/.test(text)) return `'${text.replace(/['\\]/g, "\\$&")}'`;
  const bytes = text.replace(/["\\$]|[^\u0020-\u007e]/gu, (character) =>
    character.length === 1 && '"\\$'.includes(character)
      ? `\\${character}`
      : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return `"${bytes}"`;
}
