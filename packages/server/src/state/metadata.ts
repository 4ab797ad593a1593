/** The machine's own state, under one key that no service's key can equal (those begin with a string). */
import { createHash, type Hash, hash } from "node:crypto";
import type { Effect } from "@quorate/raft";
import type { CallResult } from "./types.js";
import { packValue } from "./value-encoding.js";

const version = 1;
const metadataKey = Buffer.of(0x00, 0x01);
const digestLength = 32;
const recordLength = 1 + 8 + digestLength;

export interface MachineMetadata {
  /** Time of the last command, milliseconds since 1970-01-01 UTC. */
  readonly lastNow: number;
  /** SHA-256 chained over the results and effects of all entries so far; 32 bytes. */
  readonly digest: Uint8Array;
}

/** The state's metadata is damaged or of another version. */
export class MetadataError extends Error {
  override readonly name = "MetadataError";
}

/** Throws `MetadataError`. */
export function readMetadata(state: { get(key: Uint8Array): Uint8Array | undefined }): MachineMetadata {
  const bytes = state.get(metadataKey);
  if (bytes === undefined) return { lastNow: 0, digest: new Uint8Array(digestLength) };
  // Nearly always what the entry before left, in memory still.
  if (bytes === newest.bytes) return newest.metadata;
  if (bytes[0] !== version || bytes.length !== recordLength) {
    throw new MetadataError(
      `the state's metadata is version ${bytes[0]} with ${bytes.length} bytes; this version reads ${version} with ${recordLength}`,
    );
  }
  const lastNow = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(1);
  return { lastNow, digest: bytes.slice(9) };
}

/** The effect that stores it; rides with the effects of the entry that it describes. */
export function metadataEffect(metadata: MachineMetadata): Effect {
  const bytes = Buffer.allocUnsafe(recordLength);
  bytes[0] = version;
  bytes.writeDoubleBE(metadata.lastNow, 1);
  bytes.set(metadata.digest, 9);
  newest = { bytes, metadata };
  return { key: metadataKey, value: bytes };
}

/** What `metadataEffect` encoded last. */
let newest: { readonly bytes: Uint8Array | null; readonly metadata: MachineMetadata } = {
  bytes: null,
  metadata: { lastNow: 0, digest: new Uint8Array(digestLength) },
};

/**
 * The next link: SHA-256 of the last one, the entry's index (8 bytes), its results and its effects in order.
 * Every part has its length before it, so that no two histories give the same bytes.
 */
export function chainDigest(
  previous: Uint8Array,
  index: number,
  results: readonly CallResult[],
  effects: readonly Effect[],
): Uint8Array {
  transcript.start();
  transcript.bytes(previous);
  transcript.uint64(index);
  transcript.uint64(results.length);
  for (const result of results) {
    const bytes = packValue(
      result.ok ? [true, result.value] : [false, result.fault.code, result.fault.message],
    );
    transcript.uint64(bytes.length);
    transcript.bytes(bytes);
  }
  for (const { key, value } of effects) {
    transcript.uint64(key.length);
    transcript.bytes(key);
    // One more than the length, so that 0 is free to mean "deleted".
    transcript.uint64(value === null ? 0 : value.length + 1);
    if (value !== null) transcript.bytes(value);
  }
  return transcript.sha256();
}

/**
 * Gathers the parts of one entry in memory that is used again for the next: one call into the hash per entry
 * (each costs more than the copies that it saves), and nothing to collect. Large parts are hashed where they are.
 */
class Transcript {
  #buffer = Buffer.alloc(4096);
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  #length = 0;
  /** Of everything before what the buffer holds, if a large part made it necessary. */
  #hash: Hash | null = null;

  start(): void {
    this.#length = 0;
    this.#hash = null;
    // One large entry does not keep its memory for ever.
    if (this.#buffer.length > keptLength) this.#resize(4096);
  }

  uint64(number: number): void {
    this.#reserve(8);
    this.#view.setUint32(this.#length, Math.floor(number / 2 ** 32));
    this.#view.setUint32(this.#length + 4, number >>> 0);
    this.#length += 8;
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length >= largePart) {
      this.#hashed().update(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  sha256(): Uint8Array {
    if (this.#hash !== null) return this.#hashed().digest();
    return hash("sha256", this.#buffer.subarray(0, this.#length), "buffer");
  }

  /** With all parts so far in it, in their order. */
  #hashed(): Hash {
    this.#hash ??= createHash("sha256");
    this.#hash.update(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return this.#hash;
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed > this.#buffer.length) this.#resize(Math.max(needed, 2 * this.#buffer.length));
  }

  #resize(length: number): void {
    const larger = Buffer.alloc(length);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
  }
}

const keptLength = 1024 * 1024;
/** From here on a copy costs more than a call into the hash. */
const largePart = 64 * 1024;
const transcript = new Transcript();
