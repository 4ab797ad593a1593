import { spawnSync } from "node:child_process";

/** What was already reported, so that a file with many tests says it once. */
const reported = new Set<string>();

/**
 * Asks for a program of the operating system that a test cannot do without.
 *
 * Use it where tests are declared: `describe.runIf(requireProgram("python3", "python3"))(…)`.
 *
 * @param program the command as it is found on the PATH
 * @param debianPackage the Debian package that brings it, for the install line
 * @returns true when the program can be started; false, after one clear line on stderr, when it is missing
 * @throws Error when it is missing and `CI=true`, because there nothing may be skipped
 */
export function requireProgram(program: string, debianPackage: string): boolean {
  if (isInstalled(program)) return true;
  return notPossible(`${program} is not installed: apt-get install -y ${debianPackage}`);
}

/**
 * Asks for something that has no program of its own, such as a library of another language.
 *
 * @param probe a command that succeeds where it is there
 * @param debianPackages what brings it
 * @returns and throws as `requireProgram` does
 */
export function requireWorking(probe: readonly string[], debianPackages: readonly string[]): boolean {
  const [program = "", ...rest] = probe;
  if (spawnSync(program, rest, { stdio: "ignore" }).status === 0) return true;
  const installLine = `apt-get install -y ${debianPackages.join(" ")}`;
  return notPossible(`what \`${probe.join(" ")}\` needs is not installed: ${installLine}`);
}

/**
 * Says what keeps a test from running on this machine.
 *
 * @returns true when nothing does; false, after one clear line each on stderr, when something does
 * @throws Error when something does and `CI=true`
 */
export function requireNoObstacles(obstacles: readonly string[]): boolean {
  return obstacles.map(notPossible).every(Boolean);
}

function notPossible(message: string): boolean {
  if (process.env.CI === "true") throw new Error(`${message} (with CI=true no test may be skipped)`);
  if (!reported.has(message)) {
    reported.add(message);
    process.stderr.write(`SKIPPED: ${message}\n`);
  }
  return false;
}

/** Whether the command can be found on the PATH, without running it. */
export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1" >/dev/null 2>&1', "sh", program]).status === 0;
}
