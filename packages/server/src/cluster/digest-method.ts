/** `cluster.digest`: what the answering node's state is, and how it compared with the others'. */
import { struct } from "@quorate/protocol";
import type { LocalMethod } from "../rpc/ports.js";
import { expectNone } from "../rpc/system-methods.js";
import type { DigestFindings } from "./digest-check.js";

export interface DigestSource {
  readonly node: string;
  /** Of the last entry executed here. */
  index(): number;
  /** SHA-256 over the results and effects of all entries up to there. */
  digest(): Uint8Array;
  findings(): DigestFindings;
}

export function digestMethod(source: DigestSource): LocalMethod {
  return {
    help:
      "The digest of the answering node's state after the log entry index, equal on all nodes after the same entry; when " +
      "it was last compared with other nodes (empty: not yet), up to which entry and with whom it was equal, and how " +
      "many comparisons found a mismatch since the node started.",
    signatures: [["struct"]],
    parameters: [],
    call: (params) => {
      expectNone(params);
      const { comparedAtMs, equalIndex, equalWith, mismatches } = source.findings();
      return struct([
        ["node", source.node],
        ["index", source.index()],
        ["digest", Buffer.from(source.digest()).toString("hex")],
        // Several clients cannot read `<nil/>`.
        ["comparedAt", comparedAtMs === null ? "" : new Date(comparedAtMs).toISOString()],
        ["equalIndex", equalIndex],
        ["equalWith", [...equalWith]],
        ["mismatches", mismatches],
      ]);
    },
  };
}
