/** Configuration: flags, environment and file, checked and resolved. */
import { type LoadedSettings, loadSettings, type Sources } from "./load.js";
import type { NodeConfig } from "./node-config.js";
import type { Problem } from "./problem.js";
import { resolveConfig, resolveSettings } from "./resolve.js";
import { type ShownSetting, showSettings } from "./show.js";

export { checkFile, type FileCheck } from "./check.js";
export { ConfigError } from "./config-error.js";
export type { LogLevel, MemberConfig, NodeConfig, RoutingMode } from "./node-config.js";
export { type Problem, problemText } from "./problem.js";
export { configSchema } from "./schema.js";
export { environmentOf, flagOf, type SettingKey, settings } from "./settings.js";
export { startWarnings } from "./warnings.js";
export type { LoadedSettings, ShownSetting, Sources };

/** Throws `ConfigError`. */
export const readConfig = (sources: Sources): NodeConfig => resolveConfig(loadSettings(sources));

/** What `readConfig` would see, complete or not. */
export function showConfig(sources: Sources): {
  readonly settings: readonly ShownSetting[];
  readonly problems: readonly Problem[];
} {
  const loaded = loadSettings(sources);
  const { own, problems } = resolveSettings(loaded);
  return { settings: showSettings(loaded, own), problems };
}
