/**
 * `cluster.transfer`: hands leadership to another node. Any node takes the call and asks the leader, over
 * the peer link, so that no client has to follow a redirect for it; nothing of it enters the log.
 *
 * Question: `[version, "transfer", id or ""]`. Answer: `[version, "moved", leader]` or
 * `[version, "fault", code, text]`.
 */
import { Fault, faultCodes, isArray, type Value } from "@quorate/protocol";
import type { Clock } from "@quorate/raft";
import type { Operation } from "../rpc/ports.js";
import { wrongParams } from "../rpc/system-methods.js";
import { askLeader } from "./ask-leader.js";
import type { ClusterWatch } from "./cluster-watch.js";
import { forwardVersion } from "./forwarding.js";
import { successors } from "./hand-over.js";
import { waitForChange } from "./leader-wait.js";
import type { Raft, Service } from "./ports.js";

export interface TransferOptions {
  readonly raft: Pick<Raft, "status" | "request"> & { transfer(to: string): Promise<void> };
  readonly watch: Pick<ClusterWatch, "view" | "onChange">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after">;
  /** How long to wait for a leader where none is known: two election timeouts. */
  readonly leaderWaitMs: number;
}

/** The cluster is not in the state that the call asks to change. */
const conflict = 409;
/** The leader gives an attempt up by itself, after an election timeout. */
const answerTimeoutMs = 10_000;

export class LeadershipTransfer {
  readonly #options: TransferOptions;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  get operation(): Operation {
    return {
      help: "Hands leadership to the named node, or to the most up-to-date one; returns the new leader's id.",
      signatures: [["string"], ["string", "string"]],
      parameters: [{ name: "id", type: "string", note: "", optional: true, many: false, example: "n2" }],
      call: async (params) => this.#call(readTarget(params)),
    };
  }

  isQuestion(message: Value): boolean {
    return isArray(message) && message[0] === forwardVersion && message[1] === "transfer";
  }

  /** As the leader, for a peer whose client asked. */
  async answer(message: Value): Promise<Value> {
    const target = isArray(message) ? message[2] : undefined;
    if (typeof target !== "string")
      throw new Error("a peer asked for a transfer in a way that cannot be read");
    try {
      return [forwardVersion, "moved", await this.#move(target)];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return [forwardVersion, "fault", error.faultCode, error.faultString];
    }
  }

  async #call(target: string): Promise<string> {
    const { watch, leaderWaitMs } = this.#options;
    await this.#until(leaderWaitMs, () => watch.view.leader !== null);
    const { leader, whyNoLeader } = watch.view;
    if (leader === null) throw new Fault(faultCodes.noLeader, `no leader, nothing was moved: ${whyNoLeader}`);
    return leader.isThisNode ? this.#move(target) : this.#ask(leader.id, target);
  }

  async #ask(leader: string, target: string): Promise<string> {
    const question = ["transfer", target];
    const doing = "hand leadership over";
    const [ending, successor] = await askLeader(this.#options, leader, question, doing, answerTimeoutMs);
    if (ending === "moved" && typeof successor === "string") return successor;
    throw new Error("the leader sent an answer about a transfer that cannot be read");
  }

  async #move(wanted: string): Promise<string> {
    const { raft, watch } = this.#options;
    const target = this.#choose(wanted);
    const { term } = watch.view;
    try {
      await raft.transfer(target);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault(conflict, `gave up: ${why}`);
    }
    const elected = () => watch.view.leader !== null && watch.view.term > term;
    await this.#until(answerTimeoutMs / 2, elected);
    const leader = watch.view.leader?.id;
    if (!elected() || leader === undefined) {
      throw new Fault(faultCodes.noLeader, "this node gave leadership away, and no new leader is known yet");
    }
    if (leader !== target) throw new Fault(conflict, `${leader} was elected instead of ${target}`);
    return leader;
  }

  /** An empty id asks for the most up-to-date node. */
  #choose(wanted: string): string {
    const status = this.#options.raft.status();
    const { id, role, membership } = status;
    if (role !== "leader" || membership === null) {
      throw new Fault(faultCodes.noLeader, `nothing was moved: ${id} does not lead any more; try again`);
    }
    if (wanted === "") {
      const [best] = successors(status);
      if (best === undefined)
        throw new Fault(conflict, "no other voter can be reached, so none can take over");
      return best;
    }
    if (wanted === id) throw new Fault(conflict, `${id} leads already`);
    if (membership.learners.includes(wanted)) throw wrongParams(`${wanted} is a learner, which cannot lead`);
    if (!membership.voters.includes(wanted)) {
      throw wrongParams(
        `${JSON.stringify(wanted)} is not a member; the voters are ${membership.voters.join(", ")}`,
      );
    }
    return wanted;
  }

  #until(waitMs: number, met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    const { watch, clock } = this.#options;
    return new Promise((resolve) => {
      waitForChange(watch, clock, waitMs, met, () => resolve());
    });
  }
}

function readTarget(params: readonly Value[]): string {
  const [target = "", ...rest] = params;
  if (typeof target === "string" && rest.length === 0 && (params.length === 0 || target !== ""))
    return target;
  throw wrongParams("expected nothing, or the id of the node that shall lead, as a string");
}
