/** Nodes of one cluster inside this process: real disk, real sockets, composed by the same `startNode` as in production. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeConfig, type RunningNode, startNode } from "@quorate/server/testing";
import { until } from "../cluster/cluster.js";
import { freePorts } from "../support/ports.js";

export interface LogLine {
  readonly node: string;
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

interface StatusJson {
  readonly node: string;
  readonly leader: string | null;
  readonly serves: boolean;
  readonly appliedIndex: number;
}

export class InProcessCluster implements AsyncDisposable {
  readonly configs: readonly NodeConfig[];
  readonly lines: LogLine[] = [];
  readonly #folder: string;
  readonly #running = new Map<string, RunningNode>();

  private constructor(folder: string, configs: readonly NodeConfig[]) {
    this.#folder = folder;
    this.configs = configs;
  }

  static async prepare(nodes: number): Promise<InProcessCluster> {
    const folder = mkdtempSync(join(tmpdir(), "quorate-nodes-"));
    const ports = await freePorts(2 * nodes);
    const portAt = (index: number) => ports[index] ?? 0;
    const members = Array.from({ length: nodes }, (_, index) => ({
      id: `n${index + 1}`,
      peer: `127.0.0.1:${portAt(2 * index)}`,
      http: `http://127.0.0.1:${portAt(2 * index + 1)}`,
    }));
    const configs = members.map(
      ({ id, peer, http }, index): NodeConfig => ({
        node: id,
        dataDir: join(folder, id),
        service: null,
        http: {
          listen: { host: "127.0.0.1", port: portAt(2 * index + 1) },
          advertise: http,
          maxBody: 256 * 1024,
          paths: ["/RPC2", "/"],
          dialect: "standard",
          maxConnections: 1000,
          headersTimeoutMs: 10_000,
          requestTimeoutMs: 30_000,
          keepAliveTimeoutMs: 75_000,
          drainMs: 500,
        },
        peer: {
          listen: { host: "127.0.0.1", port: portAt(2 * index) },
          advertise: peer,
          secret: Buffer.from("a secret of this test run"),
        },
        cluster: { name: "test", members },
        routing: "auto",
        reads: { followers: false },
        raft: { heartbeatMs: 50, promoteAfterMs: 10_000, electionTimeoutMs: 500 },
        logLevel: "info",
      }),
    );
    return new InProcessCluster(folder, configs);
  }

  /** Starts every node and waits until each one is ready. */
  static async start(nodes: number): Promise<InProcessCluster> {
    const cluster = await InProcessCluster.prepare(nodes);
    await Promise.all(cluster.configs.map((config) => cluster.startNode(config.node)));
    await cluster.ready();
    return cluster;
  }

  config(id: string): NodeConfig {
    const config = this.configs.find(({ node }) => node === id);
    if (config === undefined) throw new Error(`no node ${id}`);
    return config;
  }

  url(id: string): string {
    return this.config(id).http.advertise;
  }

  async startNode(id: string): Promise<RunningNode> {
    const write = (level: string) => (fields: object, message: string) =>
      void this.lines.push({ node: id, level, fields, message });
    const node = await startNode(this.config(id), {
      log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
      onFatal: (error) =>
        void this.lines.push({ node: id, level: "fatal", fields: {}, message: error.message }),
    });
    this.#running.set(id, node);
    return node;
  }

  async stopNode(id: string): Promise<void> {
    const node = this.#running.get(id);
    this.#running.delete(id);
    await node?.stop();
  }

  async ready(): Promise<void> {
    for (const id of this.#running.keys()) {
      await until(`${id} to be ready`, async () => {
        const response = await fetch(`${this.url(id)}/readyz`);
        await response.arrayBuffer();
        return response.ok ? true : undefined;
      });
    }
  }

  async status(id: string): Promise<StatusJson> {
    const response = await fetch(`${this.url(id)}/status`);
    return (await response.json()) as StatusJson;
  }

  /** The node that serves as leader. */
  async leader(): Promise<string> {
    return until("a leader that serves", async () => {
      for (const id of this.#running.keys()) {
        if ((await this.status(id)).serves) return id;
      }
      return undefined;
    });
  }

  async followers(): Promise<readonly [string, ...string[]]> {
    const leader = await this.leader();
    const [first, ...rest] = [...this.#running.keys()].filter((id) => id !== leader);
    if (first === undefined) throw new Error("this cluster has no follower");
    return [first, ...rest];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.stopNode(id)));
    rmSync(this.#folder, { recursive: true });
  }
}
