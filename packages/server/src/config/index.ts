/** Configuration: flags, environment and file, checked and resolved. */
import { type LoadedSettings, loadSettings, type Sources } from "./load.js";
import type { NodeConfig } from "./node-config.js";
import { resolveConfig } from "./resolve.js";

export { ConfigError } from "./config-error.js";
export type { LogLevel, MemberConfig, NodeConfig, RoutingMode } from "./node-config.js";
export { environmentOf, flagOf, type SettingKey, settings } from "./settings.js";
export type { LoadedSettings, Sources };

/** Throws `ConfigError`. */
export const readConfig = (sources: Sources): NodeConfig => resolveConfig(loadSettings(sources));
