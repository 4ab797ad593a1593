/** Every setting with its value and where it came from. */
import type { LoadedSettings } from "./load.js";
import type { MemberConfig } from "./node-config.js";
import { hostPortText, urlText } from "./resolve.js";
import { type Setting, type SettingKey, settings } from "./settings.js";

export interface ShownSetting {
  readonly setting: string;
  /** Null: not set, or a secret. */
  readonly value: string | number | boolean | readonly string[] | null;
  /** For a person: says what null stands for. */
  readonly text: string;
  readonly kind: "flag" | "environment" | "file" | "default";
  /** `--node`, `QUORATE_NODE`, `quorate.yaml:3:1`, or what the default depends on. */
  readonly origin: string;
}

/** @param own this node's entry of the member list, which several defaults come from */
export function showSettings(loaded: LoadedSettings, own: MemberConfig | null): readonly ShownSetting[] {
  return settings.flatMap((setting) => {
    const origin = loaded.origins.get(setting.key);
    if (origin === undefined) return [defaultOf(setting, loaded, own)];
    const { kind } = origin;
    const where = (path: readonly PropertyKey[]) => origin.placeOf(path).place ?? kind;
    const shown = { setting: setting.key, kind, origin: where([]) };
    if (isSecret(setting)) return [{ ...shown, value: null, text: "(set, not shown)" }];
    if (loaded.values[setting.key] === undefined) {
      return [{ ...shown, value: null, text: "(not usable, see below)" }];
    }
    if (setting.key === "cluster.members") {
      return (loaded.values["cluster.members"] ?? []).map((member, index) => {
        const text = `{ id: ${member.id}, peer: ${hostPortText(member.peer)}, http: ${urlText(member.http)} }`;
        return { setting: `${setting.key}[${index}]`, kind, origin: where([index]), value: text, text };
      });
    }
    const value = writtenValue(setting, loaded, origin.raw);
    return [{ ...shown, value, text: Array.isArray(value) ? `[${value.join(", ")}]` : String(value) }];
  });
}

const isSecret = (setting: Setting): boolean => setting.secret === true;

/** As it was written, so that `500ms` stays `500ms`; paths and names as they came out. */
function writtenValue(
  setting: Setting & { key: SettingKey },
  { values }: LoadedSettings,
  raw: unknown,
): ShownSetting["value"] {
  const value = values[setting.key];
  if (setting.path === true || setting.key === "node") return String(value);
  if (Array.isArray(raw)) return raw.map(String);
  return typeof raw === "number" || typeof raw === "boolean" ? raw : String(raw);
}

function defaultOf(
  setting: Setting & { key: SettingKey },
  loaded: LoadedSettings,
  own: MemberConfig | null,
): ShownSetting {
  const shown = { setting: setting.key, kind: "default" } as const;
  const unset = (text: string): ShownSetting => ({ ...shown, value: null, text, origin: "default" });
  const fromEntry = (value: string | undefined): ShownSetting =>
    value === undefined
      ? unset(`(${setting.default})`)
      : { ...shown, value, text: value, origin: `default: ${own?.id} in cluster.members` };
  switch (setting.key) {
    case "http.listen":
      return fromEntry(own?.http && addressText(own.http));
    case "http.advertise":
      return fromEntry(own?.http);
    case "peer.listen":
    case "peer.advertise":
      return fromEntry(own?.peer);
    case "peer.secret":
    case "peer.secretFile": {
      const other = setting.key === "peer.secret" ? "peer.secretFile" : "peer.secret";
      return unset(loaded.origins.has(other) ? "(not set)" : "(missing)");
    }
    case "service":
      return unset(`(${setting.default})`);
    default:
      if (setting.default === "required") return unset("(missing)");
      return { ...shown, value: setting.default, text: setting.default, origin: "default" };
  }
}

const addressText = (url: string): string => {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? "80" : port}`;
};
