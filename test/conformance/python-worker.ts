import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../support/project-root.js";
import type { Tagged } from "./tagged.js";

export interface PythonCall {
  readonly method: string | null;
  readonly params: Tagged[];
}

/** One Python process that answers questions about documents, in the order they are asked. */
export class PythonWorker implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  #complaints = "";

  constructor() {
    const script = join(projectRoot, "test/conformance/worker.py"); // also from compiled copies of this file
    this.#process = spawn("python3", [script]);
    createInterface({ input: this.#process.stdout }).on("line", (line) =>
      this.#waiting.shift()?.resolve(line),
    );
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#complaints += chunk.toString("utf8");
    });
    this.#process.on("exit", (code) => {
      const error = new Error(`the Python worker ended with ${code}: ${this.#complaints}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** What `xmlrpc.client` reads from a document; an error text when it refuses. */
  async decode(document: string): Promise<PythonCall | { readonly error: string }> {
    return (await this.#ask({ decode: document })) as PythonCall | { error: string };
  }

  /** The `methodCall` that `xmlrpc.client` writes for these parameters. */
  async encode(params: Tagged[]): Promise<string> {
    return ((await this.#ask({ encode: params })) as { document: string }).document;
  }

  /**
   * Whether expat accepts a document, and its complaint otherwise. As bytes, which are the text in UTF-8, the encoding that
   * it declares counts.
   */
  async wellFormed(
    document: string,
    as: "text" | "bytes" = "text",
  ): Promise<{ readonly wellFormed: boolean; readonly error?: string }> {
    return (await this.#ask({ wellFormed: document, as })) as { wellFormed: boolean; error?: string };
  }

  async #ask(request: object): Promise<unknown> {
    const line = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.stdin.end();
    await ended;
  }
}
