/**
 * Runs this program once more, in namespaces of its own: network, mounts and processes. Whatever the run
 * makes there (bridge, links, file systems, processes) is gone the moment its first process ends, however that
 * came, and nothing of it is ever seen outside.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { isInstalled } from "../support/system.js";
import { command } from "./command.js";

const mark = "QUORATE_CHAOS_FOLDER";
const unshare: readonly string[] = [
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
];

/** What the faults are made with, and the Debian package of each. */
export const programs: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  prlimit: "util-linux",
  ip: "iproute2",
  nft: "nftables",
  cc: "build-essential",
  faketime: "faketime",
};

/** The folder of this run, when this process is the one inside; else undefined. */
export function folderInside(): string | undefined {
  return process.env[mark];
}

/** What is in the way of a run, in sentences; empty when nothing is. */
export function obstacles(): readonly string[] {
  const missing = Object.entries(programs).filter(([program]) => !isInstalled(program));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
    return [
      `${missing.map(([program]) => program).join(", ")} not installed: apt-get install -y ${packages}`,
    ];
  }
  const tried = spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "none", "/run"]);
  if (tried.status === 0) return [];
  return [
    "the faults need network and mount namespaces, which this machine does not give to this user " +
      `(${tried.stderr.toString().trim()}): run it as root, in a container with --privileged`,
  ];
}

/** Runs the same command line inside; resolves with its exit code. */
export async function runInside(folder: string): Promise<number> {
  const child = spawn(
    "unshare",
    [...unshare, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    {
      // The channel tells the one inside when this process is gone.
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, [mark]: folder },
    },
  );
  const end = () => child.kill("SIGKILL");
  // Ctrl-C reaches the whole group: the one inside decides, and this process waits for it.
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  process.on("SIGTERM", end);
  process.on("SIGHUP", end);
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/** Inside: a place for names of network namespaces and shared memory that nobody else sees. */
export async function furnish(): Promise<void> {
  process.on("disconnect", () => process.exit(1));
  for (const place of ["/run", "/dev/shm"]) await command("mount", ["-t", "tmpfs", "none", place]);
  mkdirSync("/run/netns");
}
