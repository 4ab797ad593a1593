/**
 * Every setting, once: its key in the file, how its text is read, and what it means. The flags
 * (`--raft-heartbeat`), the environment variables (`QUORATE_RAFT_HEARTBEAT`), the refusal of unknown
 * keys and the table in the README all come from here.
 */
import { hostname } from "node:os";
import * as z from "zod";
import { callPath, isReserved } from "./call-paths.js";
import { parseBaseUrl, parseDuration, parseHostPort, parseSize, textForms } from "./units.js";

/**
 * A zod type for text that a parser turns into a value.
 *
 * @param form what an editor may check already; the parser decides
 */
function parsed<T>(parse: (text: string) => T, form?: RegExp) {
  const text = z.string("expected text");
  const described = form === undefined ? text : text.meta({ pattern: form.source });
  return described.transform((given, context): T => {
    try {
      return parse(given);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });
}

const id = z
  .string("expected a name such as n1")
  .regex(textForms.id, "expected a name of letters, digits, '.', '_' or '-' (at most 63), such as n1");

/** In place of a node's id: one image or file serves machines that are named after their nodes. No id looks so. */
export const hostnameId = "@hostname";

/** Up to the first dot: `n1.example.org` is node n1. */
const nodeId = z
  .string("expected a name such as n1")
  .transform((text) => (text === hostnameId ? (hostname().split(".")[0] ?? "") : text))
  .pipe(id);

const hostPort = parsed(parseHostPort, textForms.hostPort);
const baseUrl = parsed(parseBaseUrl, textForms.baseUrl);
const duration = parsed(parseDuration, textForms.duration);
const size = parsed(parseSize, textForms.size);

const member = z.strictObject({ id, peer: hostPort, http: baseUrl });

export interface Setting {
  /** Dotted path in the file. */
  readonly key: string;
  readonly type: z.ZodType;
  /** Text given as a flag or environment variable is YAML (a list, a boolean); otherwise it is taken as it is. */
  readonly yaml?: true;
  readonly placeholder: string;
  readonly help: string;
  readonly default: string;
  /** Relative values are resolved against the folder of the file, or the working directory for flags and environment. */
  readonly path?: true;
  /** Never shown, not even in a message about it. */
  readonly secret?: true;
}

const nonEmpty = z.string("expected text").min(1, "expected a non-empty text");

export const settings = [
  {
    key: "node",
    type: nodeId,
    placeholder: "ID",
    help: "this node's id, one of cluster.members; @hostname: the machine's name",
    default: "required",
  },
  {
    key: "dataDir",
    type: nonEmpty,
    path: true,
    placeholder: "DIR",
    help: "folder for everything the node stores, mode 0700",
    default: "required",
  },
  {
    key: "service",
    type: nonEmpty,
    path: true,
    placeholder: "FILE",
    help: "service file (.ts, .js, .mjs)",
    default: "the built-in kv service",
  },
  {
    key: "http.listen",
    type: hostPort,
    placeholder: "HOST:PORT",
    help: "address for clients",
    default: "host and port of this node's `http`",
  },
  {
    key: "http.advertise",
    type: baseUrl,
    placeholder: "URL",
    help: "this node's URL as clients reach it",
    default: "this node's `http`",
  },
  {
    key: "http.maxBody",
    type: size,
    placeholder: "SIZE",
    help: "largest request body",
    default: "8MiB",
  },
  {
    key: "http.paths",
    type: z
      .array(
        z
          .string(callPath.expected)
          .regex(callPath.form, callPath.expected)
          .refine((path) => !isReserved(path), "expected a path that the server does not use itself"),
        "expected a list of paths",
      )
      .min(1),
    yaml: true,
    placeholder: "LIST",
    help: "paths that take calls",
    default: "[/RPC2, /]",
  },
  {
    key: "http.dialect",
    type: z.enum(["standard", "strict", "apache"], "expected standard, strict or apache"),
    placeholder: "NAME",
    help: "extensions that answers may use: `<i8>` and `<nil/>`, none, or Apache's",
    default: "standard",
  },
  {
    key: "http.maxConnections",
    type: z.int("expected a whole number").min(1, "expected at least 1"),
    yaml: true,
    placeholder: "NUMBER",
    help: "clients connected at the same time; more are closed at once",
    default: "10000",
  },
  {
    key: "http.headersTimeout",
    type: duration,
    placeholder: "TIME",
    help: "a request's headers must be complete by then",
    default: "10s",
  },
  {
    key: "http.requestTimeout",
    type: duration,
    placeholder: "TIME",
    help: "a whole request must have arrived by then",
    default: "30s",
  },
  {
    key: "http.keepAliveTimeout",
    type: duration,
    placeholder: "TIME",
    help: "silence between two calls on one connection",
    default: "75s",
  },
  {
    key: "http.drain",
    type: duration,
    placeholder: "TIME",
    help: "a stopping node says that it is not ready and still takes calls for so long",
    default: "500ms",
  },
  {
    key: "peer.listen",
    type: hostPort,
    placeholder: "HOST:PORT",
    help: "address for the other nodes",
    default: "this node's `peer`",
  },
  {
    key: "peer.advertise",
    type: hostPort,
    placeholder: "HOST:PORT",
    help: "this node's peer address as the others reach it",
    default: "this node's `peer`",
  },
  {
    key: "peer.secret",
    type: nonEmpty,
    secret: true,
    placeholder: "TEXT",
    help: "secret shared by all nodes, at least 16 bytes; authenticates, does not encrypt",
    default: "this or secretFile",
  },
  {
    key: "peer.secretFile",
    type: nonEmpty,
    path: true,
    placeholder: "FILE",
    help: "file that holds the secret",
    default: "this or secret",
  },
  {
    key: "cluster.name",
    type: id,
    placeholder: "NAME",
    help: "name of the cluster; nodes of another name are refused",
    default: "required",
  },
  {
    key: "cluster.members",
    type: z.array(member, "expected a list of { id, peer, http }").min(1, "expected at least one member"),
    yaml: true,
    placeholder: "LIST",
    help: "every node as { id, peer, http }, identical on every node at first start",
    default: "required",
  },
  {
    key: "routing",
    type: z.enum(["auto", "redirect", "forward", "fault"], "expected auto, redirect, forward or fault"),
    placeholder: "MODE",
    help: "what a node that does not lead does with a call for the leader",
    default: "auto",
  },
  {
    key: "reads.followers",
    type: z.boolean("expected true or false"),
    yaml: true,
    placeholder: "BOOL",
    help: "a node that does not lead answers linearizable reads itself",
    default: "false",
  },
  {
    key: "raft.heartbeat",
    type: duration,
    placeholder: "TIME",
    help: "time between two heartbeats",
    default: "50ms",
  },
  {
    key: "raft.electionTimeout",
    type: duration,
    placeholder: "TIME",
    help: "silence after which a follower campaigns: between this and twice this",
    default: "500ms",
  },
  {
    key: "raft.promoteAfter",
    type: duration,
    placeholder: "TIME",
    help: "how long an added node must have kept up before it votes",
    default: "10s",
  },
  {
    key: "insecure",
    type: z.boolean("expected true or false"),
    yaml: true,
    placeholder: "BOOL",
    help: "allow clients from beyond this machine although nothing authenticates them",
    default: "false",
  },
  {
    key: "log.level",
    type: z.enum(["debug", "info", "warn", "error"], "expected debug, info, warn or error"),
    placeholder: "LEVEL",
    help: "least severe log line that is written",
    default: "info",
  },
] as const satisfies readonly Setting[];

export type SettingKey = (typeof settings)[number]["key"];

/** What each setting's text or YAML becomes. */
export type SettingValues = {
  readonly [S in (typeof settings)[number] as S["key"]]?: z.output<S["type"]>;
};

/** Keys that the documentation of coming versions names: refused, with words of their own. */
export const notAvailableYet: readonly string[] = ["tls", "auth", "users", "http.tls", "peer.tls"];

/** `raft.electionTimeout` → `--raft-election-timeout`. */
export const flagOf = (key: string): string => `--${words(key).join("-")}`;

/** `raft.electionTimeout` → `QUORATE_RAFT_ELECTION_TIMEOUT`. */
export const environmentOf = (key: string): string => `QUORATE_${words(key).join("_").toUpperCase()}`;

const words = (key: string): string[] =>
  key.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split(".");
