/** The configuration cannot be used. The message says where, what was expected, what came, what to do. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
