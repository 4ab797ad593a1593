/** An XML-RPC client that knows several nodes of one cluster and finds its leader. */
import { decodeResponse, encodeCall, Fault, faultCodes, type Value } from "@quorate/protocol";
import { Agent, type Dispatcher, request } from "undici";
import { NotExecutedError, OutcomeUnknownError } from "./errors.js";

export interface ClientOptions {
  /** URLs with path, such as `http://127.0.0.1:8001/RPC2`; at least one. */
  readonly nodes: readonly string[];
  /** Milliseconds for a whole call, retries included. Default 15,000. */
  readonly timeoutMs?: number;
  /** Connections kept to each node. Default 16. */
  readonly connections?: number;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaults = { timeoutMs: 15_000, connections: 16 } as const;
/** A redirect names the leader; more than a few mean that the nodes disagree at this moment. */
const redirectsMax = 5;
const retryPauseMsMin = 20;
const retryPauseMsMax = 500;

/** What one attempt at one node gave. */
type Attempt =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "redirect"; readonly url: string }
  | { readonly kind: "notExecuted"; readonly why: string };

export class Client {
  private readonly agent: Agent;
  private readonly timeoutMs: number;
  private readonly nodes: readonly string[];
  /** Where the next call goes first: the leader, as soon as a redirect named it. */
  private target: string;

  constructor(options: ClientOptions) {
    const [first] = options.nodes;
    if (first === undefined) throw new TypeError("nodes: expected at least one URL, got an empty list");
    for (const node of options.nodes) {
      if (!URL.canParse(node))
        throw new TypeError(`nodes: expected URLs such as http://127.0.0.1:8001/RPC2, got ${node}`);
    }
    this.nodes = options.nodes;
    this.target = first;
    this.timeoutMs = options.timeoutMs ?? defaults.timeoutMs;
    this.agent = new Agent({ connections: options.connections ?? defaults.connections, pipelining: 1 });
  }

  /**
   * Calls `method`. Rejects with `Fault` (the server's answer), `NotExecutedError` or `OutcomeUnknownError`.
   * A call that was surely not executed is tried again, at other nodes too, until the deadline.
   */
  async call(method: string, params: readonly Value[] = [], options: CallOptions = {}): Promise<Value> {
    const body = encodeCall(method, [...params]);
    const deadline = AbortSignal.timeout(options.timeoutMs ?? this.timeoutMs);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    let redirects = 0;
    let failures = 0;
    for (;;) {
      const attempt = await this.attempt(this.target, body, signal);
      if (attempt.kind === "value") return attempt.value;
      if (attempt.kind === "redirect" && redirects < redirectsMax) {
        redirects++;
        this.target = attempt.url;
        continue;
      }
      redirects = 0;
      this.target = this.nodeAfter(this.target);
      // The first round over all nodes goes at once; then the cluster gets time to elect.
      if (++failures >= this.nodes.length) await pause(failures - this.nodes.length, signal);
      if (signal.aborted) {
        const why = attempt.kind === "notExecuted" ? attempt.why : "too many redirects";
        throw new NotExecutedError(`${method} was not executed: ${why}`);
      }
    }
  }

  /** Closes the kept connections; calls under way finish. */
  async close(): Promise<void> {
    await this.agent.close();
  }

  private nodeAfter(url: string): string {
    const host = new URL(url).host;
    const index = this.nodes.findIndex((node) => new URL(node).host === host);
    return this.nodes[(index + 1) % this.nodes.length] ?? this.target;
  }

  private async attempt(url: string, body: Uint8Array, signal: AbortSignal): Promise<Attempt> {
    let response: Dispatcher.ResponseData;
    try {
      response = await request(url, {
        method: "POST",
        body,
        headers: {
          "content-type": "text/xml; charset=utf-8",
          "user-agent": "quorate-client",
          "quorate-route": "redirect",
        },
        dispatcher: this.agent,
        signal,
      });
    } catch (error) {
      if (neverSent(error)) return { kind: "notExecuted", why: `${url}: ${messageOf(error)}` };
      throw new OutcomeUnknownError(`${url}: ${messageOf(error)}; the call may have been executed`, {
        cause: error,
      });
    }
    const bytes = await readBody(response, url);
    const location = response.headers.location;
    if (response.statusCode === 307 && typeof location === "string")
      return { kind: "redirect", url: location };
    if (response.statusCode === 200 || response.statusCode === 503) return readAnswer(bytes, url);
    throw new NotExecutedError(`${url} answered HTTP ${response.statusCode}; is it a Quorate node?`);
  }
}

async function readBody(response: Dispatcher.ResponseData, url: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.body.arrayBuffer());
  } catch (error) {
    throw new OutcomeUnknownError(`${url}: the answer was cut off: ${messageOf(error)}`, { cause: error });
  }
}

function readAnswer(bytes: Uint8Array, url: string): Attempt {
  const answer = decodeResponse(bytes);
  if (!(answer instanceof Fault)) return { kind: "value", value: answer };
  if (answer.faultCode === faultCodes.noLeader || answer.faultCode === faultCodes.overloaded) {
    return { kind: "notExecuted", why: `${url}: ${answer.faultString}` };
  }
  if (answer.faultCode === faultCodes.outcomeUnknown)
    throw new OutcomeUnknownError(answer.faultString, { cause: answer });
  throw answer;
}

/** No connection was made, so no byte of the call left. */
function neverSent(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return [
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "UND_ERR_CONNECT_TIMEOUT",
  ].includes(String(code));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Exponential back-off with full jitter; ends early when the deadline passes. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const limit = Math.min(retryPauseMsMax, retryPauseMsMin * 2 ** Math.min(failures, 10));
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, Math.random() * limit);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
