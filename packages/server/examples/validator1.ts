/**
 * UserLand's validator1 suite: eight methods by which XML-RPC servers have been compared since 1999
 * (http://1998.xmlrpc.com/validator1Docs). They only compute: all are queries.
 */
import { Double, defineService, Fault, query, type Struct, t } from "@quorate/server";

const notAsAgreed = 400;

/** The int of this name in a struct that may hold others as well. */
function intMember(struct: Struct, name: string): number {
  const value = struct[name];
  if (typeof value !== "number") throw new Fault(notAsAgreed, `the struct has no int ${name}`);
  return value;
}

function structMember(struct: Struct, name: string): Struct {
  const value = struct[name];
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
  if (!isPlain) throw new Fault(notAsAgreed, `the struct has no struct ${name}`);
  return value as Struct;
}

const sumOfStooges = (struct: Struct): number =>
  intMember(struct, "moe") + intMember(struct, "larry") + intMember(struct, "curly");

const stooges = { moe: 1, larry: 2, curly: 3 };

export default defineService({
  name: "validator1",
  methods: {
    "validator1.arrayOfStructsTest": query(
      {
        help: "The sum of all members called curly.",
        params: [t.array("stooges", t.struct(), { example: [stooges, stooges] })],
        returns: t.int(),
      },
      (_view, structs) =>
        structs.map((struct) => intMember(struct, "curly")).reduce((sum, curly) => sum + curly, 0),
    ),

    "validator1.countTheEntities": query(
      {
        help: "How often a text holds each of the five characters that XML has names for.",
        params: [t.string("text", { example: `<a href="b">&'</a>` })],
        returns: t.struct({
          ctLeftAngleBrackets: t.int(),
          ctRightAngleBrackets: t.int(),
          ctAmpersands: t.int(),
          ctApostrophes: t.int(),
          ctQuotes: t.int(),
        }),
      },
      (_view, text) => {
        const count = (character: string) => text.split(character).length - 1;
        return {
          ctLeftAngleBrackets: count("<"),
          ctRightAngleBrackets: count(">"),
          ctAmpersands: count("&"),
          ctApostrophes: count("'"),
          ctQuotes: count('"'),
        };
      },
    ),

    "validator1.easyStructTest": query(
      {
        help: "The sum of moe, larry and curly.",
        params: [t.struct("stooges", { example: stooges })],
        returns: t.int(),
      },
      (_view, struct) => sumOfStooges(struct),
    ),

    "validator1.echoStructTest": query(
      { help: "The struct itself.", params: [t.struct("struct", { example: stooges })], returns: t.struct() },
      (_view, struct) => struct,
    ),

    "validator1.manyTypesTest": query(
      {
        help: "Its six parameters as an array, in their order.",
        params: [
          t.int("number"),
          t.boolean("boolean"),
          t.string("string"),
          t.double("double"),
          t.dateTime("dateTime"),
          t.base64("base64"),
        ],
        returns: t.array(),
      },
      // A double stays one even when it is integral.
      (_view, number, boolean, string, double, dateTime, base64) => [
        number,
        boolean,
        string,
        new Double(double),
        dateTime,
        base64,
      ],
    ),

    "validator1.moderateSizeArrayCheck": query(
      {
        help: "The first and the last of 100 to 200 texts, joined.",
        params: [t.array("texts", t.string(), { min: 1, example: ["first", "second", "last"] })],
        returns: t.string(),
      },
      (_view, texts) => `${texts[0]}${texts.at(-1)}`,
    ),

    "validator1.nestedStructTest": query(
      {
        help: "A calendar as structs of years, months and days: the sum of the stooges on 1 April 2000.",
        params: [t.struct("calendar", { example: { "2000": { "04": { "01": stooges } } } })],
        returns: t.int(),
      },
      (_view, calendar) =>
        sumOfStooges(structMember(structMember(structMember(calendar, "2000"), "04"), "01")),
    ),

    "validator1.simpleStructReturnTest": query(
      {
        help: "The number times 10, 100 and 1000.",
        params: [t.int("number", { min: -2_147_483, max: 2_147_483 })],
        returns: t.struct({ times10: t.int(), times100: t.int(), times1000: t.int() }),
      },
      (_view, number) => ({ times10: number * 10, times100: number * 100, times1000: number * 1000 }),
    ),
  },
});
