/** Three nodes of etcd with default settings, called through its JSON gateway, as a peer to measure beside. */
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallKind, type Calls, isAmong, keyOf } from "@quorate/server/load";
import { until } from "../cluster/cluster.js";
import { freePorts } from "../support/ports.js";
import { Child } from "./child.js";

interface EtcdNode {
  readonly name: string;
  readonly url: string;
  readonly child: Child;
}

export class Etcd implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    readonly nodes: readonly EtcdNode[],
  ) {}

  /** @param wrapper command and arguments that run each node's command */
  static async start(wrapper: (name: string) => readonly string[] = () => []): Promise<Etcd> {
    const folder = mkdtempSync(join(tmpdir(), "quorate-bench-etcd-"));
    const ports = await freePorts(6);
    const members = [0, 1, 2].map((index) => ({
      name: `e${index + 1}`,
      url: `http://127.0.0.1:${ports[2 * index]}`,
      peer: `http://127.0.0.1:${ports[2 * index + 1]}`,
    }));
    const nodes = members.map(({ name, url, peer }) => {
      const log = openSync(join(folder, `${name}.log`), "a");
      const flags = {
        "--name": name,
        "--data-dir": join(folder, name),
        "--listen-client-urls": url,
        "--advertise-client-urls": url,
        "--listen-peer-urls": peer,
        "--initial-advertise-peer-urls": peer,
        "--initial-cluster": members.map((member) => `${member.name}=${member.peer}`).join(","),
        "--initial-cluster-token": folder,
      };
      const command = [...wrapper(name), "etcd", ...Object.entries(flags).flat()];
      const child = Child.start(command, { log, env: environment() });
      closeSync(log);
      return { name, url, child };
    });
    const etcd = new Etcd(folder, nodes);
    try {
      await etcd.leader();
    } catch (error) {
      await etcd[Symbol.asyncDispose]();
      throw error;
    }
    return etcd;
  }

  async leader(): Promise<EtcdNode> {
    return until("a leader of etcd", async () => {
      for (const node of this.nodes) {
        if (!node.child.running) throw new Error(`etcd ${node.name} ended`);
        const status = await maintenanceStatus(node.url);
        if (status !== undefined && status.leader === status.header.member_id) return node;
      }
      return undefined;
    });
  }

  /** So that every read finds its key. */
  async fill(load: EtcdLoad): Promise<void> {
    const { url } = await this.leader();
    const keys = Array.from({ length: load.keys }, (_, at) => keyText(load, at));
    // An etcd transaction takes 128 operations by default.
    for (let from = 0; from < keys.length; from += 100) {
      const success = keys
        .slice(from, from + 100)
        .map((key) => ({ requestPut: { key: base64(key), value: base64("x".repeat(load.valueBytes)) } }));
      const response = await fetch(`${url}/v3/kv/txn`, { method: "POST", body: JSON.stringify({ success }) });
      const text = await response.text();
      if (!response.ok) throw new Error(`etcd refused a transaction: ${text}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.child[Symbol.asyncDispose]()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Debian's etcd starts on these processors only when told so. */
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  ...(process.arch === "arm64" ? { ETCD_UNSUPPORTED_ARCH: "arm64" } : {}),
});

interface MaintenanceStatus {
  readonly leader?: string;
  readonly header: { readonly member_id: string };
}

async function maintenanceStatus(url: string): Promise<MaintenanceStatus | undefined> {
  try {
    const response = await fetch(`${url}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal: AbortSignal.timeout(2000),
    });
    return response.ok ? ((await response.json()) as MaintenanceStatus) : undefined;
  } catch {
    // Not listening yet: the caller polls.
    return undefined;
  }
}

export interface EtcdLoad {
  readonly prefix: string;
  readonly keys: number;
  readonly valueBytes: number;
  /** Share of reads, from 0 to 100. */
  readonly readPercent: number;
  /** Reads from the node's own state, without asking the leader. */
  readonly serializable?: boolean;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const keyText = (load: EtcdLoad, at: number): string =>
  load.prefix + String(at).padStart(String(load.keys - 1).length, "0");

/** The same keys and values in the same order as `kvCalls`; etcd's JSON writes both in base64. */
export function etcdCalls(load: EtcdLoad): Calls {
  const value = base64("x".repeat(load.valueBytes));
  const key = (index: number) => base64(keyText(load, keyOf(index, load.keys)));
  const write: CallKind = {
    name: "put",
    path: "/v3/kv/put",
    contentType: "application/json",
    body: (index) => `{"key":"${key(index)}","value":"${value}"}`,
    failureOf: (status) => (status === 200 ? undefined : `HTTP ${status}`),
  };
  const serializable = load.serializable === true ? ',"serializable":true' : "";
  const read: CallKind = {
    name: "range",
    path: "/v3/kv/range",
    contentType: "application/json",
    body: (index) => `{"key":"${key(index)}"${serializable}}`,
    failureOf: (status, body) =>
      status === 200 ? (body.includes('"kvs"') ? undefined : "key not found") : `HTTP ${status}`,
  };
  return {
    kinds: [read, write],
    kindOf: (index) => (isAmong(index, load.readPercent) ? 0 : 1),
  };
}
