/**
 * Gathers the settings from flags, environment and file (in this order of precedence), checks each one
 * and remembers where it came from.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LineCounter, parse, parseDocument } from "yaml";
import { ConfigError } from "./config-error.js";
import {
  environmentOf,
  flagOf,
  notAvailableYet,
  type Setting,
  type SettingKey,
  type SettingValues,
  settings,
} from "./settings.js";
import { nearest } from "./suggest.js";

export interface Sources {
  /** Path of the config file, if one is used. */
  readonly file?: string;
  /** Text of flags by setting key. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Working directory: relative paths of flags and environment start here. */
  readonly directory: string;
}

export interface LoadedSettings {
  readonly values: SettingValues;
  /** Where each value came from, for messages: `--raft-heartbeat`, `QUORATE_NODE`, `quorate.yaml`. */
  readonly origins: Readonly<Partial<Record<SettingKey, string>>>;
}

interface Found {
  readonly raw: unknown;
  readonly origin: string;
  readonly base: string;
}

export function loadSettings(sources: Sources): LoadedSettings {
  const fromFile = sources.file === undefined ? new Map<string, Found>() : readFile(sources.file);
  refuseUnknownEnvironment(sources.environment);
  const values: Record<string, unknown> = {};
  const origins: Partial<Record<SettingKey, string>> = {};
  for (const setting of settings) {
    const found = find(setting, sources) ?? fromFile.get(setting.key);
    if (found === undefined) continue;
    values[setting.key] = check(setting, found);
    origins[setting.key] = found.origin;
  }
  return { values, origins };
}

function find(setting: Setting & { key: SettingKey }, sources: Sources): Found | undefined {
  const flag = sources.flags[setting.key];
  if (flag !== undefined) return fromText(setting, flag, flagOf(setting.key), sources.directory);
  const name = environmentOf(setting.key);
  const variable = sources.environment[name];
  if (variable !== undefined) return fromText(setting, variable, name, sources.directory);
  return undefined;
}

function fromText(setting: Setting, text: string, origin: string, base: string): Found {
  if (setting.yaml !== true) return { raw: text, origin, base };
  try {
    return { raw: parse(text), origin, base };
  } catch (error) {
    throw new ConfigError(`${origin}: expected YAML, got ${JSON.stringify(text)} (${messageOf(error)})`);
  }
}

function check(setting: Setting, found: Found): unknown {
  const outcome = setting.type.safeParse(found.raw);
  if (!outcome.success) {
    const issue = outcome.error.issues[0];
    const where = [setting.key, ...(issue?.path ?? [])].join(".");
    throw new ConfigError(
      `${found.origin}: ${where}: ${issue?.message ?? "not usable"}${gotten(issue?.message, found.raw)}`,
    );
  }
  return setting.path === true ? resolve(found.base, String(outcome.data)) : outcome.data;
}

/** Messages of our own parsers already quote what came. */
function gotten(message: string | undefined, raw: unknown): string {
  if (message === undefined || message.includes(", got ") || typeof raw === "object") return "";
  return `, got ${JSON.stringify(raw)}`;
}

/** The leaves of the file as dotted keys. Refuses what is not YAML, not a mapping, unknown or not built. */
function readFile(path: string): Map<string, Found> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`cannot read the config file ${path}: ${messageOf(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new ConfigError(`${path}:${line}:${col}: not YAML: ${problem.message}`);
  }
  const root: unknown = document.toJS();
  const found = new Map<string, Found>();
  if (root === null) return found;
  flatten(root, "", path, found);
  return found;
}

function flatten(value: unknown, prefix: string, path: string, found: Map<string, Found>): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const inside = prefix === "" ? "the file" : prefix;
    throw new ConfigError(`${path}: ${inside}: expected a mapping of settings, got ${JSON.stringify(value)}`);
  }
  for (const [name, child] of Object.entries(value)) {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    if (settings.some((setting) => setting.key === key)) {
      found.set(key, { raw: child, origin: path, base: dirname(resolve(path)) });
    } else if (settings.some((setting) => setting.key.startsWith(`${key}.`))) {
      flatten(child, key, path, found);
    } else {
      refuseUnknownKey(key, path);
    }
  }
}

function refuseUnknownKey(key: string, path: string): never {
  if (notAvailableYet.some((planned) => key === planned || key.startsWith(`${planned}.`))) {
    throw new ConfigError(`${path}: ${key} is not available in this version of Quorate; remove it`);
  }
  const near = nearest(key, [...settings.map((setting) => setting.key), ...sections()]);
  const hint =
    near === undefined
      ? `known: ${settings.map((setting) => setting.key).join(", ")}`
      : `did you mean ${near}?`;
  throw new ConfigError(`${path}: unknown setting ${key}; ${hint}`);
}

const sections = (): string[] => [
  ...new Set(
    settings.filter((setting) => setting.key.includes(".")).map((setting) => setting.key.split(".")[0] ?? ""),
  ),
];

/** `QUORATE_URL` and `QUORATE_TIMEOUT` belong to the client commands. */
const otherVariables = ["QUORATE_URL", "QUORATE_TIMEOUT"];

function refuseUnknownEnvironment(environment: Sources["environment"]): void {
  const known = [...settings.map((setting) => environmentOf(setting.key)), ...otherVariables];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith("QUORATE_") || known.includes(name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? "see `quorate serve --help`" : `did you mean ${near}?`;
    throw new ConfigError(`environment: unknown variable ${name}; ${hint}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
