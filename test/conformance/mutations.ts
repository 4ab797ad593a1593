import fc from "fast-check";

/** Well-formed calls that between them use every construct that the guard knows. */
const seeds = [
  `<?xml version="1.0"?>\n<methodCall><methodName>echo</methodName><params><param><value><int>41</int></value></param></params></methodCall>`,
  `<?xml version='1.0' encoding='utf-8' standalone='yes' ?><methodCall>\n<methodName>a.b</methodName>\n<params>\n<param><value><array><data><value>x &amp; y</value><value><i8>9007199254740993</i8></value><value/></data></array></value></param></params></methodCall>\n`,
  `<!-- before --><?go fast?><methodCall a="1" b='2'><methodName>m</methodName><params><param><value><string>a<!-- x -->b<![CDATA[<&]]]]>&#13;&#x41;</string></value></param></params></methodCall><!-- after -->`,
  `<methodCall><methodName>s</methodName><params><param><value><struct><member><name>a</name><value><boolean>1</boolean></value></member><member><name/><value><double>-1.5e3</double></value></member></struct></value></param><param><value><base64>AQI=</base64></value></param><param><value><nil/></value></param></params></methodCall>`,
  `<methodCall><params/><methodName x = "&lt;&#10;'>" >d</methodName ></methodCall>`,
  `<methodCall><methodName>d</methodName><params><param><value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value></param><param><value>é😀 \t</value></param></params></methodCall>`,
];

/**
 * Pieces that well-formedness turns on. Beyond ASCII only what is, or is not, a name character in both the
 * fourth edition of XML 1.0, which expat implements, and the fifth, which the guard does.
 */
const tokens = [
  ..."<>/&;!?-[]='\" \n\tax1:.é·",
  "<?xml version='1.0'?>",
  "<?xml",
  "?>",
  "<?p q?>",
  "<?XmL?>",
  "<!--",
  "-->",
  "--",
  "<![CDATA[",
  "<![cdata[",
  "]]>",
  "<!",
  "<!DOCTYPE a>",
  "<a>",
  "</a>",
  "<a/>",
  "</",
  "/>",
  "< a>",
  ' b="c"',
  ' b="<"',
  " b=c",
  " b",
  "&amp;",
  "&amp;lt;",
  "&lt;",
  "&nbsp;",
  "&;",
  "&#65;",
  "&#0;",
  "&#13;",
  "&#x1F600;",
  "&#xD800;",
  "&#xFFFE;",
  "&#x110000;",
  "&#X41;",
  "&#xZZ;",
  "&#99999999999999999999;",
  "\u0001",
  "\u007f",
  "\uFFFE",
  "<value>",
  "</value>",
  "<int>",
  "</int>",
  "<value><int>7</int></value>",
  "<nil/>",
];

/** Pieces that are well-formed by themselves, so that many documents stay so. */
const balanced = [
  "<!-- c -->",
  "<!---->",
  "<?p '?>",
  '<?p "?>',
  "<![CDATA[ 1 ]]>",
  "<![CDATA[]]>",
  " ",
  "\n",
  "1",
  "&#49;",
];

export type Mutation = (document: string[]) => string[];

/**
 * One change to a document in pieces. As characters they are code points, so that no mutation makes a lone
 * surrogate, which UTF-8 cannot carry.
 */
export const mutation: fc.Arbitrary<Mutation> = fc
  .tuple(fc.nat({ max: 5 }), fc.nat(), fc.nat(), fc.constantFrom(...tokens, ...balanced))
  .map(([kind, first, second, token]) => (document) => {
    const at = first % (document.length + 1);
    const length = kind < 4 ? 1 + (second % 12) : 1;
    const before = document.slice(0, at);
    const piece = document.slice(at, at + length);
    const after = document.slice(at + length);
    switch (kind) {
      case 0: // delete
        return [...before, ...after];
      case 1: // double
        return [...before, ...piece, ...piece, ...after];
      case 2: // swap with what follows
        return [...before, ...after.slice(0, length), ...piece, ...after.slice(length)];
      case 3: // move to the end
        return [...before, ...after, ...piece];
      default: // insert
        return [...before, token, ...piece, ...after];
    }
  });

/** Inserts where a tag begins or has just ended: there most of what is balanced leaves the document a call. */
const insertBetweenTags: fc.Arbitrary<Mutation> = fc
  .tuple(fc.nat(), fc.constantFrom(...balanced))
  .map(([choice, piece]) => (document) => {
    const gaps = [...document.keys()].filter((at) => document[at] === "<" || document[at - 1] === ">");
    return document.toSpliced(gaps[choice % gaps.length] ?? 0, 0, ...Array.from(piece));
  });

/** Documents that are nearly right: a seed after one to four mutations. */
export const mutatedDocument = mutated(mutation, 4);

/** Documents of which many are still calls. */
export const gentlyMutatedDocument = mutated(fc.oneof(insertBetweenTags, insertBetweenTags, mutation), 3);

function mutated(mutations: fc.Arbitrary<Mutation>, max: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutations, { minLength: 1, maxLength: max }))
    .map(([seed, steps]) => steps.reduce((document, mutate) => mutate(document), Array.from(seed)).join(""));
}

/** Every seed, cut at every offset; the whole seed is the last. */
export function* prefixes(): Iterable<string> {
  for (const seed of seeds) {
    const characters = Array.from(seed);
    for (let length = 0; length <= characters.length; length++) yield characters.slice(0, length).join("");
  }
}
