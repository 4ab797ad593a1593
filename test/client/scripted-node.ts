/** A server on loopback that answers each call as the test says, down to the socket. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Call, decodeCall, encodeFault, encodeResponse, Fault, type Value } from "@quorate/protocol";

export interface Request extends Call {
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
}

export type Script = (request: Request, response: ServerResponse, count: number) => void;

export class ScriptedNode implements AsyncDisposable {
  readonly requests: Request[] = [];
  /** Connections ever made, and those that are there. */
  connections = 0;
  open = 0;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(script: Script): Promise<ScriptedNode> {
    const server = createServer();
    const node = new ScriptedNode(server);
    server.on("connection", (socket) => {
      node.connections += 1;
      node.open += 1;
      socket.on("close", () => {
        node.open -= 1;
        for (const check of node.#waiting) check();
      });
    });
    server.on("request", async (message, response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of message) chunks.push(chunk);
      const request = {
        ...decodeCall(Buffer.concat(chunks)),
        headers: message.headers,
        url: message.url ?? "",
      };
      node.requests.push(request);
      for (const check of node.#waiting) check();
      script(request, response, node.requests.length);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return node;
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  get url(): string {
    return `${this.origin}/RPC2`;
  }

  /** Resolves once so many calls have come. */
  received(count: number): Promise<void> {
    return this.#until(() => this.requests.length >= count);
  }

  allClosed(): Promise<void> {
    return this.#until(() => this.open === 0);
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!isSo()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

const xml = { "content-type": "text/xml; charset=utf-8" };

export const answers =
  (result: Value | Fault, headers: Record<string, string> = {}, status = 200): Script =>
  (_, response) => {
    const body = result instanceof Fault ? encodeFault(result) : encodeResponse(result);
    response.writeHead(status, { ...xml, "content-length": body.length, ...headers }).end(body);
  };

export const text =
  (status: number, body: string, headers: Record<string, string> = {}): Script =>
  (_, response) => {
    response.writeHead(status, { "content-type": "text/html", ...headers }).end(body);
  };

export const redirects =
  (location: () => string): Script =>
  (_, response) => {
    response
      .writeHead(307, { ...xml, location: location() })
      .end(encodeFault(new Fault(-32001, "elsewhere")));
  };

/** Takes the call and says nothing. */
export const hangs: Script = () => undefined;

/** Takes the call and breaks the connection. */
export const breaks: Script = (_, response) => {
  response.socket?.resetAndDestroy();
};

/** One script per call, the last one for all that follow. */
export const inTurn =
  (...scripts: readonly Script[]): Script =>
  (request, response, count) => {
    scripts[Math.min(count, scripts.length) - 1]?.(request, response, count);
  };
