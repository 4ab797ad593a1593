/** FNV-1a over bytes and integers: fast, the same everywhere, good enough to tell different things apart. */
export const digestStart = 0x811c9dc5;

export function digestBytes(bytes: Uint8Array, start: number = digestStart): number {
  let hash = start;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Folds in an integer of up to 53 bits. */
export function digestNumber(value: number, start: number): number {
  let hash = Math.imul(start ^ (value | 0), 0x01000193);
  hash = Math.imul(hash ^ (Math.floor(value / 2 ** 32) | 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
