/** Calls one of the given nodes, following it to the leader. */
import { decodeResponse, encodeCall, Fault, type Value } from "@quorate/protocol";
import { CommandFailed, exitCodes } from "./exit-codes.js";

export interface NodeClientOptions {
  /** Base URLs, tried in this order until one can be reached. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
}

export const defaultUrl = "http://127.0.0.1:8001";

/** Throws `Fault`, or `CommandFailed` when no node answers. */
export async function callNode(
  options: NodeClientOptions,
  method: string,
  params: readonly Value[],
): Promise<Value> {
  // As text: Node 20's fetch cannot send bytes a second time, and a redirect makes it do so.
  const body = encodeCall(method, [...params]).toString();
  const failures: string[] = [];
  for (const url of options.urls) {
    const response = await post(new URL("/RPC2", url), body, options.timeoutMs, failures);
    if (response === undefined) continue;
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (!(response.headers.get("content-type") ?? "").includes("xml")) {
      throw new CommandFailed(
        `${url} answered ${response.status} without XML; is it a Quorate node?`,
        exitCodes.unreachable,
      );
    }
    const answer = decodeResponse(bytes);
    if (answer instanceof Fault) throw answer;
    return answer;
  }
  throw new CommandFailed(`no node could be reached: ${failures.join("; ")}`, exitCodes.unreachable);
}

/** Undefined when the node could not be reached at all: the call was not executed and may go elsewhere. */
async function post(
  url: URL,
  body: string,
  timeoutMs: number,
  failures: string[],
): Promise<Response | undefined> {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "content-type": "text/xml; charset=utf-8", "user-agent": "quorate-cli" },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    const code = codeOf(error);
    if (code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EHOSTUNREACH") {
      failures.push(`${url.origin} (${code})`);
      return undefined;
    }
    // Of a broken connection `fetch` says only "fetch failed"; what broke is in the cause.
    const { message, cause } = error instanceof Error ? error : { message: String(error), cause: null };
    const reason = cause instanceof Error ? `${message} (${cause.message})` : message;
    throw new CommandFailed(
      `${url.origin}: ${reason}; the outcome of the call is unknown`,
      exitCodes.unreachable,
    );
  }
}

function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}
