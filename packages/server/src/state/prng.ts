/**
 * Chance for handlers, the same on every node. The algorithm is part of the state machine and must never
 * change: replaying an old log has to give the old numbers.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021). Its four
 * 32-bit words are, little-endian, the first 16 bytes of SHA-256("quorate prng v1" ‖ seed ‖ call), where `call`
 * is the place of the call in its batch as 4 bytes big-endian (0 outside batches).
 */
import { createHash } from "node:crypto";

export class Prng {
  readonly #state: Uint32Array;

  constructor(state: Uint32Array) {
    this.#state = state;
  }

  static fromSeed(seed: Uint8Array, call: number): Prng {
    const place = Buffer.alloc(4);
    place.writeUInt32BE(call);
    const digest = createHash("sha256").update("quorate prng v1").update(seed).update(place).digest();
    return new Prng(Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32LE(at)));
  }

  /** A whole number from 0 to 2³² - 1. */
  next(): number {
    const state = this.#state;
    let [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    state.set([s0, s1, s2, s3]);
    return result;
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³: 27 bits of one output over 26 of the next. */
  random(): number {
    const high = this.next() >>> 5;
    const low = this.next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A version 4 UUID (RFC 9562, section 5.4): four outputs, big-endian, with version and variant set. */
  uuid(): string {
    const bytes = Buffer.alloc(16);
    for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(this.next(), at);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const hex = bytes.toString("hex");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
