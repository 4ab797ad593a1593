import { describe, expect, test } from "vitest";
import { decodeCallFast, decodeResponseFast } from "./fast-decode.js";
import { Fault } from "./fault.js";
import { resolveLimits } from "./limits.js";
import { Double, struct, type Value } from "./value.js";

// That it agrees with the full path is shown in test/conformance; here is what it takes and what it leaves.

function read(value: string, limits: Parameters<typeof resolveLimits>[0] = {}): Value | Fault | undefined {
  const document = `<methodResponse><params><param>${value}</param></params></methodResponse>`;
  return decodeResponseFast(document, resolveLimits(limits));
}

const call = (document: string) => decodeCallFast(document, resolveLimits(undefined));

describe("taken", () => {
  test.each([
    ["<value>text</value>", "text"],
    ["<value> \n </value>", " \n "],
    ["<value> &lt;b> ]] </value>", " <b> ]] "],
    ["<value/>", ""],
    ["<value />", ""],
    ["<value>\n<string> a </string>\n</value>", " a "],
    ["<value><string>&amp;lt;&#13;&#x1F600;&quot;&apos;&gt;</string></value>", "&lt;\r😀\"'>"],
    ["<value><string/></value>", ""],
    ["<value><int> -0 </int></value>", 0],
    ["<value><i4>&#55;</i4></value>", 7],
    ["<value><i8>9007199254740993</i8></value>", 9007199254740993n],
    ["<value><ex:i8>1</ex:i8></value>", 1n],
    ["<value><boolean>1</boolean></value>", true],
    ["<value><double>3</double></value>", new Double(3)],
    ["<value><double>.5</double></value>", 0.5],
    ["<value><base64>QU\nI=</base64></value>", new Uint8Array([65, 66])],
    ["<value><nil/></value>", null],
    ["<value><nil></nil></value>", null],
    ["<value><ex:nil /></value>", null],
    ["<value><array><data> <value>a</value> </data></array></value>", ["a"]],
    ["<value><array><data/></array></value>", []],
    ["<value><struct/></value>", struct()],
    [
      "<value><struct><member><name>__proto__</name><value>a</value></member> <member><name/><value>b</value></member></struct></value>",
      struct([
        ["__proto__", "a"],
        ["", "b"],
      ]),
    ],
    [
      "<value><struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct></value>",
      struct([["a", "2"]]),
    ],
  ])("%s", (document, value) => {
    expect(read(document)).toStrictEqual(value);
  });

  test.each([
    "<methodCall><methodName>a.b</methodName></methodCall>",
    " \n<methodCall><methodName>a.b</methodName><params/></methodCall>\n",
    "<?xml version='1.0' encoding=\"x\" standalone='no' ?> <methodCall> <methodName>a.b</methodName> <params> </params> </methodCall>",
  ])("%s", (document) => {
    expect(call(document)).toStrictEqual({ method: "a.b", params: [] });
  });

  test("a fault, with its members in either order", () => {
    const code = "<member><name>faultCode</name><value><i4>4</i4></value></member>";
    const text = "<member><name>faultString</name><value>no</value></member>";
    for (const members of [code + text, text + code]) {
      const document = `<methodResponse><fault><value><struct>${members}</struct></value></fault></methodResponse>`;
      const fault = decodeResponseFast(document, resolveLimits(undefined));
      expect(fault).toBeInstanceOf(Fault);
      expect(fault).toMatchObject({ faultCode: 4, faultString: "no" });
    }
  });
});

describe("left to the full path", () => {
  test.each([
    "<value><!-- c -->a</value>",
    "<value><![CDATA[a]]></value>",
    "<value><?p?>a</value>",
    "<value a='b'>a</value>",
    "<value >a</value>",
    "<value>a</value >",
    "<value>a]]>b</value>",
    "<value>&nbsp;</value>",
    "<value>&amp</value>",
    "<value>&ampx</value>",
    "<value>&</value>",
    "<value>&#0;</value>",
    "<value>&#xD800;</value>",
    "<value>&#x;</value>",
    "<value>&#00000000065;</value>",
    "<value>\u0001</value>",
    "<value>\uFFFE</value>",
    "<value>\uD800</value>",
    "<value>a<int>1</int></value>",
    "<value><int>1</int>a</value>",
    "<value><int>1</int><int>1</int></value>",
    "<value><int>1.0</int></value>",
    "<value><int/></value>",
    "<value><i1>1</i1></value>",
    "<value><ex:i1>1</ex:i1></value>",
    "<value><boolean>true</boolean></value>",
    "<value><nil> </nil></value>",
    "<value><array/></value>",
    "<value><array><data><int>1</int></data></array></value>",
    "<value><struct><member><name>a</name></member></struct></value>",
    "<value><struct><member><value>a</value><name>a</name></member></struct></value>",
    "<value>a</value><value>b</value>",
    "<value>a",
    "",
  ])("%j", (document) => {
    expect(read(document)).toBeUndefined();
  });

  test.each([
    "",
    " ",
    "{}",
    "<?xml version='1.0'>",
    " <?xml version='1.0'?><methodCall><methodName>a</methodName></methodCall>",
    "<methodcall><methodName>a</methodName></methodcall>",
    "<methodCall><methodName> a</methodName></methodCall>",
    "<methodCall><methodName></methodName></methodCall>",
    "<methodCall><params/><methodName>a</methodName></methodCall>",
    "<methodCall><methodName>a</methodName><params/><params/></methodCall>",
    "<methodCall><methodName>a</methodName></methodCall><a/>",
    "<methodCall><methodName>a</methodName></methodCall>a",
    "<methodCall><methodName>a</methodName></methodCall",
    "<methodCall xmlns:ex='x'><methodName>a</methodName></methodCall>",
    "<methodResponse><params><param><value/></param></params></methodResponse>",
  ])("%j", (document) => {
    expect(call(document)).toBeUndefined();
  });

  test("answers that are not one value or one fault", () => {
    for (const content of [
      "",
      "<params/>",
      "<params><param><value/></param><param><value/></param></params>",
    ]) {
      const document = `<methodResponse>${content}</methodResponse>`;
      expect(decodeResponseFast(document, resolveLimits(undefined))).toBeUndefined();
    }
    const fault = "<methodResponse><fault><value>a</value></fault></methodResponse>";
    expect(decodeResponseFast(fault, resolveLimits(undefined))).toBeUndefined();
  });
});

describe("limits", () => {
  const arrays = (levels: number) =>
    "<value><array><data>".repeat(levels) + "</data></array></value>".repeat(levels);
  const named = (name: string) =>
    `<value><struct><member><name>${name}</name><value/></member></struct></value>`;

  test.each([
    ["depth", { depth: 3 }, arrays(3), arrays(4)],
    [
      "depth, ending in an empty struct",
      { depth: 1 },
      "<value><struct/></value>",
      named("a").replace("<value/>", "<value><struct/></value>"),
    ],
    ["values", { values: 3 }, arrays(3), arrays(4)],
    ["names, references decoded", { nameLength: 2 }, named("&lt;&lt;"), named("abc")],
    ["digits", { digits: 3 }, "<value><int> 007 </int></value>", "<value><int>0007</int></value>"],
  ])("%s", (_, limits, within, beyond) => {
    expect(read(within, limits)).toBeDefined();
    expect(read(beyond, limits)).toBeUndefined();
  });

  test("depth ends the pass at once, however deep the document goes", () => {
    expect(read(arrays(100_000))).toBeUndefined();
    expect(read(arrays(1000), { depth: 1000 })).toBeDefined();
  });
});

// Each of these takes seconds if a step looks twice at what it has passed, and milliseconds otherwise.
describe("linear in the size of the document", () => {
  const size = 300_000;
  test.each([
    ["references", `<value>${"&amp;".repeat(size)}</value>`],
    [
      "short texts before one reference",
      `<value><array><data>${"<value>a</value>".repeat(size / 4)}<value>&amp;</value></data></array></value>`,
    ],
    [
      "short texts with references",
      `<value><array><data>${"<value>&lt;</value>".repeat(size / 4)}</data></array></value>`,
    ],
    ["brackets", `<value>${"]]".repeat(size)}</value>`],
    ["white space between tags", `<value>${" ".repeat(size)}<nil/>${" ".repeat(size)}</value>`],
    ["base64 in lines", `<value><base64>${"QUJD\n".repeat(size)}</base64></value>`],
  ])("%s", (_, document) => {
    expect(read(document)).toBeDefined();
  });

  test.each([
    ["ampersands", `<value>${"&".repeat(size)}</value>`],
    ["a reference without an end", `<value>&${"a".repeat(size)}</value>`],
    ["base64 that ends wrong", `<value><base64>${"QUJD".repeat(size)}=A==</base64></value>`],
    ["digits", `<value><double>${"1".repeat(size)}x</double></value>`],
  ])("given up: %s", (_, document) => {
    expect(read(document)).toBeUndefined();
  });
});
