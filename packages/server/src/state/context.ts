/** What a handler can do: read (`View`, queries) or read and write (`Transaction`, commands). */
import type { Encodable, Value } from "@quorate/protocol";
import type { Type } from "../services/type.js";
import type { TupleElement } from "./tuple-key.js";

/** Where something is stored: a list of parts, ordered part by part. At most 8 KiB when encoded. */
export type Key = readonly TupleElement[];

/**
 * Which keys to read, in key order. All bounds that are given must hold. Bounds compare whole keys: a key
 * sorts directly before the longer keys that begin with it, so `lte: ["a"]` leaves out `["a", 1]`.
 */
export interface RangeOptions {
  /** Keys that begin with these parts. */
  readonly prefix?: Key;
  /** Only with `prefix`: the part after it is a string that begins with this text. */
  readonly startsWith?: string;
  readonly gt?: Key;
  readonly gte?: Key;
  readonly lt?: Key;
  readonly lte?: Key;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** Most pairs to return; a positive integer. */
  readonly limit?: number;
}

export interface View {
  /** The stored value; undefined when there is none. With a type: checked, and as that type gives it. */
  get(key: Key): Value | undefined;
  get<T>(key: Key, type: Type<T>): T | undefined;
  has(key: Key): boolean;
  /** Pairs in key order. More than 10,000 pairs or 16 MiB is a fault: give a `limit` and continue with `gt`. */
  range(options: RangeOptions): [key: TupleElement[], value: Value][];
  range<T>(options: RangeOptions, type: Type<T>): [key: TupleElement[], value: T][];
  /** How many keys there are, without holding them; `limit` and `reverse` are not allowed. */
  count(options: Omit<RangeOptions, "limit" | "reverse">): number;
}

export interface Transaction extends View {
  set(key: Key, value: Encodable): void;
  /** True when there was something to delete. */
  delete(key: Key): boolean;
  /**
   * The leader's clock when it took the command, milliseconds since 1970-01-01 UTC; never goes back from one command to
   * the next. A node whose clock is more than 1 s from the majority's does not lead for long: until that is noticed, its
   * clock counts, and if it was ahead, time stands still afterwards until the others' clocks have caught up.
   */
  readonly now: number;
  /** Index of the log entry that this command is. */
  readonly index: number;
  /** The authenticated caller; empty while callers are not authenticated. */
  readonly caller: string;
  /** Uniform in [0, 1); the same on every node. Not a secret. */
  random(): number;
  /** A version 4 UUID; the same on every node. Not a secret. */
  uuid(): string;
}
