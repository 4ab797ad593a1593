/**
 * The Dockerfile and the compose files, without Docker: the steps are carried out on a machine of namespaces, and what
 * they make is run there as the compose file says: as that user, as process 1, with a file system that cannot be
 * written to.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { until } from "../cluster/cluster.js";
import { projectRoot, quorateCommand } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import { environmentOf, execForm, stagesOf, textsOf } from "./dockerfile.js";
import { Machine, Network, requireMachines } from "./machines.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const [build = [], image = []] = stagesOf(join(projectRoot, "deploy/docker/Dockerfile"));
const imageEnvironment = environmentOf(image);
const [entryPoint = ""] = textsOf(image, "ENTRYPOINT");
const [arguments_ = ""] = textsOf(image, "CMD");
const [healthCheck = ""] = textsOf(image, "HEALTHCHECK");

interface Service {
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly secrets: readonly string[];
  readonly read_only: boolean;
  readonly stop_grace_period: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: object;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: object;
}

const composeFile = (name: string) => join(projectRoot, "deploy/compose", name);
const compose = (name: string) => parse(readFileSync(composeFile(name), "utf8"), { merge: true }) as Compose;

describe.each([
  ["three-nodes.yaml", 3],
  ["five-nodes.yaml", 5],
] as const)("%s", (name, count) => {
  const { services, networks, secrets, volumes } = compose(name);
  const entries = Object.entries(services);

  test("runs that many nodes, each with a name, a volume and a port of its own", () => {
    const ids = Array.from({ length: count }, (_, index) => `n${index + 1}`);
    expect(Object.keys(services)).toEqual(ids);
    expect(entries.map(([, service]) => service.hostname)).toEqual(ids);
    expect(entries.map(([, service]) => service.volumes)).toEqual(
      ids.map((id) => [`${id}:/var/lib/quorate`]),
    );
    expect(Object.keys(volumes)).toEqual(ids);
    expect(entries.map(([, { ports }]) => ports)).toEqual(
      ids.map((_, at) => [`127.0.0.1:${8001 + at}:8000`]),
    );
  });

  test("shares a network and a secret, writes to its volume only, and is given time to stop", () => {
    expect([Object.keys(networks), secrets]).toEqual([["cluster"], { peer: { file: "./secret" } }]);
    for (const [, service] of entries) {
      expect(service).toMatchObject({
        read_only: true,
        tmpfs: ["/tmp"],
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        networks: ["cluster"],
        secrets: ["peer"],
        build: { context: "../..", dockerfile: "deploy/docker/Dockerfile" },
      });
      // A stop may take 5 s to hand leadership over, 0.5 s to be forgotten, 15 s for the last calls.
      expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(21);
    }
  });

  test("says nothing that the server does not understand, and starts each node as its own member", () => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-compose-"));
    try {
      const secret = join(folder, "secret");
      writeFileSync(secret, "0123456789abcdef");
      for (const [id, { environment }] of entries) {
        expect(environment.QUORATE_PEER_SECRET_FILE).toBe("/run/secrets/peer");
        const { status, stdout, stderr } = spawnSync(
          process.execPath,
          [quorateCommand, "config", "show", "-o", "json"],
          {
            encoding: "utf8",
            env: { ...imageEnvironment, ...environment, QUORATE_NODE: id, QUORATE_PEER_SECRET_FILE: secret },
          },
        );
        expect([status, stderr]).toEqual([0, ""]);
        const shown = JSON.parse(stdout) as readonly { readonly setting: string; readonly value: unknown }[];
        const of = Object.fromEntries(shown.map(({ setting, value }) => [setting, value]));
        expect(of).toMatchObject({
          node: id,
          dataDir: "/var/lib/quorate",
          "http.listen": "0.0.0.0:8000",
          "http.advertise": `http://${id}:8000`,
          "peer.listen": "0.0.0.0:9000",
          "peer.advertise": `${id}:9000`,
          routing: "forward",
        });
        expect(Object.keys(of).filter((key) => key.startsWith("cluster.members["))).toHaveLength(count);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.runIf(requireProgram("docker-compose", "docker-compose"))("is taken by docker-compose", () => {
    const { status, stdout, stderr } = spawnSync("docker-compose", ["-f", composeFile(name), "config"], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(Object.keys((parse(stdout) as Compose).services)).toEqual(Object.keys(services));
  });
});

describe("the image", () => {
  test("is run by an ordinary user, with its data in the only volume, and tells its ports", () => {
    expect(textsOf(image, "USER")).toEqual(["10001:10001"]);
    expect(textsOf(image, "VOLUME")).toEqual([imageEnvironment.QUORATE_DATA_DIR]);
    expect(textsOf(image, "EXPOSE")).toEqual(["8000 9000"]);
    expect(textsOf(image, "STOPSIGNAL")).toEqual(["SIGTERM"]);
  });

  test("is made with the package manager of the project", () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      scripts: { build: string };
    };
    const [, version] = /pnpm@([\d.]+)/.exec(scripts.build) ?? [];
    const used = textsOf(build, "RUN")
      .join("\n")
      .match(/pnpm@[\d.]+/g);
    expect(new Set(used)).toEqual(new Set([`pnpm@${version}`]));
  });
});

const possible = requireProgram("ip", "iproute2") && requireMachines();
describe.runIf(possible)("built and run", () => {
  let network: Network;
  let builder: Machine;
  const { services } = compose("three-nodes.yaml");
  const names = Object.keys(services);
  const nodes = new Map<string, ChildProcess>();
  const logs = new Map<string, string>();
  const environment = (name: string) => ({
    PATH: process.env.PATH ?? "",
    ...imageEnvironment,
    ...services[name]?.environment,
  });

  beforeAll(async () => {
    builder = await Machine.start({ name: "builder", address: null });
    network = await Network.start(
      Object.fromEntries(names.map((name, index) => [name, `10.20.0.${index + 1}/24`])),
    );
  });
  afterAll(async () => {
    for (const node of nodes.values()) node.kill("SIGKILL");
    await builder.close();
    await network[Symbol.asyncDispose]();
  });

  test("every step of the first stage works on a bare copy of the project", async () => {
    let directory = "/";
    for (const { word, text } of build) {
      if (word === "WORKDIR") {
        directory = text;
        await builder.must(`mkdir -p "${text}"`, "/");
      } else if (word === "COPY") {
        const parts = text.split(" ");
        const target = parts.pop() ?? "";
        for (const source of parts) await copyIn(source, join(directory, target), target.endsWith("/"));
      } else if (word === "RUN") {
        await builder.must(text, directory);
      }
    }
    expect(await builder.must("node /opt/quorate/bin/quorate.js --version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    // No compilers, no tests' packages, no sources.
    expect(await builder.must("ls /opt/quorate/node_modules")).not.toMatch(/typescript|vitest|biome/);
    expect(await builder.must("find /opt/quorate/dist -name '*.test.*' | head -1")).toBe("");
    const [size] = (await builder.must("du -sm --apparent-size /opt/quorate")).split("\t");
    process.stdout.write(`the image adds ${size} MiB to its base\n`);
    expect(Number(size)).toBeLessThan(100);
  });

  /** As COPY does: a folder's contents, or a file. */
  async function copyIn(source: string, target: string, intoFolder: boolean): Promise<void> {
    const listed = spawnSync(
      "git",
      ["ls-files", "--cached", "--others", "--exclude-standard", "--", source],
      {
        cwd: projectRoot,
        encoding: "utf8",
      },
    ).stdout.split("\n");
    const files = listed.filter((file) => file !== "" && existsSync(join(projectRoot, file)));
    expect(files).not.toEqual([]);
    const lines = files.map((file) => {
      const inside = file === source ? (intoFolder ? basename(file) : "") : file.slice(source.length);
      return `install -D -m "$(stat -c %a '${file}')" '${file}' '${join(target, inside)}'`;
    });
    await builder.must(lines.join("\n"), projectRoot);
  }

  test("the nodes of the compose file find each other and serve, each as process 1", async () => {
    await builder.must("tar -C /opt/quorate -czf /tmp/image.tar.gz .");
    const hosts = names.map((name) => `${network.machine(name).address} ${name}`).join("\n");
    for (const name of names) {
      const machine = network.machine(name);
      await machine.copyFrom(builder, "/tmp/image.tar.gz");
      await machine.write("/etc/hosts", `127.0.0.1 localhost\n${hosts}\n`);
      await machine.must(`
        mkdir /opt/quorate && tar -C /opt/quorate -xzf /tmp/image.tar.gz
        ${textsOf(image, "RUN").join("\n")}
        ${textsOf(build, "RUN").find((line) => line.startsWith("install"))}
        head -c 32 /dev/zero | base64 | install -D -m 0400 -o 10001 -g 10001 /proc/self/fd/0 /run/secrets/peer`);
      nodes.set(name, start(name));
    }
    for (const name of names) {
      await until(
        () => `${name} to be ready: ${logs.get(name)}`,
        async () => {
          const { code } = await network.machine(name).sh(`curl --silent --fail http://${name}:8000/readyz`);
          return code === 0 ? true : undefined;
        },
      );
      const status = readFileSync(`/proc/${await nodeOf(name)}/status`, "utf8");
      expect(status).toMatch(/^NSpid:.*\t1$/m);
      expect(status).toMatch(/^Uid:\t10001\t10001/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
    }
    const [first = "", second = ""] = names;
    const call = (on: string, ...words: string[]) =>
      network.machine(on).must(`quorate call --url http://${on}:8000 ${words.join(" ")}`);
    expect(await call(first, "kv.set", "a", "1")).toBe("true\n");
    expect(await call(second, "kv.get", "a")).toBe("1\n");
  });

  test("nothing but the volume and /tmp can be written to", async () => {
    const node = await nodeOf("n1");
    const tryWrite = (path: string) =>
      spawnSync("nsenter", [`--target=${node}`, "--mount", "--root", "touch", path], { encoding: "utf8" });
    for (const path of ["/x", "/opt/quorate/x", "/etc/x", "/var/x"]) {
      expect(tryWrite(path).stderr).toContain("Read-only file system");
    }
    expect(tryWrite("/tmp/x").status).toBe(0);
    expect(tryWrite("/var/lib/quorate/x").status).toBe(0);
  });

  test("the health check says what it should, also without a leader", async () => {
    expect(await healthy("n1")).toBe(true);
    for (const name of ["n2", "n3"]) await stop(name);
    expect(await healthy("n1")).toBe(true);
    expect(await healthy("n2")).toBe(false);
  });

  test("SIGTERM ends process 1 with 0", async () => {
    await stop("n1");
  });

  /** As the engine would: the image's user and command, the compose file's rights. */
  function start(name: string): ChildProcess {
    const script = `
      mount --make-rprivate /
      mount --bind /var/lib/quorate /var/lib/quorate
      mount -t tmpfs tmpfs /tmp
      mount -o remount,bind,ro /
      mount -t proc proc /proc
      exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`;
    const command = [...execForm(entryPoint), ...execForm(arguments_)];
    const child = network
      .machine(name)
      .spawn(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script, "sh", ...command],
        environment(name),
      );
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text) => logs.set(name, `${logs.get(name) ?? ""}${String(text)}`));
    }
    return child;
  }

  /** The process that is number 1 to itself. */
  async function nodeOf(name: string): Promise<number> {
    const parent = nodes.get(name)?.pid;
    return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim());
  }

  async function healthy(name: string): Promise<boolean> {
    const command = execForm(healthCheck.slice(healthCheck.indexOf("[")));
    const user = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"];
    const child = network.machine(name).spawn([...user, ...command], environment(name));
    const [code] = await once(child, "exit");
    return code === 0;
  }

  async function stop(name: string): Promise<void> {
    const child = nodes.get(name);
    if (child === undefined) throw new Error(`${name} does not run`);
    const exited = once(child, "exit");
    process.kill(await nodeOf(name), "SIGTERM");
    expect(await exited).toEqual([0, null]);
  }
});
