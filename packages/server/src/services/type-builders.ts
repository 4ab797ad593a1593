/** How types are written: the overloads of `t`'s builders and their options. */
import type { Struct, Value } from "@quorate/protocol";
import type { Infer, RestType, Type } from "./type.js";

/** The value may be left out; the handler then gets `undefined`. */
export interface Omittable<T> {
  readonly optional: true;
  readonly default?: never;
  readonly example?: T;
}

/** The value is required, or replaced by `default` when it is left out. */
export interface Given<T> {
  readonly optional?: false;
  readonly default?: T;
  /** Shown in documentation, which else makes one up. */
  readonly example?: T;
}

/** Smallest and largest value allowed, both inclusive. */
export interface NumberLimits<T extends number | bigint> {
  readonly min?: T;
  readonly max?: T;
}

/** Smallest and largest size allowed, both inclusive: characters (code points), bytes or items. */
export interface SizeLimits {
  readonly min?: number;
  readonly max?: number;
}

export interface TextLimits extends SizeLimits {
  /** Must match somewhere in the text: anchor it with `^…$` to cover all of it. */
  readonly pattern?: RegExp;
}

/** `t.int("units", options)` for a parameter, `t.int(options)` in `returns` and inside containers. */
export interface ScalarBuilder<T, Limits> {
  (options?: Limits & Given<T>): Type<T>;
  (options: Limits & Omittable<T>): Type<T | undefined>;
  (name: string, options?: Limits & Given<T>): Type<T>;
  (name: string, options: Limits & Omittable<T>): Type<T | undefined>;
}

export type Members = Readonly<Record<string, Type<unknown>>>;
export type OmittableNames<M extends Members> = {
  [N in keyof M]: undefined extends Infer<M[N]> ? N : never;
}[keyof M];
export type StructOf<M extends Members> = {
  [N in Exclude<keyof M, OmittableNames<M>>]: Infer<M[N]>;
} & { [N in OmittableNames<M>]?: Infer<M[N]> } extends infer S
  ? { [N in keyof S]: S[N] }
  : never;

export interface ArrayBuilder {
  (options?: SizeLimits & Given<Value[]>): Type<Value[]>;
  (options: SizeLimits & Omittable<Value[]>): Type<Value[] | undefined>;
  (name: string, options?: SizeLimits & Given<Value[]>): Type<Value[]>;
  (name: string, options: SizeLimits & Omittable<Value[]>): Type<Value[] | undefined>;
  <T>(item: Type<T>, options?: SizeLimits & Given<T[]>): Type<T[]>;
  <T>(item: Type<T>, options: SizeLimits & Omittable<T[]>): Type<T[] | undefined>;
  <T>(name: string, item: Type<T>, options?: SizeLimits & Given<T[]>): Type<T[]>;
  <T>(name: string, item: Type<T>, options: SizeLimits & Omittable<T[]>): Type<T[] | undefined>;
}

export interface StructBuilder {
  (): Type<Struct>;
  (name: string, options?: Given<Struct>): Type<Struct>;
  (name: string, options: Omittable<Struct>): Type<Struct | undefined>;
  <M extends Members>(members: M, options?: Given<StructOf<M>>): Type<StructOf<M>>;
  <M extends Members>(members: M, options: Omittable<StructOf<M>>): Type<StructOf<M> | undefined>;
  <M extends Members>(name: string, members: M, options?: Given<StructOf<M>>): Type<StructOf<M>>;
  <M extends Members>(
    name: string,
    members: M,
    options: Omittable<StructOf<M>>,
  ): Type<StructOf<M> | undefined>;
}

/** All parameters that are left, each of this type. */
export type RestBuilder = <T>(type: Type<T>) => RestType<T>;
