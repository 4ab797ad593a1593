/** Turns loaded settings into a node's configuration: defaults, relations between settings, refusals. */
import { readFileSync } from "node:fs";
import { ConfigError } from "./config-error.js";
import type { LoadedSettings } from "./load.js";
import type { MemberConfig, NodeConfig } from "./node-config.js";
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
  heartbeatMs: 50,
  electionTimeoutMs: 500,
} as const;

/** Least bytes of the shared secret: 128 bits. */
const secretBytesMin = 16;

export function resolveConfig(loaded: LoadedSettings): NodeConfig {
  const { values } = loaded;
  const node = required(loaded, "node");
  const members = checkMembers(required(loaded, "cluster.members"));
  const own = members.find((member) => member.id === node);
  if (own === undefined) {
    const ids = members.map((member) => member.id).join(", ");
    throw new ConfigError(`node: ${node} is not in cluster.members (${ids}); name one of them or add it`);
  }
  const http = {
    listen: values["http.listen"] ?? addressOf(new URL(own.http)),
    advertise: sameAs(
      own.http,
      values["http.advertise"] && urlText(values["http.advertise"]),
      "http.advertise",
      own,
    ),
    maxBody: values["http.maxBody"] ?? defaults.maxBody,
    paths: values["http.paths"] ?? defaults.paths,
    dialect: values["http.dialect"] ?? "standard",
    maxConnections: values["http.maxConnections"] ?? defaults.maxConnections,
    ...checkHttpTimes(values),
  };
  refuseOpenListener(http.listen, values);
  return {
    node,
    dataDir: required(loaded, "dataDir"),
    service: values.service ?? null,
    http,
    peer: {
      listen: values["peer.listen"] ?? parseMemberPeer(own.peer),
      advertise: sameAs(
        own.peer,
        values["peer.advertise"] && hostPortText(values["peer.advertise"]),
        "peer.advertise",
        own,
      ),
      secret: readSecret(loaded),
    },
    cluster: { name: required(loaded, "cluster.name"), members },
    routing: values.routing ?? "auto",
    reads: { followers: values["reads.followers"] ?? false },
    raft: checkTimes(values),
    logLevel: values["log.level"] ?? "info",
  };
}

function required<K extends SettingKey>(loaded: LoadedSettings, key: K): NonNullable<SettingValues[K]> {
  const value = loaded.values[key];
  if (value === undefined || value === null) {
    throw new ConfigError(
      `${key} is missing; set it in the config file, as ${flagOf(key)} or as ${environmentOf(key)}`,
    );
  }
  return value;
}

function checkMembers(entries: NonNullable<SettingValues["cluster.members"]>): readonly MemberConfig[] {
  const members = entries.map((entry) => ({
    id: entry.id,
    peer: hostPortText(entry.peer),
    http: urlText(entry.http),
  }));
  for (const field of ["id", "peer", "http"] as const) {
    const seen = new Map<string, string>();
    for (const member of members) {
      const other = seen.get(member[field]);
      if (other !== undefined) {
        throw new ConfigError(
          `cluster.members: ${field} ${member[field]} is used twice (${other}, ${member.id}); each must be unique`,
        );
      }
      seen.set(member[field], member.id);
    }
  }
  return members;
}

/** The members' entry decides; saying the same again is allowed, saying something else is a contradiction. */
function sameAs(
  entry: string,
  given: string | undefined,
  key: "http.advertise" | "peer.advertise",
  own: MemberConfig,
): string {
  if (given !== undefined && given !== entry) {
    throw new ConfigError(
      `${key} says ${given}, but cluster.members says ${entry} for ${own.id}; make them equal or remove ${key}`,
    );
  }
  return entry;
}

function refuseOpenListener(listen: HostPort, values: SettingValues): void {
  if (isLoopback(listen.host) || values.insecure === true) return;
  throw new ConfigError(
    `http.listen ${hostPortText(listen)} is reachable from other machines and nothing authenticates clients yet; ` +
      "set `insecure: true` to accept that (and firewall the port), or listen on 127.0.0.1",
  );
}

function checkHttpTimes(
  values: SettingValues,
): Pick<NodeConfig["http"], "headersTimeoutMs" | "requestTimeoutMs" | "keepAliveTimeoutMs"> {
  const times = {
    headersTimeoutMs: values["http.headersTimeout"] ?? defaults.headersTimeoutMs,
    requestTimeoutMs: values["http.requestTimeout"] ?? defaults.requestTimeoutMs,
    keepAliveTimeoutMs: values["http.keepAliveTimeout"] ?? defaults.keepAliveTimeoutMs,
  };
  for (const [name, ms] of Object.entries(times)) {
    // 0 would mean forever.
    if (ms < 1) throw new ConfigError(`http.${name.slice(0, -2)}: expected at least 1ms, got ${ms}ms`);
  }
  if (times.requestTimeoutMs < times.headersTimeoutMs) {
    throw new ConfigError(
      `http.requestTimeout: expected at least http.headersTimeout (${times.headersTimeoutMs}ms), ` +
        `got ${times.requestTimeoutMs}ms: the headers are part of the request`,
    );
  }
  return times;
}

function checkTimes(values: SettingValues): NodeConfig["raft"] {
  const heartbeatMs = values["raft.heartbeat"] ?? defaults.heartbeatMs;
  const electionTimeoutMs = values["raft.electionTimeout"] ?? defaults.electionTimeoutMs;
  if (heartbeatMs < 5) throw new ConfigError(`raft.heartbeat: expected at least 5ms, got ${heartbeatMs}ms`);
  if (electionTimeoutMs < 4 * heartbeatMs) {
    throw new ConfigError(
      `raft.electionTimeout: expected at least 4 times raft.heartbeat (${4 * heartbeatMs}ms), got ${electionTimeoutMs}ms`,
    );
  }
  return { heartbeatMs, electionTimeoutMs };
}

function readSecret({ values, origins }: LoadedSettings): Uint8Array {
  const text = values["peer.secret"];
  const file = values["peer.secretFile"];
  if (text !== undefined && file !== undefined) {
    throw new ConfigError(
      `peer.secret (${origins["peer.secret"]}) and peer.secretFile (${origins["peer.secretFile"]}) are both set; keep one`,
    );
  }
  const secret = file === undefined ? text : readSecretFile(file);
  if (secret === undefined) {
    throw new ConfigError(
      "peer.secret or peer.secretFile is missing; make one with: head -c 32 /dev/urandom | base64 > secret",
    );
  }
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length < secretBytesMin) {
    throw new ConfigError(`peer.secret: expected at least ${secretBytesMin} bytes, got ${bytes.length}`);
  }
  return bytes;
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new ConfigError(
      `peer.secretFile: cannot read ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

const addressOf = (url: URL): HostPort => ({
  host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
  port: url.port === "" ? 80 : Number(url.port),
});

function parseMemberPeer(text: string): HostPort {
  return addressOf(new URL(`tcp://${text}`));
}

const hostPortText = ({ host, port }: HostPort): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** `http://host:port`, no trailing slash. */
const urlText = (url: URL): string => url.origin;
