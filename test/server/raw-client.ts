/** HTTP byte by byte, right or wrong. */
import { connect, type Socket } from "node:net";
import { decodeResponse, encodeCall, type Fault, type Value } from "@quorate/protocol";
import { expect } from "vitest";

export interface Response {
  readonly status: number;
  readonly version: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A client that frames by Content-Length alone, as the oldest XML-RPC clients do. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** The connection is closed, from whichever side. */
  readonly ended: Promise<void>;
  #received = "";
  #wake: () => void = () => undefined;

  constructor(url: string) {
    const { port } = new URL(url);
    this.socket = connect(Number(port), "127.0.0.1");
    this.socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      this.#wake();
    });
    // A connection that breaks is closed, too; who still waits for an answer hears of it.
    this.socket.on("error", (error) => {
      this.#received += `[${error.message}]`;
    });
    this.ended = new Promise<void>((resolve) => this.socket.once("close", () => resolve())).then(() =>
      this.#wake(),
    );
  }

  send(...parts: (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** The next response. Its length must be told; to HEAD it is told without a body. */
  async response(toHead = false): Promise<Response> {
    const head = await this.#take(() => {
      const end = this.#received.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    });
    const [statusLine = "", ...lines] = head.trimEnd().split("\r\n");
    const headers = new Map(
      lines.map((line) => {
        const [name = "", value = ""] = line.split(/: (.*)/s);
        return [name.toLowerCase(), value] as const;
      }),
    );
    const length = Number(headers.get("content-length"));
    expect(Number.isInteger(length), `Content-Length in\n${head}`).toBe(true);
    const body = toHead ? "" : await this.text(length);
    const [version = "", status = ""] = statusLine.split(" ");
    return { status: Number(status), version, headers, body };
  }

  /** What came and was not taken yet. */
  get rest(): string {
    return this.#received;
  }

  text(length: number): Promise<string> {
    return this.#take(() => (this.#received.length < length ? undefined : length));
  }

  async #take(enough: () => number | undefined): Promise<string> {
    for (;;) {
      const length = enough();
      if (length !== undefined) {
        const taken = this.#received.slice(0, length);
        this.#received = this.#received.slice(length);
        return taken;
      }
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export const count: Uint8Array = encodeCall("kv.count", []);

/** The head of a request, with what every request needs. */
export function head(line: string, fields: Readonly<Record<string, string | number>>): string {
  const all = Object.entries({ Host: "node", "Content-Type": "text/xml", ...fields });
  return `${line}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** The head of a call of `count`. */
export const call = (path = "/RPC2"): string =>
  head(`POST ${path} HTTP/1.1`, { "Content-Length": count.length });

export const resultOf = ({ body }: Response): Value | Fault => decodeResponse(Buffer.from(body, "latin1"));
