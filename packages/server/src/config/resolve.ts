/** Turns loaded settings into a node's configuration: defaults, relations between settings, refusals. */
import { readFileSync } from "node:fs";
import { ConfigError } from "./config-error.js";
import type { LoadedSettings } from "./load.js";
import type { MemberConfig, NodeConfig } from "./node-config.js";
import { nowhere, type Problem, problem } from "./problem.js";
import { environmentOf, flagOf, type SettingKey, type SettingValues } from "./settings.js";
import { type HostPort, isLoopback } from "./units.js";

const defaults = {
  maxBody: 8 * 1024 ** 2,
  paths: ["/RPC2", "/"],
  maxConnections: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  // Several clients send a POST again by themselves when an idle connection dies under them: keep it long.
  keepAliveTimeoutMs: 75_000,
  drainMs: 500,
  heartbeatMs: 50,
  electionTimeoutMs: 500,
  promoteAfterMs: 10_000,
} as const;

/** Least bytes of the shared secret: 128 bits. */
const secretBytesMin = 16;

export interface ResolvedSettings {
  /** Null exactly when there are problems. */
  readonly config: NodeConfig | null;
  /** This node's entry of the member list; null when it has none. */
  readonly own: MemberConfig | null;
  /** The usable entries of the member list. */
  readonly members: readonly MemberConfig[];
  readonly problems: readonly Problem[];
}

/** Never throws: everything that is wrong is told at once. */
export function resolveSettings(loaded: LoadedSettings): ResolvedSettings {
  return new Resolution(loaded).run();
}

/** @throws ConfigError */
export function resolveConfig(loaded: LoadedSettings): NodeConfig {
  const { config, problems } = resolveSettings(loaded);
  if (config === null) throw new ConfigError(problems);
  return config;
}

class Resolution {
  readonly #problems: Problem[];
  readonly #values: SettingValues;

  constructor(readonly loaded: LoadedSettings) {
    this.#problems = [...loaded.problems];
    this.#values = loaded.values;
  }

  run(): ResolvedSettings {
    const values = this.#values;
    const node = this.#required("node");
    const name = this.#required("cluster.name");
    const dataDir = this.#required("dataDir");
    const members = this.#members(this.#required("cluster.members") ?? []);
    const own = node === null ? null : this.#ownEntry(node, members);
    const secret = this.#secret();
    const raft = this.#raftTimes();
    const httpTimes = this.#httpTimes();
    const httpListen = values["http.listen"] ?? (own === null ? null : addressOf(new URL(own.http)));
    if (httpListen !== null) this.#refuseOpenListener(httpListen);
    if (own !== null) {
      this.#requireSame(own, "http.advertise", own.http, given(values["http.advertise"], urlText));
      this.#requireSame(own, "peer.advertise", own.peer, given(values["peer.advertise"], hostPortText));
    }
    const problems = this.#problems;
    const complete = own !== null && name !== null && dataDir !== null && secret !== null;
    if (problems.length > 0 || !complete || httpListen === null) {
      return { config: null, own, members, problems };
    }
    const config: NodeConfig = {
      node: own.id,
      dataDir,
      service: values.service ?? null,
      http: {
        listen: httpListen,
        advertise: own.http,
        maxBody: values["http.maxBody"] ?? defaults.maxBody,
        paths: values["http.paths"] ?? defaults.paths,
        dialect: values["http.dialect"] ?? "standard",
        maxConnections: values["http.maxConnections"] ?? defaults.maxConnections,
        ...httpTimes,
      },
      peer: {
        listen: values["peer.listen"] ?? parseMemberPeer(own.peer),
        advertise: own.peer,
        secret,
      },
      cluster: { name, members },
      routing: values.routing ?? "auto",
      reads: { followers: values["reads.followers"] ?? false },
      raft,
      logLevel: values["log.level"] ?? "info",
    };
    return { config, own, members, problems };
  }

  #report(key: SettingKey, message: string, suggestion: string, path: readonly PropertyKey[] = []): void {
    const place = this.loaded.origins.get(key)?.placeOf(path) ?? nowhere;
    this.#problems.push(problem(place, key, message, { suggestion }));
  }

  /** Not when the file cannot be read: it may hold what seems to be missing. */
  #reportMissing(key: SettingKey, message: string, suggestion: string): void {
    if (!this.loaded.fileRead) return;
    const place = this.loaded.origins.get(key)?.placeOf([]) ?? nowhere;
    this.#problems.push(problem(place, key, message, { suggestion, missing: true }));
  }

  /** Null when it is missing, or was refused before. */
  #required<K extends SettingKey>(key: K): NonNullable<SettingValues[K]> | null {
    const value = this.#values[key];
    if (value !== undefined && value !== null) return value;
    if (!this.loaded.origins.has(key)) {
      const where = `set it in the config file, as ${flagOf(key)} or as ${environmentOf(key)}`;
      this.#reportMissing(key, "missing", where);
    }
    return null;
  }

  #members(entries: NonNullable<SettingValues["cluster.members"]>): readonly MemberConfig[] {
    const members = entries.map((entry) => ({
      id: entry.id,
      peer: hostPortText(entry.peer),
      http: urlText(entry.http),
    }));
    for (const field of ["id", "peer", "http"] as const) {
      const seen = new Map<string, string>();
      for (const [index, member] of members.entries()) {
        const other = seen.get(member[field]);
        if (other !== undefined) {
          this.#report(
            "cluster.members",
            `${field} ${member[field]} is used twice (${other}, ${member.id})`,
            "each must be unique",
            [index, field],
          );
        }
        seen.set(member[field], member.id);
      }
    }
    return members;
  }

  #ownEntry(node: string, members: readonly MemberConfig[]): MemberConfig | null {
    const own = members.find((member) => member.id === node);
    if (own !== undefined) return own;
    // A list that is missing or wrong has been reported; every id would be foreign to it.
    if (members.length > 0) {
      const ids = members.map((member) => member.id).join(", ");
      this.#report("node", `${node} is not in cluster.members (${ids})`, "name one of them or add it");
    }
    return null;
  }

  /** The members' entry decides; saying the same again is allowed, saying something else is a contradiction. */
  #requireSame(
    own: MemberConfig,
    key: "http.advertise" | "peer.advertise",
    entry: string,
    said: string | null,
  ): void {
    if (said === null || said === entry) return;
    const message = `says ${said}, but cluster.members says ${entry} for ${own.id}`;
    this.#report(key, message, `make them equal or remove ${key}`);
  }

  #refuseOpenListener(listen: HostPort): void {
    if (isLoopback(listen.host) || this.#values.insecure === true) return;
    this.#report(
      "http.listen",
      `${hostPortText(listen)} is reachable from other machines and nothing authenticates clients yet`,
      "set `insecure: true` to accept that (and firewall the port), or listen on 127.0.0.1",
    );
  }

  #httpTimes(): Pick<
    NodeConfig["http"],
    "headersTimeoutMs" | "requestTimeoutMs" | "keepAliveTimeoutMs" | "drainMs"
  > {
    const headersTimeoutMs = this.#timeout("http.headersTimeout", defaults.headersTimeoutMs);
    const requestTimeoutMs = this.#timeout("http.requestTimeout", defaults.requestTimeoutMs);
    const keepAliveTimeoutMs = this.#timeout("http.keepAliveTimeout", defaults.keepAliveTimeoutMs);
    if (requestTimeoutMs < headersTimeoutMs) {
      this.#report(
        "http.requestTimeout",
        `expected at least http.headersTimeout (${headersTimeoutMs}ms), got ${requestTimeoutMs}ms`,
        "the headers are part of the request: raise it, or lower http.headersTimeout",
      );
    }
    const drainMs = this.#values["http.drain"] ?? defaults.drainMs;
    return { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, drainMs };
  }

  /** Node would take 0 for forever. */
  #timeout(key: `http.${"headers" | "request" | "keepAlive"}Timeout`, otherwise: number): number {
    const ms = this.#values[key] ?? otherwise;
    if (ms < 1) this.#report(key, `expected at least 1ms, got ${ms}ms`, `the default is ${otherwise}ms`);
    return ms;
  }

  #raftTimes(): NodeConfig["raft"] {
    const values = this.#values;
    const heartbeatMs = values["raft.heartbeat"] ?? defaults.heartbeatMs;
    const electionTimeoutMs = values["raft.electionTimeout"] ?? defaults.electionTimeoutMs;
    if (heartbeatMs < 5) {
      this.#report("raft.heartbeat", `expected at least 5ms, got ${heartbeatMs}ms`, "the default is 50ms");
    }
    if (electionTimeoutMs < 4 * heartbeatMs) {
      this.#report(
        "raft.electionTimeout",
        `expected at least 4 times raft.heartbeat (${4 * heartbeatMs}ms), got ${electionTimeoutMs}ms`,
        "raise it, or lower raft.heartbeat",
      );
    }
    const promoteAfterMs = values["raft.promoteAfter"] ?? defaults.promoteAfterMs;
    if (promoteAfterMs < electionTimeoutMs) {
      this.#report(
        "raft.promoteAfter",
        `expected at least raft.electionTimeout (${electionTimeoutMs}ms), got ${promoteAfterMs}ms`,
        "raise it",
      );
    }
    return { heartbeatMs, electionTimeoutMs, promoteAfterMs };
  }

  #secret(): Uint8Array | null {
    const text = this.#values["peer.secret"];
    const file = this.#values["peer.secretFile"];
    const { origins } = this.loaded;
    if (text !== undefined && file !== undefined) {
      const places = (["peer.secret", "peer.secretFile"] as const).map(
        (key) => `${key} (${origins.get(key)?.placeOf([]).place})`,
      );
      this.#report("peer.secret", `${places.join(" and ")} are both set`, "keep one");
      return null;
    }
    if (text === undefined && file === undefined) {
      if (!origins.has("peer.secret") && !origins.has("peer.secretFile")) {
        this.#reportMissing(
          "peer.secret",
          "peer.secret or peer.secretFile is missing",
          "make one with: head -c 32 /dev/urandom | base64 > secret",
        );
      }
      return null;
    }
    const key = file === undefined ? "peer.secret" : "peer.secretFile";
    const secret = file === undefined ? text : this.#secretFile(file);
    if (secret === undefined || secret === null) return null;
    const bytes = new TextEncoder().encode(secret);
    if (bytes.length < secretBytesMin) {
      this.#report(
        key,
        `expected at least ${secretBytesMin} bytes, got ${bytes.length}`,
        "make one with: head -c 32 /dev/urandom | base64 > secret",
      );
    }
    return bytes;
  }

  #secretFile(path: string): string | null {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#reportMissing(
        "peer.secretFile",
        `cannot read ${path}: ${reason}`,
        "put the secret there, the same on every machine",
      );
      return null;
    }
  }
}

const given = <T>(value: T | undefined, text: (value: T) => string): string | null =>
  value === undefined ? null : text(value);

export const addressOf = (url: URL): HostPort => ({
  host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
  port: url.port === "" ? 80 : Number(url.port),
});

export function parseMemberPeer(text: string): HostPort {
  return addressOf(new URL(`tcp://${text}`));
}

export const hostPortText = ({ host, port }: HostPort): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** `http://host:port`, no trailing slash. */
export const urlText = (url: URL): string => url.origin;
