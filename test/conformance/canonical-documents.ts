import fc from "fast-check";

// Documents as text, in the language that the fast path reads and a little around it.

const gap = fc.constantFrom("", "", "", "\n", "  ", "\r\n\t");

/** The first of these is right and by far the most frequent. */
const rarely = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const pieces = (...of: string[]) =>
  fc.array(fc.constantFrom(...of), { maxLength: 4 }).map((list) => list.join(""));

const plain = ["a", "7", " ", "\n", "\r", "\t", "é", "😀", ">", "]", "'", '"', "\u007f", "\u0085", "\uFEFF"];
const references = [
  "&amp;",
  "&lt;",
  "&gt;",
  "&quot;",
  "&apos;",
  "&#13;",
  "&#65;",
  "&#233;",
  "&#xe9;",
  "&#x1F600;",
];
const doubtful = [
  ...[
    "&",
    "&;",
    "&nbsp;",
    "&AMP;",
    "&ltt;",
    "&lt",
    "&amp",
    "&#65",
    "&#0;",
    "&#xFFFE;",
    "&#xD800;",
    "&#x110000;",
    "&#X41;",
    "&#-1;",
    "&#;",
  ],
  ...["&#0000000065;", "&amp;lt;", "&#38;lt;", "]]>", "\u0001", "\u001F", "\uFFFE", "\uFFFF"],
  ...["<!-- c -->", "<![CDATA[d]]>", "<?p?>", "<b/>"],
];

/** Text of a string or a name. */
const text = rarely(pieces(...plain, ...plain, ...references), pieces(...plain, ...doubtful));

/** Texts of scalars: right ones, and wrong ones that a careless reader takes. */
const scalarTexts: Readonly<Record<string, readonly [right: string[], wrong: string[]]>> = {
  int: [
    ["0", "-0", "+5", "007", " 7\n", "2147483647", "-2147483648", "&#49;"],
    ["2147483648", "-2147483649", "1.0", "1e3", "0x1F", "", "1 2", "1_0", "１"],
  ],
  i8: [
    ["0", "-0", "+9007199254740993", "9223372036854775807", "-9223372036854775808", "00"],
    ["9223372036854775808", "-9223372036854775809", "", "1n", "0x1F"],
  ],
  boolean: [
    ["0", "1", "&#48;"],
    ["true", "2", "", " 1", "01"],
  ],
  double: [
    ["0", "-0.0", "-0", "1.5", ".5", "5.", "1e3", "-1E-7", " 2.5 ", "123456789012345678", "1e-999"],
    ["NaN", "1e999", "0x1", "", "1,5", ".", "Infinity"],
  ],
  base64: [
    ["", "AQI=", "AQ==", "A Q\nI=", "AQI=&#10;", "QUJD", "QUJDQQ=="],
    ["AQI", "AQ_-", "====", "A===", "QQ==QQ==", "QUJ", "=QUI"],
  ],
  "dateTime.iso8601": [
    ["19980717T14:08:55", "1998-07-17T14:08:55Z", "00010101T00:00:00+01:00"],
    ["19980230T14:08:55", "", " 19980717T14:08:55", "1998-0717T14:08:55"],
  ],
  nil: [[""], [" ", "x"]],
};

const types = fc.constantFrom(
  "int",
  "i4",
  "i8",
  "ex:i8",
  "boolean",
  "double",
  "base64",
  "dateTime.iso8601",
  "nil",
  "ex:nil",
  "string",
  "string",
);

const scalar = types.chain((type) => {
  const texts = scalarTexts[type === "i4" ? "int" : type.replace("ex:", "")];
  const content =
    texts === undefined
      ? text
      : rarely(fc.constantFrom(...texts[0]), fc.oneof(fc.constantFrom(...texts[1]), text));
  const full = content.map((inner) => `<${type}>${inner}</${type}>`);
  return rarely(
    full,
    fc.constantFrom(`<${type}/>`, `<${type} />`, `<${type} a=""></${type}>`, `<${type}></${type} >`),
  );
});

const name = fc.oneof(text, fc.constantFrom("a", "b", "__proto__", "constructor", "0", ""));

const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => {
  const member = fc
    .tuple(gap, name, gap, tie("value"), gap)
    .map(([before, key, between, inner, after]) =>
      key === "" && before === ""
        ? `<member><name/>${between}${inner}${after}</member>`
        : `<member>${before}<name>${key}</name>${between}${inner}${after}</member>`,
    );
  const list = (item: fc.Arbitrary<string>) =>
    fc.array(fc.tuple(item, gap), { maxLength: 4 }).map((items) => items.flat().join(""));
  const array = fc
    .tuple(gap, list(tie("value")), gap)
    .map(([before, items, after]) => `<array>${before}<data>${after}${items}</data>${after}</array>`);
  const struct = fc
    .tuple(gap, list(member))
    .map(([before, members]) => `<struct>${before}${members}</struct>`);
  const empty = fc.constantFrom(
    "<array><data/></array>",
    "<array></array>",
    "<array/>",
    "<struct/>",
    "<struct />",
  );
  const typed = fc
    .tuple(gap, fc.oneof({ depthSize: "small", withCrossShrink: true }, scalar, array, struct, empty), gap)
    .map(([before, type, after]) => `<value>${before}${type}${after}</value>`);
  return {
    value: fc.oneof(
      { weight: 8, arbitrary: typed },
      { weight: 2, arbitrary: text.map((inner) => `<value>${inner}</value>`) },
      { weight: 1, arbitrary: fc.constantFrom("<value/>", "<value />", "<value>\n</value>") },
    ),
  };
}).value;

const declaration = rarely(
  fc.constantFrom(
    "",
    "\n",
    "<?xml version='1.0'?>",
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
    '<?xml version="1.0" ?>',
  ),
  fc.constantFrom(
    " <?xml version='1.0'?>",
    "<?xml?>",
    "<?xml-x?>",
    "<?xml ?>",
    "\uFEFF",
    "<!DOCTYPE methodCall>",
  ),
);

const namespace = rarely(
  fc.constant(""),
  fc.constantFrom(' xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"', ' a="<"', " "),
);

const call = fc
  .tuple(
    rarely(
      fc.constantFrom("echo", "a.b", "x:/_9", "&#101;cho"),
      fc.oneof(text, fc.constantFrom("", " echo", "é")),
    ),
    gap,
    fc.array(fc.tuple(value, gap), { maxLength: 3 }),
  )
  .map(([method, space, values]) => {
    const params = values.map(([inner, after]) => `<param>${space}${inner}${after}</param>${after}`).join("");
    const list = values.length === 0 && space !== "" ? "<params/>" : `<params>${space}${params}</params>`;
    return { root: "methodCall", content: `<methodName>${method}</methodName>${space}${list}` };
  });

const fault = fc
  .tuple(rarely(fc.constantFrom("int", "i4"), fc.constantFrom("i8", "string", "boolean")), text, gap)
  .map(
    ([type, message, space]) =>
      `<fault>${space}<value><struct><member><name>faultCode</name><value><${type}>4</${type}></value></member>${space}` +
      `<member><name>faultString</name><value>${message}</value></member></struct></value></fault>`,
  );

const response = fc
  .oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(gap, value)
        .map(([space, inner]) => `<params>${space}<param>${inner}</param></params>`),
    },
    { weight: 1, arbitrary: fault },
    { weight: 1, arbitrary: value.map((inner) => `<fault>${inner}</fault>`) },
  )
  .map((content) => ({ root: "methodResponse", content }));

/** Calls and answers, most of them canonical. */
export const canonicalDocument: fc.Arbitrary<string> = fc
  .tuple(declaration, namespace, fc.oneof(call, response), gap)
  .map(
    ([head, attributes, { root, content }, space]) =>
      `${head}<${root}${attributes}>${space}${content}${space}</${root}>${space}`,
  );
