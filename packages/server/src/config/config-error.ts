import { type Problem, problemText } from "./problem.js";

/** The configuration cannot be used. The message has a line per problem: where, what was expected, what came, what to do. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(problemText).join("\n"));
  }
}
