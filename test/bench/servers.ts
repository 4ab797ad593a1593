/** Everything that is measured, started for one part of the benchmark and ended with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KvLoad, kvCalls } from "@quorate/server/load";
import { Cluster } from "../cluster/cluster.js";
import { projectRoot } from "../support/project-root.js";
import type { SlowSync } from "../support/slow-sync.js";
import { isInstalled } from "../support/system.js";
import { Child, programFile } from "./child.js";
import { Etcd, type EtcdLoad, etcdCalls } from "./etcd.js";
import { fillByMulticall } from "./fill.js";
import { httpTarget, type Measurement, type Pace, type Place, type Target } from "./measurement.js";
import type { RawAppendResult } from "./raw-append.js";

export const echoName = "bare fastify echo";

/** What every part reads and writes. */
export interface Data {
  readonly keys: number;
  readonly valueBytes: number;
}

export interface ServersOptions extends Data {
  /** Names of the servers to start beside the cluster; those that are not installed are left out. */
  readonly beside: readonly ("echo" | "etcd" | "python" | "append")[];
  /** Runs nodes, etcd and the raw append on a slower disk. */
  readonly slow?: SlowSync;
}

/** etcd is measured where it is installed. */
export const hasEtcd = (): boolean => isInstalled("etcd");
export const hasPython = (): boolean => isInstalled("python3");

export class Servers implements AsyncDisposable {
  readonly #owned: AsyncDisposable[] = [];
  readonly targets: Target[] = [];

  private constructor(private readonly options: ServersOptions) {}

  static async start(options: ServersOptions): Promise<Servers> {
    const servers = new Servers(options);
    try {
      if (options.beside.includes("echo")) await servers.#startEcho();
      if (options.beside.includes("append")) servers.#addRawAppend();
      await servers.#startQuorate();
      if (options.beside.includes("etcd") && hasEtcd()) await servers.#startEtcd();
      if (options.beside.includes("python") && hasPython()) await servers.#startPython();
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
    return servers;
  }

  /** The targets of these names, in this order; those that are not there are left out. */
  pick(names: readonly string[]): readonly Target[] {
    return names.flatMap((name) => this.targets.filter((target) => target.name === name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owned of this.#owned.splice(0).reverse()) await owned[Symbol.asyncDispose]();
  }

  #load(readPercent: number): KvLoad & EtcdLoad {
    return { prefix: "bench/", keys: this.options.keys, valueBytes: this.options.valueBytes, readPercent };
  }

  async #startEcho(): Promise<void> {
    const echo = Child.start([process.execPath, programFile("echo-server.js")]);
    this.#owned.push(echo);
    const url = `http://127.0.0.1:${await echo.firstLine()}`;
    const place = async () => ({ url, servers: new Map([["echo", echo.pid]]) });
    this.targets.push(httpTarget({ name: echoName, calls: kvCalls(this.#load(0)), place }));
  }

  async #startQuorate(): Promise<void> {
    const { slow } = this.options;
    const cluster = await Cluster.start({
      nodes: 3,
      ...(slow === undefined ? {} : { wrapper: (id) => slow.wrapper(id) }),
    });
    this.#owned.push(cluster);
    await fillByMulticall((await cluster.leader()).url, this.#load(0));
    const placeOf = (role: "leader" | "follower") => async (): Promise<Place> => {
      const leader = await cluster.leader();
      const followers = cluster.nodes.filter((node) => node !== leader);
      const url = role === "leader" ? leader.url : (followers[0]?.url ?? "");
      return { url, servers: named([leader, ...followers].map((node) => node.pid)) };
    };
    const add = (name: string, load: KvLoad, likeEtcd: string, place = placeOf("leader")) =>
      this.targets.push(httpTarget({ name, calls: kvCalls(load), likeEtcd, place }));
    const forwarded = { ...this.#load(0), writeQuery: "?route=forward" };
    const stale = { ...this.#load(100), readQuery: "?consistency=stale" };
    add("kv.set at the leader", this.#load(0), "etcd put");
    add("kv.set at a follower, forwarded", forwarded, "etcd put", placeOf("follower"));
    add("kv.get, linearizable", this.#load(100), "etcd range, linearizable");
    add("kv.get, stale", stale, "etcd range, serializable");
    add("half kv.set, half kv.get", this.#load(50), "etcd half put, half range");
  }

  async #startEtcd(): Promise<void> {
    const { slow } = this.options;
    const etcd = await Etcd.start(slow === undefined ? undefined : (name) => slow.wrapper(name));
    this.#owned.push(etcd);
    await etcd.fill(this.#load(0));
    const place = async (): Promise<Place> => {
      const leader = await etcd.leader();
      const nodes = [leader, ...etcd.nodes.filter((node) => node !== leader)];
      return { url: leader.url, servers: named(nodes.map((node) => node.child.pid)) };
    };
    const add = (name: string, load: EtcdLoad) =>
      this.targets.push(httpTarget({ name, calls: etcdCalls(load), place }));
    add("etcd put", this.#load(0));
    add("etcd range, linearizable", this.#load(100));
    add("etcd range, serializable", { ...this.#load(100), serializable: true });
    add("etcd half put, half range", this.#load(50));
  }

  async #startPython(): Promise<void> {
    const script = join(projectRoot, "test/bench/simple-server.py");
    const python = Child.start(["python3", script]);
    this.#owned.push(python);
    const url = `http://127.0.0.1:${await python.firstLine()}`;
    await fillByMulticall(url, this.#load(0));
    const place = async () => ({ url, servers: new Map([["python", python.pid]]) });
    const add = (name: string, load: KvLoad) =>
      this.targets.push(httpTarget({ name, calls: kvCalls(load), place }));
    add("SimpleXMLRPCServer, set", this.#load(0));
    add("SimpleXMLRPCServer, get", this.#load(100));
  }

  #addRawAppend(): void {
    const { slow, valueBytes } = this.options;
    this.targets.push({
      name: "raw synced append",
      measure: (pace) => rawAppend(slow?.wrapper("append") ?? [], valueBytes, pace),
    });
  }
}

/** Process ids, the leader's first. */
const named = (pids: readonly number[]): ReadonlyMap<string, number> =>
  new Map(pids.map((pid, index) => [index === 0 ? "leader" : `follower ${index}`, pid]));

/** As many appends to a batch as there would be connections: what one disk can make of them at best. */
async function rawAppend(wrapper: readonly string[], valueBytes: number, pace: Pace): Promise<Measurement> {
  pace.signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), "quorate-bench-append-"));
  try {
    const args = [folder, pace.connections, valueBytes, pace.measureMs].map(String);
    await using child = Child.start([...wrapper, process.execPath, programFile("raw-append.js"), ...args]);
    const { perSecond, latency } = JSON.parse(await child.firstLine()) as RawAppendResult;
    return { perSecond, latency, failed: 0, unsent: 0, latenessP50Ms: null, leaderMoved: 0, processes: {} };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
