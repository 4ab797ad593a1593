/** Opening a listening socket, with errors that say what to do. */
import type { FastifyInstance } from "fastify";

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Returns the base URL, with the real port. Rejects with a sentence. */
export async function listen(app: FastifyInstance, address: HostPort): Promise<string> {
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    throw listenError("HTTP", "http.listen", address, error);
  }
  const bound = app.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `http://${host}:${port}`;
}

const causes: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "another process listens there already"],
  ["EADDRNOTAVAIL", "this machine does not have that address"],
  ["EACCES", "this user may not listen there (ports below 1024 need a privilege)"],
  ["ENOTFOUND", "the name is unknown"],
]);

/** An error that is not about listening is returned as it is. */
export function listenError(what: string, setting: string, { host, port }: HostPort, error: unknown): Error {
  const why = causes.get(codeOf(error) ?? "");
  if (why === undefined) return error instanceof Error ? error : new Error(String(error));
  return new Error(`cannot listen for ${what} on ${host}:${port}: ${why}. Free it, or change ${setting}.`, {
    cause: error,
  });
}

/** The system's code, from the error or from what caused it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : codeOf(error.cause);
}
