/** What processes spend while they are measured: processor time and memory, from /proc (Linux; nothing elsewhere). */
import { readFileSync } from "node:fs";

/** Linux counts in these units on every architecture that Node runs on (`getconf CLK_TCK`). */
const ticksPerSecond = 100;
const pageBytes = 4096;
const sampleMs = 250;

export interface ProcessUsage {
  readonly cpuMs: number;
  /** Resident memory in MiB. */
  readonly rssStartMiB: number;
  readonly rssEndMiB: number;
  readonly rssMaxMiB: number;
}

interface Sample {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

/** Undefined where there is no /proc, or no such process any more. */
function sample(pid: number): Sample | undefined {
  try {
    // The command's name, in parentheses, may hold anything: fields are counted after it (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    const cpuMs = ((Number(stat[11]) + Number(stat[12])) * 1000) / ticksPerSecond;
    return { cpuMs, rssMiB: (Number(stat[21]) * pageBytes) / 1024 ** 2 };
  } catch {
    return undefined;
  }
}

/** Watches processes by name from its start to `stop`. */
export class UsageWatch {
  readonly #start = new Map<string, Sample>();
  readonly #max = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly pids: ReadonlyMap<string, number>) {
    this.#observe();
    this.#timer = setInterval(() => this.#observe(), sampleMs);
  }

  stop(): ReadonlyMap<string, ProcessUsage> {
    clearInterval(this.#timer);
    this.#observe();
    const usage = new Map<string, ProcessUsage>();
    for (const [name, pid] of this.pids) {
      const start = this.#start.get(name);
      const end = sample(pid);
      if (start === undefined || end === undefined) continue;
      usage.set(name, {
        cpuMs: end.cpuMs - start.cpuMs,
        rssStartMiB: start.rssMiB,
        rssEndMiB: end.rssMiB,
        rssMaxMiB: this.#max.get(name) ?? end.rssMiB,
      });
    }
    return usage;
  }

  #observe(): void {
    for (const [name, pid] of this.pids) {
      const now = sample(pid);
      if (now === undefined) continue;
      if (!this.#start.has(name)) this.#start.set(name, now);
      this.#max.set(name, Math.max(this.#max.get(name) ?? 0, now.rssMiB));
    }
  }
}
