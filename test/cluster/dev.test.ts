/** `quorate dev`: the whole life of a local cluster, as a person at a terminal sees it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePortRun } from "../support/ports.js";
import { projectRoot, quorateCommand } from "../support/project-root.js";
import { until } from "./cluster.js";
import { value } from "./rpc.js";

let folder = "";
let port = 0;
const started: ChildProcess[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "quorate-dev-"));
  port = await freePortRun(5, 1000);
});
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function quorate(args: readonly string[]) {
  const child = spawn(process.execPath, [quorateCommand, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const says = (text: string | RegExp) =>
    until(
      () => `${text} in:\n${output}`,
      async () => {
        if (output.match(text) !== null) return true;
        if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}:\n${output}`);
        return undefined;
      },
    );
  return { child, ended, says, output: () => output };
}

const pidOf = (id: string) => {
  const line = readFileSync(join(folder, ".quorate", `${id}.log`), "utf8").match(/"pid":(\d+)/);
  return Number(line?.[1]);
};

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process.
    return false;
  }
};

test("starts, prints URLs and a call to try, keeps its data over a stop, refuses another shape", async () => {
  const first = quorate(["dev", "--port", String(port)]);
  await first.says(/Ctrl-C/);
  for (const offset of [0, 1, 2]) expect(first.output()).toContain(`http://127.0.0.1:${port + offset}/RPC2`);
  expect(first.output()).toContain("python3 -c");
  expect(statSync(join(folder, ".quorate", "secret")).mode & 0o777).toBe(0o600);
  expect(await value(`http://127.0.0.1:${port + 1}`, "kv.set", ["kept", "yes"])).toBe(true);
  first.child.kill("SIGINT");
  expect(await first.ended).toBe(0);

  const other = quorate(["dev", "--port", String(port), "--nodes", "5"]);
  expect(await other.ended).toBe(2);
  expect(other.output()).toMatch(/nodes 3, but 5 is asked for; use --reset/);

  const again = quorate(["dev", "--port", String(port)]);
  await again.says(/Ctrl-C/);
  expect(await value(`http://127.0.0.1:${port + 2}`, "kv.get", ["kept"])).toBe("yes");
  again.child.kill("SIGTERM");
  expect(await again.ended).toBe(0);

  const reset = quorate(["dev", "--port", String(port), "--nodes", "1", "--reset"]);
  await reset.says(/Ctrl-C/);
  expect(await value(`http://127.0.0.1:${port}`, "kv.get", ["kept", "gone"])).toBe("gone");
  reset.child.kill("SIGINT");
  reset.child.kill("SIGINT");
  await reset.ended;
});

test("a killed node stays down, is reported with the command that starts it, and no node outlives its parent", async () => {
  const run = quorate(["dev", "--port", String(port)]);
  await run.says(/Ctrl-C/);
  const pids = ["n1", "n2", "n3"].map(pidOf);
  process.kill(pids[1] ?? 0, "SIGKILL");
  await run.says(/n2 was ended by SIGKILL/);
  expect(run.output()).toContain("quorate serve --config .quorate/n2.yaml");
  expect(await value(`http://127.0.0.1:${port}`, "kv.set", ["a", 1])).toBe(true);
  run.child.kill("SIGKILL");
  await until("the nodes to end", async () => (pids.some(isAlive) ? undefined : true));
});

test("runs a service file, and the command line talks to it", async () => {
  const service = join(projectRoot, "packages/server/examples/stock.ts");
  const run = quorate(["dev", service, "--port", String(port)]);
  await run.says(/Ctrl-C/);
  const url = `http://127.0.0.1:${port + 1}`;
  const methods = quorate(["methods", "--url", url]);
  expect(await methods.ended).toBe(0);
  expect(methods.output()).toMatch(/stock\.reserve\s+\(string, int\) → int/);
  const status = quorate(["status", "--url", url, "-o", "json"]);
  expect(await status.ended).toBe(0);
  expect(JSON.parse(status.output())).toMatchObject({ node: "n2" });
  const level = quorate(["call", "stock.level", "apple", "--url", url]);
  expect([await level.ended, level.output().trim()]).toEqual([0, "0"]);
  const reserve = quorate(["call", "stock.reserve", "apple", "1", "--url", url]);
  expect([await reserve.ended, reserve.output().trim()]).toEqual([3, "quorate: fault 409: only 0 left"]);
  const nobody = quorate(["call", "stock.level", "apple", "--url", "http://127.0.0.1:9"]);
  expect(await nobody.ended).toBe(4);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(0);
});

test("a port that is taken ends it at once, even if another Quorate answers there", async () => {
  const first = quorate(["dev", "--port", String(port)]);
  await first.says(/Ctrl-C/);
  const second = quorate(["dev", "--port", String(port), "--data-dir", "other"]);
  expect(await second.ended).toBe(1);
  expect(second.output()).toMatch(/another process listens there already/);
  expect(second.output()).not.toContain("Ctrl-C");
  first.child.kill("SIGINT");
  expect(await first.ended).toBe(0);
});

test("says what is wrong with a service file, and starts nothing", async () => {
  writeFileSync(join(folder, "broken.ts"), "export default 42;\n");
  const run = quorate(["dev", "broken.ts", "--port", String(port)]);
  expect(await run.ended).not.toBe(0);
  expect(run.output()).toMatch(/broken\.ts.*(defineService|service)/s);
  const missing = quorate(["dev", "none.ts", "--port", String(port)]);
  expect(await missing.ended).toBe(2);
  expect(missing.output()).toContain("service file none.ts does not exist");
  expect(existsSync(join(folder, "none.ts"))).toBe(false);
});
