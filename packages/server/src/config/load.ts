/**
 * Gathers the settings from flags, environment and file (in this order of precedence), checks each one by
 * itself and remembers where it came from.
 */
import { resolve } from "node:path";
import { parse } from "yaml";
import { type Found, readConfigFile } from "./file.js";
import { nowhere, type Place, type Problem, problem } from "./problem.js";
import {
  environmentOf,
  flagOf,
  type Setting,
  type SettingKey,
  type SettingValues,
  settings,
} from "./settings.js";
import { nearest, suggestionFor } from "./suggest.js";

export interface Sources {
  /** Path of the config file, if one is used. */
  readonly file?: string;
  /** Text of flags by setting key. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Working directory: relative paths of flags and environment start here. */
  readonly directory: string;
}

/** Where a value came from, and how it was written there. */
export type Origin = Pick<Found, "kind" | "raw" | "placeOf">;

export interface LoadedSettings {
  /** Those that are usable by themselves. */
  readonly values: SettingValues;
  /** Of all settings that a source gives, usable or not. */
  readonly origins: ReadonlyMap<SettingKey, Origin>;
  readonly problems: readonly Problem[];
  /** False when the file is not there or no YAML: nobody knows then what it would have said. */
  readonly fileRead: boolean;
}

export function loadSettings(sources: Sources): LoadedSettings {
  const file = sources.file === undefined ? null : readConfigFile(sources.file);
  const problems: Problem[] = [...(file?.problems ?? []), ...unknownVariables(sources.environment)];
  const values: Record<string, unknown> = {};
  const origins = new Map<SettingKey, Origin>();
  for (const setting of settings) {
    const found = find(setting, sources, problems) ?? file?.found.get(setting.key);
    if (found === undefined) continue;
    origins.set(setting.key, found);
    const checked = check(setting, found);
    if (checked.ok) values[setting.key] = checked.value;
    else problems.push(...checked.problems);
  }
  const fileRead = file?.problems.every((one) => one.setting !== null) ?? true;
  return { values, origins, problems, fileRead };
}

function find(
  setting: Setting & { key: SettingKey },
  sources: Sources,
  problems: Problem[],
): Found | undefined {
  const variable = environmentOf(setting.key);
  const candidates = [
    { kind: "flag", text: sources.flags[setting.key], place: flagOf(setting.key) },
    { kind: "environment", text: sources.environment[variable], place: variable },
  ] as const;
  for (const { kind, text, place } of candidates) {
    if (text === undefined) continue;
    const where: Place = { ...nowhere, place };
    const raw = setting.yaml === true ? parsed(text, where, setting, problems) : text;
    return { kind, raw, placeOf: () => where, base: sources.directory };
  }
  return undefined;
}

/** Text that is no YAML stays text, and is refused for what it is. */
function parsed(text: string, place: Place, setting: Setting, problems: Problem[]): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push(problem(place, setting.key, `expected YAML: ${reason}`));
    return text;
  }
}

type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function check(setting: Setting, found: Found): Checked {
  const outcome = setting.type.safeParse(found.raw);
  if (outcome.success) {
    const value = setting.path === true ? resolve(found.base, String(outcome.data)) : outcome.data;
    return { ok: true, value };
  }
  return {
    ok: false,
    problems: outcome.error.issues.flatMap((issue) => {
      if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) =>
          problem(
            found.placeOf([...issue.path, key]),
            [setting.key, ...issue.path, key].join("."),
            "unknown setting",
            {
              suggestion: "known: id, peer, http",
            },
          ),
        );
      }
      const raw = at(found.raw, issue.path);
      return problem(
        found.placeOf(issue.path),
        [setting.key, ...issue.path].join("."),
        `${issue.message}${gotten(setting, issue.message, raw)}`,
        { suggestion: suggestionFor(setting, issue.path, raw) },
      );
    }),
  };
}

function at(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

/** Messages of our own parsers already quote what came. */
function gotten(setting: Setting, message: string, raw: unknown): string {
  if (message.includes(", got ")) return "";
  if (raw === undefined) return ", got nothing";
  if (setting.secret === true) return `, got a ${typeof raw}`;
  if (typeof raw === "object") return raw === null ? ", got nothing" : "";
  return `, got ${JSON.stringify(raw)}`;
}

/** `QUORATE_URL` and `QUORATE_TIMEOUT` belong to the client commands. */
const otherVariables = ["QUORATE_URL", "QUORATE_TIMEOUT"];

function unknownVariables(environment: Sources["environment"]): readonly Problem[] {
  const known = [...settings.map((setting) => environmentOf(setting.key)), ...otherVariables];
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith("QUORATE_") && environment[name] !== undefined && !known.includes(name),
  );
  return unknown.map((name) => {
    const near = nearest(name, known);
    return problem({ ...nowhere, place: "environment" }, null, `unknown variable ${name}`, {
      suggestion: near === undefined ? "see `quorate serve --help`" : `did you mean ${near}?`,
    });
  });
}
