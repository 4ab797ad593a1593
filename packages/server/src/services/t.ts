/** `t`: the vocabulary of parameter, result and stored types. */
import { DateTime, Double, isInt, isStruct, type Struct, struct, type Value } from "@quorate/protocol";
import { deepFreeze } from "./deep-freeze.js";
import { normalize } from "./normalize.js";
import { type Shape, type Type, TypeMismatch, type TypeWord } from "./type.js";
import type {
  ArrayBuilder,
  Given,
  Members,
  NumberLimits,
  Omittable,
  RestBuilder,
  ScalarBuilder,
  SizeLimits,
  StructBuilder,
  TextLimits,
} from "./type-builders.js";

/** What one kind of type does with a value; both throw `TypeMismatch`. */
interface Rules<T> {
  readonly word: TypeWord;
  readonly shape: Shape;
  accept(value: Value, path: string): T;
  emit(value: unknown, path: string): Value;
}

type Presence<T> = Given<T> | Omittable<T>;

function build<T>(rules: Rules<T>, name: string | null, presence: Presence<T> = {}): Type<T> {
  return {
    word: rules.word,
    name,
    omittable: presence.optional === true || presence.default !== undefined,
    // Frozen: a handler that changed it would change it for later calls, until this node restarts.
    whenOmitted: deepFreeze(presence.default),
    shape: rules.shape,
    example: deepFreeze(presence.example),
    accept: rules.accept,
    emit: rules.emit,
  };
}

function scalar<T, Limits extends object>(rules: (limits: Limits) => Rules<T>): ScalarBuilder<T, Limits> {
  type Options = Limits & Presence<T>;
  const builder = (first?: string | Options, second?: Options): Type<T> => {
    const [name, options] = typeof first === "string" ? [first, second] : [null, first];
    const given = options ?? ({} as Options);
    return build(rules(given), name, given);
  };
  // The overloads differ only in whether `undefined` belongs to the type, which `optional` decides.
  return builder as ScalarBuilder<T, Limits>;
}

function within<T extends number | bigint>(word: string, { min, max }: NumberLimits<T>) {
  return (value: T, path: string): T => {
    if (min !== undefined && value < min) throw new TypeMismatch(path, `${word} of at least ${min}`, value);
    if (max !== undefined && value > max) throw new TypeMismatch(path, `${word} of at most ${max}`, value);
    return value;
  };
}

function sized(word: string, unit: string, { min, max }: SizeLimits) {
  return (size: number, value: Value, path: string): void => {
    if (min !== undefined && size < min)
      throw new TypeMismatch(path, `${word} of at least ${min} ${unit}`, value);
    if (max !== undefined && size > max)
      throw new TypeMismatch(path, `${word} of at most ${max} ${unit}`, value);
  };
}

/** Rules whose way out is their way in, after normalisation. */
function symmetric<T extends Value>(
  word: TypeWord,
  accept: (value: Value, path: string) => T,
  shape: Shape = {},
): Rules<T> {
  return { word, shape, accept, emit: (value, path) => accept(normalize(value, path), path) };
}

const int = scalar<number, NumberLimits<number>>((limits) => {
  const check = within("int", limits);
  return symmetric(
    "int",
    (value, path) => {
      const number = typeof value === "bigint" ? Number(value) : value;
      if (!isInt(number)) throw new TypeMismatch(path, "int", value);
      return check(number, path);
    },
    limits,
  );
});

const i8 = scalar<bigint, NumberLimits<bigint>>((limits) => {
  const check = within("i8", limits);
  return symmetric(
    "i8",
    (value, path) => {
      if (typeof value === "bigint") return check(value, path);
      if (isInt(value)) return check(BigInt(value), path);
      throw new TypeMismatch(path, "i8", value);
    },
    limits,
  );
});

const double = scalar<number, NumberLimits<number>>((limits) => {
  const check = within("double", limits);
  const accept = (value: Value, path: string): number => {
    const number = value instanceof Double ? value.value : value;
    if (typeof number !== "number") throw new TypeMismatch(path, "double", value);
    return check(number, path);
  };
  return {
    word: "double",
    shape: limits,
    accept,
    emit(value, path) {
      const number = accept(normalize(value, path), path);
      // A caller that was promised a double gets <double>3.0</double>, not <int>3</int>.
      return Number.isInteger(number) ? new Double(number) : number;
    },
  };
});

const boolean = scalar<boolean, object>(() =>
  symmetric("boolean", (value, path) => {
    if (typeof value !== "boolean") throw new TypeMismatch(path, "boolean", value);
    return value;
  }),
);

const string = scalar<string, TextLimits>((limits) => {
  const checkSize = sized("string", "characters", limits);
  const counts = limits.min !== undefined || limits.max !== undefined;
  // A fresh expression without g and y: with them, a match would depend on the calls before.
  const pattern =
    limits.pattern && new RegExp(limits.pattern.source, limits.pattern.flags.replace(/[gy]/g, ""));
  return symmetric(
    "string",
    (value, path) => {
      if (typeof value !== "string") throw new TypeMismatch(path, "string", value);
      if (counts) checkSize([...value].length, value, path);
      if (pattern && !pattern.test(value)) throw new TypeMismatch(path, `string matching ${pattern}`, value);
      return value;
    },
    limits,
  );
});

const dateTime = scalar<DateTime, object>(() =>
  symmetric("dateTime.iso8601", (value, path) => {
    if (!(value instanceof DateTime)) throw new TypeMismatch(path, "dateTime.iso8601", value);
    return value;
  }),
);

const base64 = scalar<Uint8Array, SizeLimits>((limits) => {
  const checkSize = sized("base64", "bytes", limits);
  return symmetric(
    "base64",
    (value, path) => {
      if (!(value instanceof Uint8Array)) throw new TypeMismatch(path, "base64", value);
      checkSize(value.length, value, path);
      return value;
    },
    limits,
  );
});

const nil = scalar<null, object>(() =>
  symmetric("nil", (value, path) => {
    if (value !== null) throw new TypeMismatch(path, "nil", value);
    return value;
  }),
);

const any = scalar<Value, object>(() => symmetric("any", (value) => value));

function arrayRules<T>(item: Type<T>, limits: SizeLimits): Rules<T[]> {
  const checkSize = sized("array", "items", limits);
  const checked = (value: unknown, path: string): Value[] => {
    if (!Array.isArray(value)) throw new TypeMismatch(path, "array", value);
    checkSize(value.length, value, path);
    return value;
  };
  return {
    word: "array",
    shape: { ...limits, item },
    accept: (value, path) =>
      checked(value, path).map((element, index) => item.accept(element, `${path}[${index}]`)),
    // Array.from visits holes, which map would leave in place.
    emit: (value, path) =>
      Array.from(checked(value, path), (element, index) => item.emit(element, `${path}[${index}]`)),
  };
}

const isType = (value: unknown): value is Type<unknown> =>
  typeof value === "object" && value !== null && "accept" in value && "emit" in value;

function arrayOf(...given: unknown[]): Type<unknown[]> {
  const name = typeof given[0] === "string" ? (given.shift() as string) : null;
  const item = isType(given[0]) ? (given.shift() as Type<unknown>) : any();
  const options = (given[0] ?? {}) as SizeLimits & Presence<unknown[]>;
  return build(arrayRules(item, options), name, options);
}

function structRules(members: Members): Rules<Record<string, unknown>> {
  const types = new Map(Object.entries(members));
  const checked = (value: unknown, path: string): object => {
    if (typeof value !== "object" || value === null || !isStruct(value as Value)) {
      throw new TypeMismatch(path, "struct", value);
    }
    for (const name of Object.keys(value)) {
      if (!types.has(name)) {
        throw new TypeMismatch(path, `struct with no members but ${[...types.keys()].join(", ")}`, name);
      }
    }
    return value;
  };
  const member = (value: object, name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  return {
    word: "struct",
    shape: { members: types },
    accept(value, path) {
      const source = checked(value, path);
      const result: Record<string, unknown> = struct();
      for (const [name, type] of types) {
        const given = member(source, name);
        if (given !== undefined) result[name] = type.accept(given as Value, `${path}.${name}`);
        else if (!type.omittable) throw new TypeMismatch(`${path}.${name}`, type.word, undefined);
        else if (type.whenOmitted !== undefined) result[name] = type.whenOmitted;
      }
      return result;
    },
    emit(value, path) {
      const source = checked(value, path);
      const result = struct();
      for (const [name, type] of types) {
        const own = member(source, name);
        const given = own === undefined ? type.whenOmitted : own;
        if (given !== undefined) result[name] = type.emit(given, `${path}.${name}`);
        else if (!type.omittable) throw new TypeMismatch(`${path}.${name}`, type.word, undefined);
      }
      return result;
    },
  };
}

const anyStruct: Rules<Struct> = symmetric("struct", (value, path) => {
  if (!isStruct(value)) throw new TypeMismatch(path, "struct", value);
  return value;
});

function structOf(...given: unknown[]): Type<unknown> {
  const name = typeof given[0] === "string" ? (given.shift() as string) : null;
  const first = given[0];
  const hasMembers =
    typeof first === "object" && first !== null && Object.values(first).every(isType) && given.length > 0;
  const isOptions = name !== null && hasMembers && Object.keys(first).length === 0;
  if (hasMembers && !isOptions) {
    return build(structRules(first as Members), name, (given[1] ?? {}) as Presence<Record<string, unknown>>);
  }
  return build(anyStruct, name, (first ?? {}) as Presence<Struct>);
}

/**
 * Types of parameters, results and stored values. The name comes first (parameters only), then item or
 * members, then options: `t.array("skus", t.string({ min: 1 }), { max: 100 })`.
 */
export const t = {
  /** 32-bit integer; an i8 in range passes. Handlers get a `number`. */
  int,
  /** 64-bit integer; an int passes. Handlers get a `bigint`. */
  i8,
  /** Any number; an int passes. Handlers get a `number`, callers a `<double>`. */
  double,
  boolean,
  /** Text; `min` and `max` count code points. */
  string,
  dateTime,
  /** Bytes; `min` and `max` count bytes. */
  base64,
  nil,
  /** Any value. */
  any,
  array: arrayOf as ArrayBuilder,
  /** With members: exactly these (unknown ones are refused). Without: any struct. */
  struct: structOf as StructBuilder,
  rest: ((type) => ({ rest: type })) as RestBuilder,
};
