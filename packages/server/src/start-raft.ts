/** From a node's configuration to its running Raft. */
import { randomBytes } from "node:crypto";
import { type RaftNode, type Storage, startRaftNode } from "@quorate/raft";
import type { TcpTransport } from "@quorate/raft/tcp";
import type { NodeConfig } from "./config/index.js";
import { listenError } from "./http/listen.js";
import type { CallResult } from "./state/types.js";

type RaftParts = Pick<
  Parameters<typeof startRaftNode<CallResult>>[0],
  | "identity"
  | "clock"
  | "stateMachine"
  | "executions"
  | "isOfEntry"
  | "holdBefore"
  | "log"
  | "onFatal"
  | "onRequest"
  | "onSnapshot"
  | "onWritten"
  | "onTick"
> & { readonly storage: Storage; readonly transport: TcpTransport };

/**
 * Raft with this node's configuration.
 *
 * @throws Error, a sentence for the operator, when nobody can listen at the address for peers
 */
export async function startRaft(config: NodeConfig, parts: RaftParts): Promise<RaftNode<CallResult>> {
  try {
    return await startRaftNode<CallResult>({
      ...parts,
      nodeId: config.node,
      clusterName: config.cluster.name,
      members: config.cluster.members,
      heartbeatMs: config.raft.heartbeatMs,
      electionTimeoutMs: config.raft.electionTimeoutMs,
      promotionMs: config.raft.promoteAfterMs,
      advertise: { peer: config.peer.advertise, http: config.http.advertise },
      random: Math.random,
      randomId: () => randomBytes(16).toString("hex"),
    });
  } catch (error) {
    throw listenError("peers", "peer.listen", config.peer.listen, error);
  }
}
