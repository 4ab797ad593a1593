import type { Struct, Value } from "@quorate/protocol";

/**
 * UserLand's validator1 suite: eight methods by which XML-RPC servers have been compared since 1999.
 * Plain functions that import nothing, so that a service file may contain them.
 */
export const validator1: ReadonlyMap<string, (...params: Value[]) => Value> = new Map([
  ["validator1.arrayOfStructsTest", arrayOfStructsTest],
  ["validator1.countTheEntities", countTheEntities],
  ["validator1.easyStructTest", easyStructTest],
  ["validator1.echoStructTest", (value: Value) => value],
  ["validator1.manyTypesTest", (...values: Value[]) => values],
  ["validator1.moderateSizeArrayCheck", moderateSizeArrayCheck],
  ["validator1.nestedStructTest", nestedStructTest],
  ["validator1.simpleStructReturnTest", simpleStructReturnTest],
]);

/** The sum of all members called `curly`. */
function arrayOfStructsTest(value: Value): Value {
  if (!Array.isArray(value)) throw new TypeError("an array of structs is expected");
  return value.reduce((sum: number, item) => sum + intMember(item, "curly"), 0);
}

function countTheEntities(value: Value): Value {
  if (typeof value !== "string") throw new TypeError("a string is expected");
  const count = (character: string) => value.split(character).length - 1;
  return {
    ctLeftAngleBrackets: count("<"),
    ctRightAngleBrackets: count(">"),
    ctAmpersands: count("&"),
    ctApostrophes: count("'"),
    ctQuotes: count('"'),
  };
}

function easyStructTest(value: Value): Value {
  return intMember(value, "moe") + intMember(value, "larry") + intMember(value, "curly");
}

/** First and last of an array of strings, joined. */
function moderateSizeArrayCheck(value: Value): Value {
  if (!Array.isArray(value)) throw new TypeError("an array of strings is expected");
  return `${value.at(0)}${value.at(-1)}`;
}

/** A calendar as structs of years, months and days: the sum of the stooges on 1 April 2000. */
function nestedStructTest(value: Value): Value {
  return easyStructTest(member(member(member(value, "2000"), "04"), "01"));
}

function simpleStructReturnTest(value: Value): Value {
  if (typeof value !== "number") throw new TypeError("an int is expected");
  return { times10: value * 10, times100: value * 100, times1000: value * 1000 };
}

function member(value: Value, name: string): Value {
  const found = typeof value === "object" && value !== null ? (value as Struct)[name] : undefined;
  if (found === undefined) throw new TypeError(`a struct with the member ${name} is expected`);
  return found;
}

function intMember(value: Value, name: string): number {
  const found = member(value, name);
  if (typeof found !== "number") throw new TypeError(`the member ${name} is to be an int`);
  return found;
}
