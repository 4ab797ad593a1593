/** Runs a unit file on a machine as systemd would: its user, files and restarts. Limits and sandbox are systemd's. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { until } from "../cluster/cluster.js";
import type { Machine } from "./machines.js";

/** Stands for the user that `DynamicUser=` makes. */
const uid = "10001";
const credentials = "/run/credentials/quorate.service";

export class Unit {
  #child: ChildProcess | null = null;
  #wanted = false;
  #starting: Promise<void> = Promise.resolve();
  output = "";

  private constructor(
    private readonly machine: Machine,
    private readonly settings: ReadonlyMap<string, readonly string[]>,
  ) {}

  /** From the file as it was installed there. */
  static async installed(machine: Machine): Promise<Unit> {
    const text = await machine.must("cat /etc/systemd/system/quorate.service");
    const settings = new Map<string, string[]>();
    for (const line of text.split("\n")) {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key !== undefined) settings.set(key, [...(settings.get(key) ?? []), value ?? ""]);
    }
    return new Unit(machine, settings);
  }

  #all(key: string): readonly string[] {
    return this.settings.get(key) ?? [];
  }

  #one(key: string): string {
    const [value, ...more] = this.#all(key);
    if (value === undefined || more.length > 0) throw new Error(`the unit must say ${key} once`);
    return value;
  }

  /** Of the node itself: everything before it has handed its process on. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#wanted = true;
    const user = this.#one("DynamicUser") === "yes" ? uid : "0";
    const state = `/var/lib/${this.#one("StateDirectory")}`;
    const environment: Record<string, string> = {};
    const assign = (line: string) => {
      const [name = "", ...value] = line.replaceAll("%d", credentials).split("=");
      environment[name] = value.join("=");
    };
    for (const file of this.#all("EnvironmentFile")) {
      const lines = (await this.machine.must(`cat "${file}"`)).split("\n");
      for (const line of lines) if (/^\w+=/.test(line)) assign(line);
    }
    for (const line of this.#all("Environment")) assign(line);
    await this.machine.must(`
      install -d -m ${this.#one("StateDirectoryMode")} -o ${user} -g ${user} "${state}"
      install -d -m 0500 -o ${user} -g ${user} "${credentials}"`);
    for (const credential of this.#all("LoadCredential")) {
      const [name, path] = credential.split(":");
      await this.machine.must(`install -m 0400 -o ${user} -g ${user} "${path}" "${credentials}/${name}"`);
    }
    const command = this.#one("ExecStart").split(" ");
    const child = this.machine.spawn(
      [
        ...["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"],
        ...["--no-new-privs", "--bounding-set=-all", "--pdeathsig=KILL", ...command],
      ],
      environment,
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text) => (this.output += String(text)));
    }
    child.on("exit", (code) => {
      const prevented = this.#all("RestartPreventExitStatus").includes(String(code));
      if (this.#wanted && !prevented && this.#one("Restart") === "always") {
        setTimeout(
          () => {
            if (this.#wanted) this.#starting = this.start();
          },
          Number(this.#one("RestartSec")) * 1000,
        );
      }
    });
    this.#child = child;
  }

  /** By SIGTERM, within the unit's own time. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#starting;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    const deadline = setTimeout(() => child.kill("SIGKILL"), Number(this.#one("TimeoutStopSec")) * 1000);
    child.kill("SIGTERM");
    const [code] = await exited;
    clearTimeout(deadline);
    if (code !== 0) throw new Error(`${this.machine.name}: stopping ended with ${code}:\n${this.tail()}`);
  }

  /** As a power failure would, without a restart. */
  async kill(): Promise<void> {
    this.#wanted = false;
    await this.crash();
  }

  /** The process alone: the unit's `Restart=` says what follows. */
  async crash(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async restarted(): Promise<void> {
    const before = this.#child;
    await until("the unit to be started again", async () =>
      this.#child !== before && this.#child?.exitCode === null ? true : undefined,
    );
  }

  tail(): string {
    return this.output.split("\n").slice(-15).join("\n");
  }
}
