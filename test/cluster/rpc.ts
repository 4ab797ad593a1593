/** One XML-RPC call to one node, as a client that reads every status for itself. */
import { decodeResponse, encodeCall, Fault, type Value } from "@quorate/protocol";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when the body is not XML-RPC. */
  readonly result: Value | Fault | undefined;
  readonly text: string;
}

export interface AskOptions {
  readonly userAgent?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Does not follow redirects. Rejects only when there is no HTTP answer at all. */
export async function ask(
  url: string,
  method: string,
  params: readonly Value[],
  options: AskOptions = {},
): Promise<Answer> {
  return post(`${url}/RPC2${options.query ?? ""}`, encodeCall(method, [...params]), options);
}

export async function post(
  url: string,
  body: Uint8Array | string,
  options: AskOptions = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    redirect: "manual",
    body,
    headers: {
      "content-type": "text/xml",
      "user-agent": options.userAgent ?? "Python-xmlrpc/3.11",
      ...options.headers,
    },
    signal: AbortSignal.timeout(options.timeoutMs ?? 20_000),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const xml = (response.headers.get("content-type") ?? "").includes("xml");
  return {
    status: response.status,
    headers: response.headers,
    result: xml ? decodeResponse(bytes) : undefined,
    text: new TextDecoder().decode(bytes),
  };
}

/** The value of an answered call; throws its fault. */
export async function value(
  url: string,
  method: string,
  params: readonly Value[],
  options: AskOptions = {},
): Promise<Value> {
  const { result, status, text } = await ask(url, method, params, options);
  if (result instanceof Fault) throw result;
  if (result === undefined) throw new Error(`HTTP ${status}: ${text}`);
  return result;
}
