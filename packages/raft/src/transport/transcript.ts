import { createHmac, timingSafeEqual } from "node:crypto";

/** HMAC-SHA256. */
export const MAC_BYTES = 32;

/** All bytes of one handshake so far, both directions, in order: what every proof is a proof of. */
export class Transcript {
  readonly #secret: Uint8Array;
  readonly #parts: Uint8Array[];

  constructor(secret: Uint8Array, first: Uint8Array) {
    this.#secret = secret;
    this.#parts = [first];
  }

  add(part: Uint8Array): void {
    this.#parts.push(part);
  }

  mac(label: string): Uint8Array {
    const hmac = createHmac("sha256", this.#secret);
    // Every part goes in behind its length, so that bytes cannot move from one part into the next.
    for (const part of [Buffer.from(`quorate peer ${label}`), ...this.#parts]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      hmac.update(length).update(part);
    }
    return hmac.digest();
  }

  proves(label: string, mac: Uint8Array): boolean {
    return timingSafeEqual(this.mac(label), mac);
  }
}
