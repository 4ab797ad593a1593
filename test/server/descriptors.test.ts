/** A process that may open few files and sockets keeps some for its disk and its peers, whatever clients do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { freePortRun } from "../support/ports.js";
import { quorateCommand } from "../support/project-root.js";

const descriptors = 200;

test("200 descriptors: 100 clients at most, and the cluster goes on while 300 try", async () => {
  const folder = mkdtempSync(join(tmpdir(), "quorate-descriptors-"));
  const port = await freePortRun(3, 1000);
  const command = `ulimit -n ${descriptors}; exec "$@"`;
  const flags = ["--port", String(port), "--nodes", "3", "--data-dir", folder];
  const child = spawn("sh", ["-c", command, "sh", process.execPath, quorateCommand, "dev", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  const exited = once(child, "exit");
  const clients: Socket[] = [];
  try {
    const urls = [0, 1, 2].map((index) => `http://127.0.0.1:${port + index}`);
    await until("the cluster to be ready", async () => {
      if (child.exitCode !== null) throw new Error(`quorate dev ended with ${child.exitCode}`);
      return printed.includes("ServerProxy") ? true : undefined;
    });
    expect(printed).toContain("this process may open 200 files and sockets: taking 100 clients at most");
    let open = 0;
    for (let count = 0; count < 300; count++) {
      const client = connect(port, "127.0.0.1");
      client
        .on("connect", () => open++)
        .on("close", () => open--)
        .on("error", () => undefined);
      clients.push(client);
    }
    await until("the first node to be full", async () =>
      clients.every(({ connecting }) => !connecting) && open <= 100 ? true : undefined,
    );
    expect(open).toBeGreaterThan(80);
    // The others answer, and the first one still takes part: it alone makes a majority with either of them.
    for (const url of urls.slice(1)) expect(await value(url, "kv.incr", ["n"])).toBeGreaterThan(0);
    const status = await fetch(`${urls[1]}/status`).then((response) => response.json());
    expect(status).toMatchObject({ members: [{ id: "n1", connected: true }, { id: "n2" }, { id: "n3" }] });
    expect(readFileSync(join(folder, "n1.log"), "utf8")).not.toMatch(/EMFILE|"level":(50|60)/);
    for (const client of clients) client.destroy();
    await until("the first node to be free", async () => {
      const response = await fetch(`${urls[0]}/livez`).catch(() => undefined);
      return response?.ok === true ? true : undefined;
    });
    expect(await value(urls[0] ?? "", "kv.get", ["n"])).toBe(2);
  } finally {
    for (const client of clients) client.destroy();
    child.kill("SIGINT");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
});
