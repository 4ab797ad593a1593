/**
 * One client of a load: one keep-alive connection, one call at a time, prepared text on a plain socket, so that the
 * generator leaves the machine to what it measures. Follows redirects and stays where they lead, as a client does that
 * remembers the leader; after a failure it goes to the next of its URLs.
 */
import { createConnection, type Socket } from "node:net";
import { AnswerReader, type HttpAnswer } from "./answer-reader.js";
import type { Calls } from "./calls.js";
import type { Channel } from "./run-load.js";

export interface HttpConnectionOptions {
  /** Base URLs (`http:` only); the connection starts at the one of its number. */
  readonly urls: readonly URL[];
  readonly number: number;
  readonly calls: Calls;
  /** Silence after which a call counts as lost. */
  readonly timeoutMs: number;
}

const redirectsMax = 5;
/** After a connection that was refused: a loop must not spin on a closed port. */
const refusedPauseMs = 100;

export class HttpConnection implements Channel {
  readonly #reader = new AnswerReader();
  #target: URL;
  #turn: number;
  #socket: Socket | undefined;
  /** Of the call that waits for its answer. */
  #index = 0;
  #done: ((failure: string | undefined) => void) | undefined;
  #redirects = 0;
  #closed = false;

  constructor(private readonly options: HttpConnectionOptions) {
    this.#turn = options.number;
    this.#target = this.#seed();
  }

  call(index: number, done: (failure: string | undefined) => void): void {
    this.#index = index;
    this.#done = done;
    this.#redirects = 0;
    this.#send();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
    this.#settle("no answer in time");
  }

  #seed(): URL {
    const { urls } = this.options;
    const url = urls[this.#turn % urls.length];
    if (url === undefined) throw new RangeError("a load needs a URL");
    return url;
  }

  #send(): void {
    if (this.#socket === undefined) this.#connect();
    else this.#socket.write(this.#request(), "latin1");
  }

  #request(): string {
    const { kinds, kindOf } = this.options.calls;
    const kind = kinds[kindOf(this.#index)];
    if (kind === undefined) throw new RangeError(`call ${this.#index} is of no kind`);
    const body = kind.body(this.#index);
    return `POST ${kind.path} HTTP/1.1\r\nHost: ${this.#target.host}\r\nUser-Agent: quorate-bench\r\nContent-Type: ${kind.contentType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  #connect(): void {
    const { hostname, port } = this.#target;
    const socket = createConnection({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 80 : Number(port),
      noDelay: true,
    });
    this.#socket = socket;
    this.#reader.reset();
    let connected = false;
    socket.setTimeout(this.options.timeoutMs);
    socket.on("connect", () => {
      connected = true;
      if (this.#done !== undefined) socket.write(this.#request(), "latin1");
    });
    socket.on("data", (chunk: Buffer) => this.#read(socket, () => this.#reader.push(chunk)));
    socket.on("end", () => {
      this.#read(socket, () => this.#reader.end());
      this.#lose(socket, "connection lost");
    });
    // An idle connection may be silent for as long as it likes.
    socket.on("timeout", () => {
      if (this.#done !== undefined) this.#lose(socket, "no answer in time");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (connected) this.#lose(socket, "connection lost");
      else setTimeout(() => this.#lose(socket, error.code ?? error.message), refusedPauseMs);
    });
    socket.on("close", (failed) => {
      if (!failed) this.#lose(socket, "connection lost");
    });
  }

  #read(socket: Socket, answer: () => HttpAnswer | undefined): void {
    if (socket !== this.#socket) return;
    try {
      const complete = answer();
      if (complete !== undefined) this.#answered(complete);
    } catch (error) {
      this.#lose(socket, `unreadable answer: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #answered({ status, body, keepAlive, location }: HttpAnswer): void {
    if (!keepAlive) this.#drop();
    if (status === 307 && location !== undefined) {
      this.#redirect(location);
      return;
    }
    const { kinds, kindOf } = this.options.calls;
    const failure = kinds[kindOf(this.#index)]?.failureOf(status, body);
    if (failure !== undefined) this.#moveOn();
    this.#settle(failure);
  }

  #redirect(location: string): void {
    const url = URL.canParse(location) ? new URL(location) : undefined;
    if (url?.protocol !== "http:" || ++this.#redirects > redirectsMax) {
      this.#moveOn();
      this.#settle(url?.protocol === "http:" ? "redirected in circles" : "redirected to no http: URL");
      return;
    }
    if (url.host !== this.#target.host) this.#drop();
    this.#target = url;
    this.#send();
  }

  #lose(socket: Socket, failure: string): void {
    if (socket !== this.#socket) return;
    // A connection that ended between two calls is news only for the next one.
    const waiting = this.#done !== undefined;
    this.#drop();
    if (!waiting) return;
    this.#moveOn();
    this.#settle(failure);
  }

  /** The next call goes to the next of the URLs. */
  #moveOn(): void {
    this.#turn++;
    const next = this.#seed();
    if (next.host !== this.#target.host) this.#drop();
    this.#target = next;
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #settle(failure: string | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    if (this.#closed) this.#drop();
    done?.(failure);
  }
}
