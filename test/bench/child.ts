/** Programs that a benchmark starts and ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectRoot } from "../support/project-root.js";

/** A program of this folder as it was built, also when a test runs the sources. */
export const programFile = (name: string): string => join(projectRoot, "test/dist/test/bench", name);

export class Child implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  /** Output goes to the terminal's standard error, except what `firstLine` reads. */
  static start(command: readonly string[], options: { log?: number; env?: NodeJS.ProcessEnv } = {}): Child {
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", options.log ?? "inherit"],
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    return new Child(child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** @throws Error when the program ends without one */
  async firstLine(): Promise<string> {
    let text = "";
    for await (const chunk of this.child.stdout ?? []) {
      text += String(chunk);
      const end = text.indexOf("\n");
      if (end >= 0) return text.slice(0, end);
    }
    throw new Error(`${this.child.spawnfile} ended without a word`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }
}
