/** One question about the cluster to the leader, over the link between nodes. */
import { Fault, faultCodes, isArray, type Value } from "@quorate/protocol";
import { RequestFailed } from "@quorate/raft";
import { forwardVersion } from "./forwarding.js";
import type { Raft, Service } from "./ports.js";

export interface AskOptions {
  readonly raft: Pick<Raft, "request">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
}

/**
 * What the leader answered, without the version.
 * @param doing what it is asked for, as in `hand leadership over`
 * @throws Fault: the leader's own, `noLeader` when nothing was sent, `outcomeUnknown` when no answer came
 */
export async function askLeader(
  { raft, codec }: AskOptions,
  leader: string,
  question: readonly Value[],
  doing: string,
  timeoutMs: number,
): Promise<readonly Value[]> {
  let answer: Uint8Array;
  try {
    answer = await raft.request(leader, codec.encodeValue([forwardVersion, ...question]), timeoutMs);
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    throw error.sent
      ? new Fault(faultCodes.outcomeUnknown, `${leader} was asked to ${doing} and did not answer`)
      : new Fault(faultCodes.noLeader, `the leader ${leader} could not be asked: ${error.message}`);
  }
  const fields = codec.decodeValue(answer);
  const [, ...rest] = isArray(fields) ? fields : [];
  const [ending, code, text] = rest;
  if (ending === "fault" && typeof code === "number" && typeof text === "string") throw new Fault(code, text);
  return rest;
}
