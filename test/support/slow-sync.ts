/** Disks that take longer to promise durability: every fdatasync and fsync of a program is held back. Linux only. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "./project-root.js";

export class SlowSync implements Disposable {
  private constructor(
    private readonly folder: string,
    private readonly delayMs: number,
  ) {}

  /**
   * Compiles `slow-sync.c` with the system's C compiler (`requireProgram("cc", "build-essential")` asks for it).
   *
   * @throws Error with what the compiler or the kernel said
   */
  static compile(delayMs: number): SlowSync {
    const slow = new SlowSync(mkdtempSync(join(tmpdir(), "quorate-slow-sync-")), delayMs);
    const source = join(projectRoot, "test/support/slow-sync.c");
    run(["cc", "-O2", "-Wall", "-o", slow.#program, source]);
    // A container may forbid the filter: better said here than by a node that does not start.
    run([...slow.wrapper("probe"), "true"]);
    return slow;
  }

  /** To be put before a command and its arguments; `name` is what `count` asks for. */
  wrapper(name: string): readonly string[] {
    return [this.#program, String(this.delayMs * 1000), this.#countFile(name)];
  }

  /** How many calls of that command were held back. */
  count(name: string): number {
    return Number(readFileSync(this.#countFile(name)).readBigUInt64LE());
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #program(): string {
    return join(this.folder, "slow-sync");
  }

  #countFile(name: string): string {
    return join(this.folder, `${name}.count`);
  }
}

function run([program = "", ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.toString()}`, { cause: error });
}
