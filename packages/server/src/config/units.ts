/** Durations and sizes as people write them in a config file. */

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** How such texts look at first sight; the parsers below decide. */
export const textForms = {
  id: /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  duration: /^\s*\d{1,9}(\.\d{1,6})?\s?(ms|s|m|h)\s*$/,
  size: /^\s*\d{1,9}(\.\d{1,6})?\s?(B|KiB|MiB|GiB)\s*$/,
  hostPort: /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/,
  baseUrl: /^http:\/\/[^/?#]+\/?$/,
} as const;

function parseWithUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  example: string,
): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s?([A-Za-z]+)$/.exec(text.trim());
  const factor = match?.[2] === undefined ? undefined : units[match[2]];
  if (match?.[1] === undefined || factor === undefined) {
    const known = Object.keys(units).join(", ");
    throw new Error(`expected a ${what} such as ${example} (units: ${known}), got ${JSON.stringify(text)}`);
  }
  return Math.round(Number(match[1]) * factor);
}

/** `50ms`, `1.5s`, `2m` → milliseconds. Throws a sentence. */
export const parseDuration = (text: string): number => parseWithUnit(text, durationUnits, "duration", "50ms");

/** `8MiB`, `512KiB` → bytes. Throws a sentence. */
export const parseSize = (text: string): number => parseWithUnit(text, sizeUnits, "size", "8MiB");

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8000`, `[::1]:8000`, `node-1.example:8000`. Throws a sentence. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`expected host:port such as 10.0.0.1:9000, got ${JSON.stringify(text)}`);
  }
  return { host, port };
}

/** An `http://host:port` base URL without path. Throws a sentence. */
export function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "";
  if (url === undefined || url.protocol !== "http:" || !plain || url.username !== "") {
    throw new Error(`expected a URL such as http://10.0.0.1:8000 (no path), got ${JSON.stringify(text)}`);
  }
  return url;
}

/** True when only programs of this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
