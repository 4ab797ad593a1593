export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[ipv6]:port`; null when it is neither. */
export function parseAddress(address: string): HostPort | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return null;
  return { host, port };
}
