/** One node's configuration, complete and checked: what `startNode` takes. */
import type { HostPort } from "./units.js";

export type RoutingMode = "auto" | "redirect" | "forward" | "fault";
/** Which extensions answers may use, as `@quorate/protocol` writes them. */
export type Dialect = "standard" | "strict" | "apache";
export type LogLevel = "debug" | "info" | "warn" | "error";

export interface MemberConfig {
  readonly id: string;
  /** `host:port` where the other nodes reach it. */
  readonly peer: string;
  /** Base URL where clients reach it, without a trailing slash. */
  readonly http: string;
}

export interface NodeConfig {
  readonly node: string;
  /** Absolute path. */
  readonly dataDir: string;
  /** Absolute path of the service file; null: the built-in kv service. */
  readonly service: string | null;
  readonly http: {
    readonly listen: HostPort;
    /** Base URL without a trailing slash. */
    readonly advertise: string;
    /** Bytes. */
    readonly maxBody: number;
    /** Paths that take calls. */
    readonly paths: readonly string[];
    readonly dialect: Dialect;
    /** Clients connected at the same time. */
    readonly maxConnections: number;
    /** From a request's first byte to the end of its headers. */
    readonly headersTimeoutMs: number;
    /** From a request's first byte to its last; at least `headersTimeoutMs`. */
    readonly requestTimeoutMs: number;
    /** Silence between two calls on one connection. */
    readonly keepAliveTimeoutMs: number;
    /** From the moment at which another node leads until a stopping node takes no more calls. */
    readonly drainMs: number;
  };
  readonly peer: {
    readonly listen: HostPort;
    /** `host:port`. */
    readonly advertise: string;
    /** At least 16 bytes, shared by all nodes. */
    readonly secret: Uint8Array;
  };
  readonly cluster: {
    readonly name: string;
    /** This node included. */
    readonly members: readonly MemberConfig[];
  };
  readonly routing: RoutingMode;
  readonly reads: {
    /** A node that does not lead answers linearizable reads itself. */
    readonly followers: boolean;
  };
  readonly raft: {
    readonly heartbeatMs: number;
    readonly electionTimeoutMs: number;
    readonly promoteAfterMs: number;
  };
  readonly logLevel: LogLevel;
}
