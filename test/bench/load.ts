/**
 * A closed-loop load generator: each connection sends its next request when the answer to the last one is
 * there. Plain sockets and prepared bytes, so that the generator takes as little of the machine as it can.
 */
import { createConnection, type Socket } from "node:net";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Body of the n-th request. */
  readonly body: (count: number) => string;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Answers that were no HTTP 200 with a value: a figure with errors is worth nothing. */
  readonly errors: number;
}

export async function closedLoop(options: LoadOptions): Promise<LoadResult> {
  const run = new Run(options);
  const connections = Array.from({ length: options.connections }, () => connectionLoop(run));
  await Promise.all(connections);
  return run.result();
}

class Run {
  readonly target: URL;
  private count = 0;
  private answered = 0;
  private errors = 0;
  private readonly measureFrom: number;
  readonly end: number;
  private readonly histogram: RecordableHistogram = createHistogram();

  constructor(private readonly options: LoadOptions) {
    this.target = new URL(options.url);
    this.measureFrom = performance.now() + options.warmUpMs;
    this.end = this.measureFrom + options.measureMs;
  }

  nextRequest(): Buffer {
    const body = Buffer.from(this.options.body(this.count++));
    const head =
      `POST ${this.target.pathname}${this.target.search} HTTP/1.1\r\nHost: ${this.target.host}\r\n` +
      `User-Agent: quorate-bench\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }

  record(sentAt: number, good: boolean): void {
    const now = performance.now();
    if (!good) this.errors++;
    if (sentAt < this.measureFrom || now > this.end) return;
    this.answered++;
    this.histogram.record(Math.max(1, Math.round((now - sentAt) * 1000)));
  }

  result(): LoadResult {
    const percentile = (p: number) => this.histogram.percentile(p) / 1000;
    return {
      requestsPerSecond: this.answered / (this.options.measureMs / 1000),
      p50Ms: percentile(50),
      p99Ms: percentile(99),
      p999Ms: percentile(99.9),
      errors: this.errors,
    };
  }
}

function connectionLoop(run: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = createConnection(Number(run.target.port), run.target.hostname);
    socket.setNoDelay(true);
    let sentAt = 0;
    let received: Buffer = Buffer.alloc(0);
    const send = () => {
      if (performance.now() > run.end) {
        socket.end();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write(run.nextRequest());
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = received.toString("latin1", 0, headEnd).toLowerCase();
      const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1]);
      if (received.length < headEnd + 4 + length) return;
      const body = received.toString("latin1", headEnd + 4, headEnd + 4 + length);
      received = Buffer.alloc(0);
      run.record(sentAt, head.startsWith("http/1.1 200") && !body.includes("<fault>"));
      send();
    });
  });
}
