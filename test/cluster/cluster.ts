/** A cluster of real `quorate serve` processes on loopback, for tests that kill, stop and restart them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../support/ports.js";
import { quorateCommand } from "../support/project-root.js";

/** A bound for waiting, not an expectation: reached only when something is broken. */
export const patienceMs = 30_000;
const pollMs = 10;

export interface ClusterOptions {
  readonly nodes: number;
  /** More top-level settings for every node's config file. */
  readonly settings?: object;
  readonly environment?: Readonly<Record<string, string>>;
  /** Command and arguments that become each node's command by exec, such as a tracer; given the node's id. */
  readonly wrapper?: (id: string) => readonly string[];
  /** Where everything of the run goes; made, and removed at the end, when it is not given. */
  readonly folder?: string;
  /** Where each node listens; free ports on loopback when it is not given. */
  readonly addresses?: readonly NodeAddresses[];
}

export interface NodeAddresses {
  /** `host:port` for the other nodes. */
  readonly peer: string;
  /** Base URL for clients. */
  readonly http: string;
}

export class Cluster implements AsyncDisposable {
  readonly nodes: ClusterNode[];
  readonly folder: string;

  readonly #ownsFolder: boolean;

  private constructor(folder: string, ownsFolder: boolean, nodes: ClusterNode[]) {
    this.folder = folder;
    this.#ownsFolder = ownsFolder;
    this.nodes = nodes;
  }

  /** Starts every node and waits until each one is ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.prepare(options);
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    return cluster;
  }

  /** Writes folders and config files; starts nothing. */
  static async prepare(options: ClusterOptions): Promise<Cluster> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "quorate-cluster-"));
    const addresses = options.addresses ?? (await loopbackAddresses(options.nodes));
    const members = addresses.map((address, index) => ({ id: `n${index + 1}`, ...address }));
    const nodes = members.map((member) => {
      const config = {
        node: member.id,
        dataDir: `./${member.id}`,
        peer: { secret: "a secret of this test run" },
        cluster: { name: "test", members },
        ...options.settings,
      };
      const file = join(folder, `${member.id}.json`);
      writeFileSync(file, JSON.stringify(config, null, 2));
      return new ClusterNode({
        id: member.id,
        url: member.http,
        configFile: file,
        logFile: join(folder, `${member.id}.log`),
        environment: options.environment ?? {},
        wrapper: options.wrapper?.(member.id) ?? [],
      });
    });
    return new Cluster(folder, options.folder === undefined, nodes);
  }

  /** Config of a node that is no member yet: it knows the others and itself. Starts nothing. */
  async newcomer(id: string, options: Pick<ClusterOptions, "settings"> = {}): Promise<Newcomer> {
    const [address] = await loopbackAddresses(1);
    const [first] = this.nodes;
    if (address === undefined || first === undefined)
      throw new Error("a newcomer needs an address and a cluster");
    const founder = JSON.parse(readFileSync(first.configFile, "utf8")) as { cluster: { members: object[] } };
    const members = [...founder.cluster.members, { id, ...address }];
    const config = {
      ...founder,
      node: id,
      dataDir: `./${id}`,
      cluster: { name: "test", members },
      ...options.settings,
    };
    const configFile = join(this.folder, `${id}.json`);
    writeFileSync(configFile, JSON.stringify(config, null, 2));
    const logFile = join(this.folder, `${id}.log`);
    const node = plainNode({ id, url: address.http, configFile, logFile });
    this.nodes.push(node);
    return { node, ...address };
  }

  /**
   * Another address for a node that does not run, in its own config alone: the others' still name the old one.
   * Takes the old node's place in `nodes`; starts nothing.
   */
  async move(old: ClusterNode): Promise<Newcomer> {
    if (old.running) throw new Error(`${old.id} runs`);
    const [address] = await loopbackAddresses(1);
    if (address === undefined) throw new Error("no free ports");
    const config = JSON.parse(readFileSync(old.configFile, "utf8")) as {
      cluster: { members: { id: string }[] };
    };
    const members = config.cluster.members.map((member) =>
      member.id === old.id ? { id: old.id, ...address } : member,
    );
    writeFileSync(
      old.configFile,
      JSON.stringify({ ...config, cluster: { ...config.cluster, members } }, null, 2),
    );
    const { id, configFile, logFile } = old;
    const node = plainNode({ id, url: address.http, configFile, logFile });
    this.nodes[this.nodes.indexOf(old)] = node;
    return { node, ...address };
  }

  node(id: string): ClusterNode {
    const node = this.nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  async ready(nodes: readonly ClusterNode[] = this.nodes): Promise<void> {
    for (const node of nodes) await node.ready();
  }

  /** The node that says of itself that it leads and can serve, among those that run. */
  async leader(
    among: readonly ClusterNode[] = this.nodes.filter((node) => node.running),
  ): Promise<ClusterNode> {
    return until(`a leader among ${among.map((node) => node.id).join(", ")}`, async () => {
      for (const node of among) if (await node.isLeader()) return node;
      return undefined;
    });
  }

  async followers(): Promise<readonly ClusterNode[]> {
    const leader = await this.leader();
    return this.nodes.filter((node) => node !== leader && node.running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill("SIGKILL")));
    if (this.#ownsFolder && process.env.QUORATE_KEEP_DATA === undefined)
      rmSync(this.folder, { recursive: true, force: true });
  }
}

async function loopbackAddresses(count: number): Promise<readonly NodeAddresses[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, index) => ({
    peer: `127.0.0.1:${ports[2 * index]}`,
    http: `http://127.0.0.1:${ports[2 * index + 1]}`,
  }));
}

interface ClusterNodeOptions {
  readonly id: string;
  readonly url: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly wrapper: readonly string[];
}

/** Started as it is, with nothing around it. */
function plainNode(options: Omit<ClusterNodeOptions, "environment" | "wrapper">): ClusterNode {
  return new ClusterNode({ ...options, environment: {}, wrapper: [] });
}

export interface Newcomer {
  readonly node: ClusterNode;
  readonly peer: string;
  readonly http: string;
}

export class ClusterNode {
  private child: ChildProcess | undefined;
  exitCode: number | null = null;
  readonly id: string;
  readonly url: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly #options: ClusterNodeOptions;

  constructor(options: ClusterNodeOptions) {
    this.id = options.id;
    this.url = options.url;
    this.configFile = options.configFile;
    this.logFile = options.logFile;
    this.#options = options;
  }

  get rpcUrl(): string {
    return `${this.url}/RPC2`;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  start(extra: readonly string[] = [], ownEnvironment: Readonly<Record<string, string>> = {}): void {
    const { wrapper, environment } = this.#options;
    const serve = [process.execPath, quorateCommand, "serve", "--config", this.configFile, ...extra];
    const [program = "", ...args] = [...wrapper, ...serve];
    const log = openSync(this.logFile, "a");
    const child = spawn(program, args, {
      stdio: ["ignore", log, log, "ipc"],
      env: { PATH: process.env.PATH, ...environment, ...ownEnvironment },
      // Ctrl-C in a terminal is for who runs the cluster; that one tells the nodes.
      detached: wrapper.length > 0,
    });
    closeSync(log);
    child.on("exit", (code) => {
      this.exitCode = code;
    });
    this.child = child;
  }

  async ready(): Promise<void> {
    await until(`${this.id} to be ready`, async () => {
      if (!this.running)
        throw new Error(`${this.id} ended with ${this.exitCode} before it was ready:\n${this.logTail()}`);
      return (await this.get("/readyz"))?.ok === true ? true : undefined;
    });
  }

  async isLeader(): Promise<boolean> {
    return (await this.get("/leader"))?.ok === true;
  }

  /** Undefined while the node does not answer. */
  async get(path: string): Promise<Response | undefined> {
    try {
      const response = await fetch(this.url + path, { signal: AbortSignal.timeout(2000) });
      await response.clone().arrayBuffer();
      return response;
    } catch {
      // Not listening, killed or stopped: the caller polls or expects it.
      return undefined;
    }
  }

  /** Sends the signal and, for one that ends the process, waits until it has ended. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT"): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.running) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Waits until the process has ended by itself; returns its exit code. */
  async exited(): Promise<number | null> {
    if (this.child !== undefined && this.running) await once(this.child, "exit");
    return this.exitCode;
  }

  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  logTail(): string {
    return this.log().split("\n").slice(-15).join("\n");
  }
}

/** Polls until `probe` gives something; a failure names what was waited for. */
export async function until<T>(
  what: string | (() => string),
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${patienceMs / 1000} s in vain for ${typeof what === "string" ? what : what()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
