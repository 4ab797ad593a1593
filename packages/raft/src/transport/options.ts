import type { NodeId } from "../core/index.js";
import type { HostPort } from "./address.js";
import { NAME_CHARS_MAX } from "./field-reader.js";
import { HANDSHAKE_FRAME_BYTES_MAX } from "./frame.js";
import { SECRET_BYTES_MIN, type VersionRange } from "./handshake.js";

/** Structured log lines: an object of fields, then a sentence. A pino logger fits. */
export interface TransportLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface TcpTransportOptions {
  readonly nodeId: NodeId;
  /** Where peers reach this node; port 0 picks a free one, see `TcpTransport.address`. */
  readonly listen: HostPort;
  /** The same on every node of the cluster, at least 16 bytes. Authenticates, does not encrypt. */
  readonly secret: Uint8Array;
  readonly log?: TransportLog;
  /** Largest frame accepted or sent, in bytes. Default 64 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes that may wait for one connection's socket; beyond it messages are dropped. Default 16 MiB. */
  readonly maxQueueBytes?: number;
  /** Requests to one peer without an answer, and requests of one peer being worked on. Default 1024. */
  readonly maxRequests?: number;
  /** A write without any progress for this long closes its connection, in milliseconds. Default 5000. */
  readonly stallMs?: number;
  /** A connected peer of which nothing is heard for about this long is dialled anew, in milliseconds. Default 3000. */
  readonly silenceMs?: number;
  /**
   * What a control connection carries is copied to the spare one when it gave no sign of life for this long, in
   * milliseconds; longer where the answers of that peer always take longer. Default 100.
   */
  readonly quietMs?: number;
  /** Name look-up and TCP connect together, in milliseconds; then the same again for the handshake. Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Connections that are still in their handshake; more are closed at once. Default 64. */
  readonly maxHandshakes?: number;
  /** Jitter of the redial back-off, uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Protocol versions spoken. Default: all that this release knows. For tests of mixed versions. */
  readonly versions?: VersionRange;
  // Mutual TLS will be an option here: it wraps the sockets, and the handshake runs inside unchanged.
}

/** All options, defaults filled in. */
export type Settings = Required<TcpTransportOptions>;

/** Versions of the peer protocol that this release speaks. */
export const PROTOCOL_VERSIONS: VersionRange = { lowest: 3, highest: 3 };

const MIB = 1024 * 1024;

const silent: TransportLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Throws `RangeError` with a sentence for whoever configured it. */
export function settingsOf(options: TcpTransportOptions): Settings {
  const settings: Settings = {
    log: silent,
    maxFrameBytes: 64 * MIB,
    maxQueueBytes: 16 * MIB,
    maxRequests: 1024,
    stallMs: 5000,
    silenceMs: 3000,
    quietMs: 100,
    connectTimeoutMs: 1000,
    maxHandshakes: 64,
    random: Math.random,
    versions: PROTOCOL_VERSIONS,
    ...options,
  };
  if (settings.secret.length < SECRET_BYTES_MIN) {
    throw new RangeError(
      `the peer secret has ${settings.secret.length} bytes: at least ${SECRET_BYTES_MIN} are needed`,
    );
  }
  checkName("nodeId", settings.nodeId);
  for (const name of [
    "maxQueueBytes",
    "maxRequests",
    "stallMs",
    "silenceMs",
    "quietMs",
    "connectTimeoutMs",
    "maxHandshakes",
  ] as const) {
    checkInteger(name, settings[name], 1);
  }
  checkInteger("maxFrameBytes", settings.maxFrameBytes, HANDSHAKE_FRAME_BYTES_MAX);
  return settings;
}

/** What does not fit a handshake frame is refused here, at the node that has it, not by a confused peer. */
export function checkName(what: string, value: string): void {
  if (value.length === 0 || value.length > NAME_CHARS_MAX) {
    throw new RangeError(`${what} must have 1 to ${NAME_CHARS_MAX} characters, not ${value.length}`);
  }
}

function checkInteger(name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} must be an integer of at least ${min}, not ${value}`);
  }
}
