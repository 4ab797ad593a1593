/**
 * `Quorate-Index`, which is also what `min_index` takes: `tag:index`, everything up to that log index was
 * applied where the call was executed. The tag names the cluster, because an index of another one says nothing.
 */

export interface ReadToken {
  readonly tag: string;
  readonly index: number;
}

const tagLength = 8;

/** Empty before birth. */
export function tagOf(clusterId: string | null): string {
  return clusterId?.slice(0, tagLength) ?? "";
}

export function formatToken({ tag, index }: ReadToken): string {
  return `${tag}:${index}`;
}

/** Null when the text is no token. */
export function parseToken(text: string): ReadToken | null {
  const match = /^([0-9a-f]{8}):(0|[1-9]\d{0,15})$/.exec(text);
  const [, tag, digits] = match ?? [];
  const index = Number(digits);
  if (tag === undefined || !Number.isSafeInteger(index)) return null;
  return { tag, index };
}
