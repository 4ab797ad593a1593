/** What a configuration may say, and an operator should hear of at each start. */
import type { NodeConfig } from "./node-config.js";
import { hostPortText } from "./resolve.js";
import { isLoopback } from "./units.js";

/** A sentence each, for the log. */
export function startWarnings({ http: { listen } }: Pick<NodeConfig, "http">): readonly string[] {
  if (isLoopback(listen.host)) return [];
  return [
    `${hostPortText(listen)} is reachable from other machines and nothing authenticates clients yet ` +
      "(insecure: true): let a firewall decide who may call",
  ];
}
