/** Answers on one connection, one at a time: just as much of HTTP/1.1 as servers of short documents use. */

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** The server takes further requests on this connection. */
  readonly keepAlive: boolean;
  readonly location: string | undefined;
}

/** What came is no answer that can be read. */
export class UnreadableAnswer extends Error {
  override readonly name = "UnreadableAnswer";
}

const headBytesMax = 64 * 1024;
const bodyBytesMax = 64 * 1024 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

interface Head {
  readonly bytes: number;
  readonly status: number;
  /** Undefined: the body ends with the connection. */
  readonly length: number | undefined;
  readonly keepAlive: boolean;
  readonly location: string | undefined;
}

export class AnswerReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: Head | undefined;

  /** @throws UnreadableAnswer */
  push(chunk: Buffer): HttpAnswer | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#head ??= this.#readHead();
    const head = this.#head;
    if (head === undefined) return undefined;
    if (this.#bytes - head.bytes > bodyBytesMax) throw new UnreadableAnswer("the body is over 64 MiB");
    if (head.length === undefined || this.#bytes < head.bytes + head.length) return undefined;
    return this.#take(head, head.bytes + head.length);
  }

  /** The server has closed the connection; undefined unless that is how its answer ends. */
  end(): HttpAnswer | undefined {
    const head = this.#head;
    if (head === undefined || head.length !== undefined) return undefined;
    return this.#take(head, this.#bytes);
  }

  /** Forgets what was read, for a new connection. */
  reset(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#head = undefined;
  }

  #readHead(): Head | undefined {
    const bytes = this.#joined();
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      if (bytes.length > headBytesMax) throw new UnreadableAnswer("the head is over 64 KiB");
      return undefined;
    }
    return parseHead(bytes.toString("latin1", 0, end + 2), end + headEnd.length);
  }

  #take(head: Head, end: number): HttpAnswer {
    if (this.#bytes > end) throw new UnreadableAnswer("more bytes came than were asked for");
    const body = this.#joined().subarray(head.bytes, end);
    this.reset();
    return { status: head.status, body, keepAlive: head.keepAlive, location: head.location };
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks.splice(0, this.#chunks.length, joined);
    return joined;
  }
}

function parseHead(text: string, bytes: number): Head {
  const status = /^HTTP\/1\.([01]) (\d{3})/.exec(text);
  if (status === null) throw new UnreadableAnswer("it is not HTTP/1");
  if (/\r\ntransfer-encoding:/i.test(text)) throw new UnreadableAnswer("its body comes in chunks");
  const length = /\r\ncontent-length: *(\d{1,15}) *\r\n/i.exec(text)?.[1];
  const closes =
    /\r\nconnection: *close/i.test(text) || (status[1] === "0" && !/\r\nconnection: *keep-alive/i.test(text));
  return {
    bytes,
    status: Number(status[2]),
    length: length === undefined ? undefined : Number(length),
    keepAlive: !closes && length !== undefined,
    location: /\r\nlocation: *([^\r]*)/i.exec(text)?.[1],
  };
}
