/** The shipped HAProxy configuration in front of a real cluster, called by stock Python. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, until } from "../cluster/cluster.js";
import { allEntries } from "../cluster/entries.js";
import { ask, value } from "../cluster/rpc.js";
import { freePorts } from "../support/ports.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";

const shipped = join(projectRoot, "deploy/haproxy/haproxy.cfg");

/**
 * Four threads that count up keys of their own without a pause, each on one connection for twenty calls; a failed call
 * is noted and the next key begun. Lines say how many calls were acknowledged; the end of the input stops them.
 */
const steadyPython = `
import json, sys, threading, time
from xmlrpc.client import ServerProxy, ProtocolError
url, name = sys.argv[1:]
stop, lock = threading.Event(), threading.Lock()
acknowledged, failures, twice, gap = [], [], [], [time.monotonic(), 0.0]
def work(thread):
    count = 0
    while not stop.is_set():
        count += 1
        key = f"{name}/{thread}/{count}"
        try:
            with ServerProxy(url) as server:
                for part in range(1, 21):
                    # Only exact where each call was executed once: the library sends some of them again by itself.
                    was = server.kv.incr(key)
                    if was != part:
                        twice.append(f"{key}: {was} at call {part}")
                        break
                    with lock:
                        now = time.monotonic()
                        gap[:] = [now, max(gap[1], now - gap[0])]
                        acknowledged.append([key, part])
                        if len(acknowledged) % 50 == 0:
                            print(len(acknowledged), flush=True)
        except ProtocolError as error:
            failures.append(f"HTTP {error.errcode}")
        except Exception as error:
            failures.append(repr(error))
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
sys.stdin.read()
stop.set()
for thread in threads: thread.join()
print(json.dumps({"acknowledged": acknowledged, "failures": failures, "twice": twice, "gap": gap[1]}))
`;

interface Report {
  /** Key and what it was counted up to. */
  readonly acknowledged: readonly (readonly [string, number])[];
  readonly failures: readonly string[];
  /** Calls that were executed more than once. */
  readonly twice: readonly string[];
  /** Longest time without any acknowledged call, seconds. */
  readonly gap: number;
}

class SteadyPython {
  #child: ChildProcess;
  #lines: string[] = [];
  #ended: Promise<unknown>;

  constructor(url: string, name: string) {
    this.#child = spawn("python3", ["-c", steadyPython, url, name], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("no output");
    const reader = createInterface(this.#child.stdout);
    reader.on("line", (line) => this.#lines.push(line));
    this.#ended = once(reader, "close");
  }

  /** Until this many more calls were acknowledged. */
  async progress(calls: number): Promise<void> {
    const before = Number(this.#lines.at(-1) ?? 0);
    await until(`${calls} more calls`, async () =>
      Number(this.#lines.at(-1) ?? 0) >= before + calls ? true : undefined,
    );
  }

  async stop(): Promise<Report> {
    this.#child.stdin?.end();
    await this.#ended;
    return JSON.parse(this.#lines.at(-1) ?? "{}") as Report;
  }
}

describe.runIf(requireProgram("haproxy", "haproxy"))("haproxy", () => {
  test("takes the shipped configuration without a warning", () => {
    const output = execFileSync("haproxy", ["-c", "-V", "-f", shipped], { encoding: "utf8" });
    expect(output).toMatch(/^Configuration file is valid/m);
    expect(output).not.toMatch(/WARNING|ALERT/);
  });
});

const both = requireProgram("haproxy", "haproxy") && requireProgram("python3", "python3");
describe.runIf(both)("in front of three nodes", () => {
  let cluster: Cluster;
  let proxy: ChildProcess;
  let proxyLog = "";
  let calls = "";
  let reads = "";

  beforeAll(async () => {
    // As the shipped configuration asks, and longer: a busy machine makes the checks late, too.
    cluster = await Cluster.start({ nodes: 3, settings: { http: { drain: "6s" } } });
    const [callsPort, readsPort] = await freePorts(2);
    calls = `http://127.0.0.1:${callsPort}`;
    reads = `http://127.0.0.1:${readsPort}`;
    let config = readFileSync(shipped, "utf8")
      .replace("log /dev/log local0", "log stdout format raw local0")
      // A node that a busy test machine holds up is not one that hangs.
      .replace("timeout check 1s", "timeout check 4s")
      // Of two checks that a stopping leader fails, the one that tells of the stop comes first: the worse order.
      .replace("\nbackend leader\n", "\nbackend leader\n    default-server inter 2s\n")
      .replace("bind :8000", `bind 127.0.0.1:${callsPort}`)
      .replace("bind :8001", `bind 127.0.0.1:${readsPort}`);
    cluster.nodes.forEach((node, index) => {
      config = config.replaceAll(`10.0.0.${index + 1}:8000`, new URL(node.url).host);
    });
    const file = join(cluster.folder, "haproxy.cfg");
    writeFileSync(file, config);
    proxy = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [proxy.stdout, proxy.stderr])
      stream?.on("data", (text) => (proxyLog += String(text)));
    await until("calls through the proxy", async () => {
      try {
        return (await ask(calls, "kv.set", ["first", 1])).status === 200 ? true : undefined;
      } catch {
        // Not listening yet.
        return undefined;
      }
    });
  });
  afterAll(async () => {
    proxy.kill("SIGKILL");
    await cluster[Symbol.asyncDispose]();
  });

  /** Whom calls are sent to when they arrive now. */
  const target = async () => (await ask(calls, "kv.get", ["first"])).headers.get("quorate-node");

  test("calls go to the leader, bounded reads to every node", async () => {
    const leader = await cluster.leader();
    await until("the proxy to find the leader", async () =>
      (await target()) === leader.id ? true : undefined,
    );
    const seen = new Set<string | null>();
    await until("every node to have answered a read", async () => {
      const { headers, result } = await ask(reads, "kv.get", ["first"], { query: "?consistency=stale" });
      expect(result).toBe(1);
      seen.add(headers.get("quorate-node"));
      return seen.size === 3 ? true : undefined;
    });
  });

  test("clients that follow redirects are kept on its address", async () => {
    const options = { userAgent: "follows-redirects" };
    for (let call = 0; call < 6; call++) {
      expect((await ask(reads, "kv.get", ["first"], options)).status).toBe(200);
    }
  });

  test("leadership that is handed over fails no call", async () => {
    const python = new SteadyPython(`${calls}/RPC2`, "transfer");
    await python.progress(100);
    for (let round = 0; round < 3; round++) {
      const before = await cluster.leader();
      const [next] = await cluster.followers();
      expect(await value(before.url, "cluster.transfer", [next?.id ?? ""])).toBe(next?.id);
      await until("the proxy to send calls to the new leader", async () =>
        (await target()) === next?.id ? true : undefined,
      );
      await python.progress(50);
    }
    const { failures, twice, acknowledged, gap } = await python.stop();
    process.stdout.write(
      `transfers behind HAProxy: ${acknowledged.length} calls, longest gap ${gap.toFixed(2)} s\n`,
    );
    expect([failures, twice]).toEqual([[], []]);
  });

  test("a planned restart of the leader fails no call", async () => {
    // The one that the configuration prefers as long as it is taken for the leader.
    const leader = cluster.node("n1");
    if ((await cluster.leader()) !== leader) await value(leader.url, "cluster.transfer", [leader.id]);
    await until("the proxy to send calls there", async () =>
      (await target()) === leader.id ? true : undefined,
    );
    const python = new SteadyPython(`${calls}/RPC2`, "restart");
    await python.progress(100);
    await leader.kill("SIGTERM");
    leader.start();
    await leader.ready();
    await python.progress(100);
    const { failures, twice } = await python.stop();
    expect([failures, twice]).toEqual([[], []]);
  });

  test("a leader that hangs holds nobody up once it is found out", async () => {
    const python = new SteadyPython(`${calls}/RPC2`, "hang");
    await python.progress(100);
    const leader = await cluster.leader();
    leader.pause();
    await python.progress(200);
    leader.resume();
    const { failures, twice, gap } = await python.stop();
    process.stdout.write(
      `a leader that hangs: ${failures.length} calls failed, longest gap ${gap.toFixed(2)} s\n`,
    );
    // Those that it had taken: HAProxy ends them when it marks the node down.
    expect(failures.filter((failure) => !/^HTTP 50[0-4]$/.test(failure))).toEqual([]);
    expect(twice).toEqual([]);
  });

  test("after kill -9 of the leader calls go on, and nothing that was acknowledged is lost", async () => {
    const python = new SteadyPython(`${calls}/RPC2`, "kill");
    await python.progress(100);
    const leader = await cluster.leader();
    await leader.kill("SIGKILL");
    await python.progress(400);
    const others = cluster.nodes.filter((node) => node !== leader);
    const next = await cluster.leader(others);
    await until("the proxy to find the new leader", async () =>
      (await target()) === next.id ? true : undefined,
    );
    const { failures, twice, acknowledged, gap } = await python.stop();
    process.stdout.write(
      `kill -9 behind HAProxy: ${acknowledged.length} calls, ${failures.length} failed ` +
        `(${[...new Set(failures)].join(", ")}), ${twice.length} executed twice, longest gap ${gap.toFixed(2)} s\n`,
    );
    // What was on its way: executed or not, nobody knows, and nobody repeats it silently.
    expect(
      failures.filter((failure) => failure !== "HTTP 502" && !failure.startsWith("<Fault -32003")),
    ).toEqual([]);
    expect(twice).toEqual([]);
    const entries = await allEntries(next.url, "kill/");
    expect(acknowledged.filter(([key, count]) => Number(entries.get(key) ?? 0) < count)).toEqual([]);
    leader.start();
    await leader.ready();
  });

  test("the proxy has found nothing strange", () => {
    expect(proxyLog).not.toMatch(/\[(ALERT|WARNING)\].*(config|parsing)/i);
  });
});
