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
  /** Follow one 307 to where it points. */
  readonly follow?: boolean;
}

/** An answer that is not XML-RPC where a call's answer was due. */
export class NoXmlRpcAnswer extends Error {
  override readonly name = "NoXmlRpcAnswer";
}

/** Follows no redirect unless told to. Rejects only when there is no HTTP answer at all. */
export async function ask(
  url: string,
  method: string,
  params: readonly Value[],
  options: AskOptions = {},
): Promise<Answer> {
  const body = encodeCall(method, [...params]);
  const answer = await post(`${url}/RPC2${options.query ?? ""}`, body, options);
  const location = answer.status === 307 ? answer.headers.get("location") : null;
  return options.follow === true && location !== null ? post(location, body, options) : answer;
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
  if (result === undefined) throw new NoXmlRpcAnswer(`HTTP ${status}: ${text}`);
  return result;
}
