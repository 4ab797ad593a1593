import { DateTime, Double, decodeCall, struct, type Value } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { examplesOf } from "./index.js";

const url = "http://127.0.0.1:8001/RPC2";
const codeOf = (language: string, method: string, params: readonly Value[]) =>
  examplesOf({ url, method, params }).find((example) => example.language === language)?.code ?? "";

const values: readonly Value[] = [
  1,
  true,
  null,
  `'"\\$`,
  new Double(2),
  5n,
  new DateTime("20260131T12:00:00"),
  Uint8Array.of(0, 255),
  [1, []],
  struct([
    ["a b", "é"],
    ["__proto__", struct()],
  ]),
];

describe("Python", () => {
  it("writes every value as Python does", () => {
    expect(codeOf("Python", "kv.set", values)).toBe(`from xmlrpc.client import Binary, DateTime, ServerProxy

server = ServerProxy("${url}", allow_none=True)
print(server.kv.set(1, True, None, "'\\"\\\\$", 2.0, 5, DateTime("20260131T12:00:00"), Binary(bytes.fromhex("00ff")), [1, []], {"a b": "é", "__proto__": {}}))
`);
  });

  it.each([
    ["stock.add", "server.stock.add()"],
    ["add", "server.add()"],
    ["a.import.b", 'getattr(server, "a.import.b")()'],
    ["a/b:c", 'getattr(server, "a/b:c")()'],
    ["a.1", 'getattr(server, "a.1")()'],
    ["a._b", 'getattr(server, "a._b")()'],
  ])("calls %s as %s", (method, expression) => {
    expect(codeOf("Python", method, [])).toContain(`print(${expression})`);
  });
});

describe("TypeScript", () => {
  it("writes every value as the client takes it", () => {
    expect(
      codeOf("TypeScript", "kv.set", values),
    ).toBe(`import { Client, DateTime, Double } from "@quorate/client";

const client = new Client({ nodes: ["${url}"] });
console.log(await client.call("kv.set", [1, true, null, "'\\"\\\\$", new Double(2), 5n, new DateTime("20260131T12:00:00"), Uint8Array.of(0, 255), [1, []], { ["a b"]: "é", ["__proto__"]: {} }]));
await client.close();
`);
  });
});

describe("PHP", () => {
  it("writes every value as PHP does, and says what dates and bytes are", () => {
    const code = codeOf("PHP", "kv.set", values);
    expect(code).toContain(`$value1 = '20260131T12:00:00';\nxmlrpc_set_type($value1, "datetime");\n`);
    expect(code).toContain(`xmlrpc_set_type($value2, "base64");\n`);
    expect(code).toContain(
      `[1, true, null, '\\'"\\\\$', 2.0, 5, $value1, $value2, [1, []], (object) ['a b' => "\\u{e9}", '__proto__' => (object) []]]`,
    );
  });
});

describe("curl", () => {
  it("sends the document itself, whole behind the quotes of a shell", () => {
    const code = codeOf("curl", "kv.set", values);
    const document = /--data-binary '(.*)' 'http/s.exec(code)?.[1]?.replaceAll("'\\''", "'") ?? "";
    expect(decodeCall(Buffer.from(document))).toStrictEqual({ method: "kv.set", params: values });
    expect(code.split("\n").length).toBeGreaterThan(values.length);
  });
});
