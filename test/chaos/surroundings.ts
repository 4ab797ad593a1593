/** Libraries that make a node's disk slow and its clock wrong while it runs, each told so by a file. */
import { renameSync, statfsSync, writeFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { clockFrom, faketimeLibrary, setClock } from "../support/faketime.js";
import { projectRoot } from "../support/project-root.js";
import { command } from "./command.js";

const diskBytes = 256 * 1024 * 1024;
const chunk = new Uint8Array(1024 * 1024);

/** Disk and clock of each node; both are sound at first. */
export class NodeSurroundings {
  readonly #folder: string;
  readonly #libraries: readonly string[];

  private constructor(folder: string, libraries: readonly string[]) {
    this.#folder = folder;
    this.#libraries = libraries;
  }

  /** Compiles what is preloaded; gives each node a small file system of its own, where its data directory will be. */
  static async create(folder: string, ids: readonly string[]): Promise<NodeSurroundings> {
    const slowDisk = join(folder, "slow-disk.so");
    const source = join(projectRoot, "test/chaos/slow-disk.c");
    await command("cc", ["-shared", "-fPIC", "-O2", "-Wall", "-o", slowDisk, source, "-ldl"]);
    const surroundings = new NodeSurroundings(folder, [faketimeLibrary(), slowDisk]);
    for (const id of ids) {
      const disk = surroundings.#disk(id);
      await command("mkdir", ["-m", "700", disk]);
      await command("mount", ["-t", "tmpfs", "-o", `size=${diskBytes},mode=700`, "none", disk]);
      surroundings.shiftClock(id, 0);
      surroundings.slowDisk(id, 0);
    }
    return surroundings;
  }

  /** In front of a command: runs it with this node's disk and clock. */
  inside(id: string): readonly string[] {
    return [
      "env",
      `LD_PRELOAD=${this.#libraries.join(":")}`,
      `SLOW_DISK_FILE=${this.#delayFile(id)}`,
      ...clockFrom(this.#clockFile(id)),
    ];
  }

  /** How far the wall clock is off; the monotonic one goes on. */
  shiftClock(id: string, seconds: number): void {
    setClock(this.#clockFile(id), seconds);
  }

  /** How much longer each sync takes, those that wait already included. */
  slowDisk(id: string, ms: number): void {
    replaceFile(this.#delayFile(id), `${ms}\n`);
  }

  /** Fills the node's file system to its last byte. */
  async fillDisk(id: string): Promise<void> {
    const file = await open(this.#ballast(id), "w");
    try {
      for (;;) await file.write(chunk);
    } catch (error) {
      const { bavail } = statfsSync(this.#disk(id));
      if (bavail > 0) throw error;
    } finally {
      await file.close();
    }
  }

  async freeDisk(id: string): Promise<void> {
    await rm(this.#ballast(id), { force: true });
  }

  #disk(id: string): string {
    return join(this.#folder, id);
  }

  #ballast(id: string): string {
    return join(this.#disk(id), "ballast");
  }

  #clockFile(id: string): string {
    return join(this.#folder, `${id}.clock`);
  }

  #delayFile(id: string): string {
    return join(this.#folder, `${id}.delay`);
  }
}

/** A reader finds the old text or the new one, never half of it. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
