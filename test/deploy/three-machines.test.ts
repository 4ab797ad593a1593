/**
 * deploy/three-machines.md carried out from its first block to its last, in order, on machines that hold nothing but
 * what it told them.
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { until } from "../cluster/cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import { Machine, Network, requireMachines } from "./machines.js";
import { partsOf, type Step, stepsOf } from "./page.js";
import { Unit } from "./unit.js";

// The package is built and sent, by every machine's own copy of the files.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const steps = stepsOf(join(projectRoot, "deploy/three-machines.md"));
const nodes = ["n1", "n2", "n3"];
/** Of the page, plus one that the firewall does not know. */
const addresses = {
  n1: "10.0.0.1/24",
  n2: "10.0.0.2/24",
  n3: "10.0.0.3/24",
  lb: "10.0.0.10/24",
  stranger: "10.0.0.66/24",
};

/** Puts files where they would have been sent, for the test to bring them there. */
const scp = `#!/bin/sh
set -eu
for target; do :; done
host=\${target#root@}; host=\${host%%:*}; path=\${target#*:}
case "$path" in "") path=/root/ ;; esac
while [ $# -gt 1 ]; do
  case "$path" in */) full=$path$(basename "$1") ;; *) full=$path ;; esac
  install -D -m "$(stat -c %a "$1")" "$1" "/root/sent/$host$full"
  shift
done
`;

const ready = ["haproxy", "python3", "curl", "nft", "ip"].map((program) =>
  requireProgram(program, program === "nft" ? "nftables" : program === "ip" ? "iproute2" : program),
);

describe("the page", () => {
  test("has the configuration of the shipped example", () => {
    const [config] = steps.filter((step) => step.kind === "file" && step.path.endsWith("quorate.yaml"));
    const example = readFileSync(join(projectRoot, "deploy/example/quorate.yaml"), "utf8");
    const { routing, raft, ...rest } = parse(example) as Record<string, unknown>;
    expect(parse(config?.text ?? "")).toEqual(rest);
    expect([routing, raft]).toEqual(["auto", { heartbeat: "50ms", electionTimeout: "500ms" }]);
  });

  test("a block that does not say what becomes of it is noticed", () => {
    expect(() => stepsOf(join(projectRoot, "README.md"))).toThrow(/a block is not carried out/);
  });
});

describe.runIf(ready.every(Boolean) && requireMachines())("carried out", () => {
  let build: Machine;
  let network: Network;
  let proxy: ChildProcess | null = null;
  const units = new Map<string, Unit>();
  const remaining = [...steps];

  beforeAll(async () => {
    network = await Network.start(addresses);
    build = await Machine.start({ name: "build", address: null });
    await build.write("/usr/local/bin/scp", scp, "0755");
  });
  afterAll(async () => {
    for (const unit of units.values()) await unit.kill();
    proxy?.kill("SIGKILL");
    await build.close();
    await network[Symbol.asyncDispose]();
  });

  const machineOf = (name: string) => (name === "build" ? build : network.machine(name));
  const unitOf = async (name: string): Promise<Unit> => {
    const unit = units.get(name) ?? (await Unit.installed(machineOf(name)));
    units.set(name, unit);
    return unit;
  };

  async function systemctl(name: string, words: readonly string[]): Promise<void> {
    const [verb, service] = words.filter((word) => word !== "--now");
    if (verb === "daemon-reload") return;
    if (service === "nftables") {
      await machineOf(name).must("nft --file /etc/nftables.conf");
    } else if (service === "haproxy") {
      proxy?.kill("SIGTERM");
      // A node that a busy test machine holds up is not one that hangs.
      await machineOf(name).must("sed -i 's/timeout check 1s/timeout check 4s/' /etc/haproxy/haproxy.cfg");
      proxy = machineOf(name).spawn(["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"], {});
    } else if (service === "quorate") {
      const unit = await unitOf(name);
      if (verb === "stop" || verb === "restart") await unit.stop();
      if (verb === "start" || verb === "restart" || verb === "enable") await unit.start();
    } else throw new Error(`systemctl ${words.join(" ")} is not known to this test`);
  }

  /** What was given to `scp` arrives. */
  async function deliver(): Promise<void> {
    for (const name of [...nodes, "lb"]) {
      const from = `/root/sent/${network.machine(name).address}`;
      const files = (await build.must(`mkdir -p "${from}"; find "${from}" -type f`)).trim().split("\n");
      for (const file of files) {
        if (file !== "") await network.machine(name).copyFrom(build, file, file.slice(from.length));
      }
    }
    await build.must("rm -rf /root/sent");
  }

  /** Carries out the steps up to and including the next one that holds `text`; returns what that one printed. */
  async function through(text: string): Promise<string> {
    for (let step = remaining.shift(); step !== undefined; step = remaining.shift()) {
      const printed = await carryOut(step).catch((error: unknown) => {
        const tails = [...units].map(([name, unit]) => `${name}: ${unit.tail()}`);
        throw new Error(`${String(error)}\n${tails.join("\n")}`, { cause: error });
      });
      if (step.text.includes(text)) return printed;
    }
    throw new Error(`the page has no further block with ${text}`);
  }

  function ready(name: string): Promise<true> {
    const machine = network.machine(name);
    const probe = `curl --silent --fail http://${machine.address}:8000/readyz`;
    return until(`${name} to be ready`, async () =>
      (await machine.sh(probe)).code === 0 ? true : undefined,
    );
  }

  async function carryOut(step: Step): Promise<string> {
    if (step.kind === "file") {
      const folder = step.machine === "build" ? `${projectRoot}/` : "";
      await machineOf(step.machine).write(folder + step.path, step.text);
      return "";
    }
    let printed = "";
    for (const name of step.machines) {
      for (const part of partsOf(step.text)) {
        if ("systemctl" in part) await systemctl(name, part.systemctl);
        else printed += await machineOf(name).must(part.shell, name === "build" ? projectRoot : "/root");
      }
      if (name === "build") await deliver();
    }
    return printed;
  }

  /** Whether a connection from there is taken; what a firewall drops is never answered. */
  const reaches = async (from: string, address: string, port: number) =>
    (await network.machine(from).sh(`timeout 2 bash -c '</dev/tcp/${address}/${port}'`)).code === 0;

  test("prepares a package, a secret and a configuration that is the same everywhere", async () => {
    const printed = await through("config check");
    expect(printed).toContain("cluster/quorate.yaml can be used on n1, n2, n3");
    expect(printed).toMatch(/fingerprint prod-[0-9a-f]{12}/);
    const size = (await build.must("du -sm /tmp/quorate; du -m cluster/quorate.tar.gz", projectRoot)).split(
      /\s+/,
    );
    process.stdout.write(`installed: ${size[0]} MiB, to send: ${size[2]} MiB\n`);
  });

  test("installs it, each node with its own name", async () => {
    const shown = await through("config show");
    for (const node of nodes) expect(shown).toMatch(new RegExp(`^node +${node} +QUORATE_NODE$`, "m"));
    expect(shown).not.toContain((await build.must("cat cluster/secret", projectRoot)).trim());
  });

  test("starts the nodes; until the last one is there they say who is missing", async () => {
    const start = remaining.shift();
    if (start?.kind !== "run" || !start.text.includes("enable --now quorate"))
      throw new Error("no first start");
    await carryOut({ ...start, machines: ["n1", "n2"] });
    const verbose = "curl --silent 'http://10.0.0.1:8000/readyz?verbose'";
    const first = await unitOf("n1");
    await until(
      () => `n1 to miss n3 alone:\n${first.tail()}`,
      async () =>
        /^FAIL born: waiting for n3$/m.test((await network.machine("n1").sh(verbose)).stdout)
          ? true
          : undefined,
    );
    await carryOut({ ...start, machines: ["n3"] });
    const printed = await through("kv.set greeting hello");
    for (const node of nodes) expect(printed).toMatch(new RegExp(`^${node} +voter .* yes `, "m"));
  });

  test("runs each node without privileges, its data readable by nobody else", async () => {
    for (const node of nodes) {
      const machine = network.machine(node);
      expect((await machine.must("stat -c '%a %u' /var/lib/quorate")).trim()).toBe("700 10001");
      const status = readFileSync(`/proc/${(await unitOf(node)).pid}/status`, "utf8");
      expect(status).toMatch(/^Uid:\s+10001\s/m);
      expect(status).toMatch(/^CapBnd:\s+0+$/m);
    }
  });

  test("lets nobody in but the nodes and the listed clients", async () => {
    for (const [from, port] of [
      ["n1", 9000],
      ["lb", 8000],
    ] as const) {
      await until(`${from} to reach port ${port}`, async () =>
        (await reaches(from, "10.0.0.2", port)) ? true : undefined,
      );
    }
    expect(await reaches("lb", "10.0.0.2", 9000)).toBe(false);
    expect(await reaches("stranger", "10.0.0.2", 8000)).toBe(false);
    expect(await reaches("stranger", "10.0.0.2", 9000)).toBe(false);
  });

  test("serves clients at one address", async () => {
    expect(await through("ServerProxy")).toBe("hello\nhello again\n");
  });

  test("shows what there is to watch, with every metric that the alerts name", async () => {
    const printed = await through("/metrics");
    expect(printed).toMatch(/^failureTolerance +\d$/m);
    const page = readFileSync(join(projectRoot, "deploy/three-machines.md"), "utf8");
    const named = new Set(
      [...page.matchAll(/quorate_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, "")),
    );
    expect(named.size).toBeGreaterThan(6);
    // Only the leader knows its followers' lag.
    const all = await Promise.all(
      nodes.map((node) =>
        network.machine(node).must(`curl --silent http://${network.machine(node).address}:8000/metrics`),
      ),
    );
    expect([...named].filter((name) => !all.join("").includes(`# TYPE ${name} `))).toEqual([]);
  });

  test("restarts the nodes one after the other while clients call, and none of their calls fails", async () => {
    const calls = network.machine("lb").spawn(["python3", "-c", steadyCalls], {});
    let said = "";
    for (const stream of [calls.stdout, calls.stderr]) stream?.on("data", (text) => (said += String(text)));
    const lines = () => said.split("\n").length;
    const go = (count: number) => {
      const before = lines();
      return until(
        () => `calls to go on after:\n${said}`,
        async () => (lines() > before + count ? true : undefined),
      );
    };
    await go(3);
    for (const _ of nodes) {
      await through("systemctl restart quorate");
      await go(1);
    }
    calls.kill("SIGKILL");
    expect(said.replaceAll(/\d+ calls\n?/g, "")).toBe("");
  });

  test("upgrades them together, and the data is still there", async () => {
    expect(await through("kv.get greeting")).toContain('"hello again"');
  });

  test("a node that crashed is started again by the unit", async () => {
    const unit = await unitOf("n2");
    await unit.crash();
    await unit.restarted();
    await ready("n2");
  });

  test("goes on without a node that died, which catches up when it is back", async () => {
    await (await unitOf("n3")).kill();
    await until("the others to lead themselves", async () => {
      const { code, stdout } = await network
        .machine("n1")
        .sh(
          "quorate call kv.get greeting --url http://10.0.0.1:8000; quorate members --url http://10.0.0.1:8000",
        );
      return code === 0 && /^n3 .* no /m.test(stdout) ? true : undefined;
    });
    const printed = await through("still-here");
    expect(printed).toMatch(/^n3 .* no /m);
    expect(await through("kv.get greeting")).toContain('"still-here"');
  });

  test("reads a stopped node's log", async () => {
    const printed = await through("quorate log");
    expect(printed).toMatch(/kv\.set +\["greeting", "still-here"\]/);
    await ready("n3");
  });

  test("a node whose data is gone is refused by name, and votes again once it is replaced", async () => {
    const unit = await unitOf("n3");
    unit.output = "";
    await through("rm -rf /var/lib/quorate/*");
    await until("n3 to be refused", async () =>
      unit.output.includes("quorate replace n3") ? true : undefined,
    );
    expect(await network.machine("n1").must("quorate call kv.get greeting --url http://10.0.0.1:8000")).toBe(
      '"still-here"\n',
    );
    expect(await through("quorate replace n3")).toMatch(/^n3 +voter\b/m);
    const read = "quorate call kv.get greeting --url 'http://10.0.0.3:8000?consistency=stale'";
    await until("n3 to have what the others have", async () =>
      (await network.machine("n3").sh(read)).stdout === '"still-here"\n' ? true : undefined,
    );
  });

  test("goes on with the last of three machines, and is three again", async () => {
    for (const name of ["n2", "n3"]) {
      await (await unitOf(name)).kill();
      await network.machine(name).must("rm -rf /var/lib/quorate/*");
    }
    const plan = await through("quorate recover /var/lib/quorate");
    expect(plan).toMatch(/^PLAN: n1 goes on alone, as the only voter of a new cluster "prod"/m);
    expect(plan).toMatch(/^n3 +voter +dropped +does not answer at http:\/\/10\.0\.0\.3:8000$/m);
    const alone = await through("--yes");
    expect(alone).toContain('n1 is the only voter of the cluster "prod" with the new id');
    expect(alone).toContain('"still-here"');
    const owners = "find /var/lib/quorate -printf '%U:%G\\n' | sort -u";
    expect(await network.machine("n1").must(owners)).toBe("10001:10001\n");
    const members = await through("quorate add n3");
    for (const node of nodes) expect(members).toMatch(new RegExp(`^${node} +voter\\b`, "m"));
    expect(remaining).toEqual([]);
    await (await unitOf("n1")).kill();
    for (const name of ["n2", "n3"]) await ready(name);
    expect(await network.machine("n2").must("quorate call kv.get greeting --url http://10.0.0.2:8000")).toBe(
      '"still-here"\n',
    );
  });
});

/** Says every ten calls that it goes on; says every failure. */
const steadyCalls = `
from xmlrpc.client import ServerProxy
for count in range(1, 10**9):
    try:
        with ServerProxy("http://10.0.0.10:8000/RPC2") as server:
            assert server.kv.incr("steady") == count
    except Exception as error:
        print("failed:", repr(error), flush=True)
        break
    if count % 10 == 0: print(count, "calls", flush=True)
`;
