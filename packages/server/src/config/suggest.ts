import * as z from "zod";
import type { Setting } from "./settings.js";

const switches: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  true: true,
  no: false,
  off: false,
  false: false,
};

/**
 * What someone who wrote `raw` probably meant, as an instruction; null when the message must do.
 *
 * @param path of the part of the setting's value that is wrong
 */
export function suggestionFor(
  { type, placeholder, secret }: Setting,
  path: readonly PropertyKey[],
  raw: unknown,
): string | null {
  const text = typeof raw === "number" || typeof raw === "string" ? String(raw) : null;
  if (text === null) return null;
  if (type instanceof z.ZodEnum) {
    const near = nearest(text, type.options.map(String));
    return near === undefined ? null : `did you mean ${near}?`;
  }
  if (type instanceof z.ZodBoolean) {
    const meant = switches[text.toLowerCase()];
    return meant === undefined ? null : `write ${meant}`;
  }
  const field = path.at(-1);
  if (secret === true) return typeof raw === "number" ? "put it in quotes" : null;
  const isPlain = /^\d+(\.\d+)?$/.test(text);
  if (placeholder === "TIME" && isPlain) return `add the unit: ${text}ms or ${text}s`;
  if (placeholder === "SIZE" && isPlain) return `add the unit: ${text}B or ${text}MiB`;
  if (placeholder === "HOST:PORT" || field === "peer") {
    if (text.includes("://")) return `leave out ${text.slice(0, text.indexOf("://") + 3)}`;
    return text.includes(":") || isPlain ? null : `add the port: ${text}:9000`;
  }
  if ((placeholder === "URL" || field === "http") && !text.includes("://")) return `write http://${text}`;
  if (typeof raw === "number") return `put it in quotes: "${text}"`;
  return null;
}

/** The known word nearest to a mistyped one, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
