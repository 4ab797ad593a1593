/**
 * A client that keeps one connection to one node and calls without a pause, as a worker process does. It
 * goes to the next node only when a connection is refused, as a client with several addresses or a load
 * balancer does; anything else that is not a result is an error that its user would see.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { decodeResponse, encodeCall, Fault, type Value } from "@quorate/protocol";

export interface SteadyClientOptions {
  readonly name: string;
  /** Base URLs; the client starts at the first one. */
  readonly urls: readonly string[];
  /** Decides whether a node that does not lead forwards or redirects. */
  readonly userAgent: string;
}

interface Response {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

/** A call may wait that long for its answer: longer than a node lets it. */
const timeoutMs = 20_000;
const redirectsMax = 1;

export class SteadyClient {
  /** What the cluster said yes to, by key. */
  readonly acknowledged = new Map<string, string>();
  /** What its user would have seen; empty when all is well. */
  readonly failures: string[] = [];
  redirects = 0;
  refusals = 0;
  readonly #options: SteadyClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #done: Promise<void>;
  #at = 0;
  #stopped = false;

  constructor(options: SteadyClientOptions) {
    this.#options = options;
    this.#done = this.#work();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#agent.destroy();
  }

  /** Writes a new key, then reads it back: the answer must be what was written. */
  async #work(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const key = `w${this.#options.name}/${count}`;
      const text = `value of ${key}`;
      if ((await this.#try("kv.set", [key, text])) !== true) continue;
      this.acknowledged.set(key, text);
      const found = await this.#try("kv.get", [key]);
      if (found !== undefined && found !== text) this.failures.push(`${key} was read as ${String(found)}`);
    }
  }

  async #try(method: string, params: readonly Value[]): Promise<Value | undefined> {
    try {
      return await this.#call(encodeCall(method, [...params]));
    } catch (error) {
      const { urls } = this.#options;
      this.failures.push(`${method} ${String(params[0])} at ${urls[this.#at]}: ${String(error)}`);
      return undefined;
    }
  }

  /** Ends only with an answer of a node, or with an error. */
  async #call(body: Uint8Array): Promise<Value> {
    const { urls } = this.#options;
    for (let refused = 0; refused <= urls.length; refused++) {
      try {
        return await this.#follow(`${urls[this.#at]}/RPC2`, body);
      } catch (error) {
        if (!isRefused(error)) throw error;
        this.refusals++;
        this.#at = (this.#at + 1) % urls.length;
      }
    }
    throw new Error("every node refuses connections");
  }

  async #follow(from: string, body: Uint8Array): Promise<Value> {
    let url = from;
    for (let redirects = 0; ; redirects++) {
      const { status, location, body: answer } = await this.#post(url, body);
      if (status === 307 && location !== undefined && redirects < redirectsMax) {
        this.redirects++;
        url = location;
        continue;
      }
      const text = new TextDecoder().decode(answer);
      if (status !== 200) throw new Error(`HTTP ${status}: ${text}`);
      const result = decodeResponse(answer);
      if (result instanceof Fault) throw result;
      return result;
    }
  }

  #post(url: string, body: Uint8Array): Promise<Response> {
    return new Promise((resolve, reject) => {
      const headers = {
        "content-type": "text/xml",
        "content-length": body.length,
        "user-agent": this.#options.userAgent,
      };
      const sent = request(url, { method: "POST", agent: this.#agent, headers, timeout: timeoutMs });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      sent.on("error", reject);
      sent.on("response", (response) => collect(response).then(resolve, reject));
      sent.end(body);
    });
  }
}

async function collect(response: IncomingMessage): Promise<Response> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    body: Buffer.concat(chunks),
  };
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}
