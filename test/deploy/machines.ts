/**
 * Machines for a test, each with its own network, name and file system: namespaces of this one, over a copy-on-write
 * view of its files. Everything that a machine writes is its own and gone when it is closed, wherever it writes.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../cluster/cluster.js";

const run = promisify(execFile);
/** A bound for waiting, not an expectation: a page's loop that waits for something broken would not end. */
const scriptTimeoutMs = 120_000;
const outputMax = 256 * 1024 * 1024;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Mounts live in the machine's own mount namespace, so they end with its last process. */
const birth = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for part in proc sys dev; do mount --rbind "/$part" "$1/root/$part"; done
mount -t tmpfs tmpfs "$1/root/run"
hostname "$2"
echo born
exec chroot "$1/root" sleep infinity
`;

export interface MachineOptions {
  readonly name: string;
  /** Address and prefix length on the switch; null: the network of this machine. */
  readonly address: string | null;
}

export class Machine {
  private constructor(
    readonly name: string,
    readonly address: string | null,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start({ name, address }: MachineOptions): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), `quorate-machine-${name}-`));
    const namespaces = ["--mount", "--uts", ...(address === null ? [] : ["--net"])];
    // It ends with this process, whatever becomes of that.
    const child = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", ...namespaces, "sh", "-c", birth, "sh", folder, name],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (said += String(text)));
    await until(`machine ${name} to begin`, async () => {
      if (child.exitCode !== null) throw new Error(`machine ${name} could not be made: ${said}`);
      return said.includes("born\n") ? true : undefined;
    });
    return new Machine(name, address?.split("/")[0] ?? null, folder, child);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Arguments that run a command on this machine. */
  enter(...command: readonly string[]): string[] {
    const spaces = this.address === null ? [] : ["--net"];
    return [
      "nsenter",
      `--target=${this.pid}`,
      "--mount",
      "--uts",
      ...spaces,
      "--root",
      "--wdns=/root",
      ...command,
    ];
  }

  /** Runs a shell script as root in /root; `directory` may be another one. */
  async sh(script: string, directory = "/root"): Promise<Outcome> {
    const [program = "", ...args] = this.enter("sh", "-euc", `cd "$1"\n${script}`, "sh", directory);
    try {
      const { stdout, stderr } = await run(program, args, {
        maxBuffer: outputMax,
        timeout: scriptTimeoutMs,
        env: { PATH: process.env.PATH, HOME: "/root", LANG: "C.UTF-8" },
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const {
        code,
        stdout = "",
        stderr = "",
      } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code === "number") return { code, stdout, stderr };
      throw new Error(`on ${this.name}: ${script}\n${stdout}${stderr}`, { cause: error });
    }
  }

  /** As `sh`; fails unless the script ends with 0. */
  async must(script: string, directory?: string): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script, directory);
    if (code !== 0) throw new Error(`on ${this.name}, exit code ${code}:\n${script}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a long-running command on this machine. */
  spawn(command: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
    const [program = "", ...args] = this.enter(...command);
    return spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, ...environment },
    });
  }

  async write(path: string, content: string | Uint8Array, mode = "0644"): Promise<void> {
    const script = 'umask 077; mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"';
    const [program = "", ...args] = this.enter("sh", "-euc", script, "sh", path, mode);
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin?.end(content);
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`${this.name}: cannot write ${path}`);
  }

  /** Another machine's file, as `scp -p` would bring it. */
  async copyFrom(other: Machine, path: string, target = path): Promise<void> {
    const content = Buffer.from(await other.must(`base64 "${path}"`), "base64");
    await this.write(target, content, (await other.must(`stat -c %a "${path}"`)).trim());
  }

  async close(): Promise<void> {
    const exited = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await exited;
    // Nothing was written to it: it was only mounted upon, elsewhere.
    rmdirSync(this.folder);
  }
}

/** Machines on one switch that nothing else is connected to. */
export class Network implements AsyncDisposable {
  readonly #machines = new Map<string, Machine>();

  private constructor(private readonly hub: Machine) {}

  static async start(addresses: Readonly<Record<string, string>>): Promise<Network> {
    const hub = await Machine.start({ name: "switch", address: "0.0.0.0" });
    const network = new Network(hub);
    try {
      await hub.must("ip link add name br0 type bridge && ip link set br0 up");
      for (const [name, address] of Object.entries(addresses)) await network.#connect(name, address);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #connect(name: string, address: string): Promise<void> {
    const machine = await Machine.start({ name, address });
    this.#machines.set(name, machine);
    // Namespaces are found through the machine's process.
    await this.hub.must(`
      ip link add port-${name} type veth peer name eth0 netns ${machine.pid}
      ip link set port-${name} master br0 up`);
    await machine.must(`ip link set lo up && ip address add ${address} dev eth0 && ip link set eth0 up`);
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.#machines.values()) await machine.close();
    await this.hub.close();
  }
}

/** Whether this process may make machines; one clear line, or with CI=true an error, when it may not. */
export function requireMachines(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "quorate-machine-probe-"));
  const command = [
    "--mount",
    "--uts",
    "--net",
    "sh",
    "-c",
    birth.replace("exec chroot", "true"),
    "sh",
    probe,
    "x",
  ];
  const { status, stderr } = spawnSync("unshare", command, { encoding: "utf8" });
  rmdirSync(probe);
  if (status === 0 && existsSync("/proc/self/ns/net")) return true;
  const message = `network namespaces and overlay mounts need root on Linux: ${stderr?.trim()}`;
  if (process.env.CI === "true") throw new Error(`${message} (with CI=true no test may be skipped)`);
  process.stderr.write(`SKIPPED: ${message}\n`);
  return false;
}
