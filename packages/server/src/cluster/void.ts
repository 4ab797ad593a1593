/**
 * `cluster.void`: strikes out an entry whose execution ends every node. Any node takes the call and asks the leader, over
 * the peer link. The leader asks all members how far they are: only when a majority holds before the entry, and so does
 * everybody else who can be asked, is it struck out. So no majority can ever be found to have executed it.
 *
 * Questions: `[version, "void", index]`, answered by the leader with `[version, "struck", index]` or
 * `[version, "fault", code, text]`; `[version, "held"]`, answered by anybody with
 * `[version, "held", entry held before or 0, executed up to]`.
 */
import { Fault, faultCodes, isArray, type Value } from "@quorate/protocol";
import { type Clock, type RaftNode, type StrikeRefusal, StrikeRefused } from "@quorate/raft";
import { voteResult } from "@quorate/raft/core";
import type { Operation } from "../rpc/ports.js";
import { wrongParams } from "../rpc/system-methods.js";
import { askLeader } from "./ask-leader.js";
import type { ClusterWatch } from "./cluster-watch.js";
import { forwardVersion } from "./forwarding.js";
import { waitForChange } from "./leader-wait.js";
import type { Raft, Service } from "./ports.js";

export interface VoidOptions {
  readonly raft: Pick<Raft, "status" | "request"> & Pick<RaftNode<unknown>, "strikeOut">;
  readonly watch: Pick<ClusterWatch, "view" | "onChange">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after">;
  /** How long to wait for a leader where none is known: two election timeouts. */
  readonly leaderWaitMs: number;
}

/** How far a node is. */
export interface Standing {
  /** The entry that it holds before; 0 = none. */
  readonly held: number;
  readonly applied: number;
}

/** The cluster is not in the state that the call asks to change. */
const conflict = 409;
const standingTimeoutMs = 2_000;
/** A question to every voter, an entry on a majority of disks, and what waits behind the struck one. */
const answerTimeoutMs = 12_000;

export class VoidOperation {
  readonly #options: VoidOptions;

  constructor(options: VoidOptions) {
    this.#options = options;
  }

  get operation(): Operation {
    return {
      help: "Strikes out the log entry that every node holds before, because executing it ended them: its call ends as a fault on all nodes, without effect. Returns the log index of the entry that does so.",
      signatures: [["int", "int"]],
      parameters: [{ name: "index", type: "int", note: "", optional: false, many: false, example: 41 }],
      call: async (params) => this.#call(readIndex(params)),
    };
  }

  isQuestion(message: Value): boolean {
    return (
      isArray(message) && message[0] === forwardVersion && (message[1] === "void" || message[1] === "held")
    );
  }

  async answer(message: Value): Promise<Value> {
    const [, what, index] = isArray(message) ? message : [];
    if (what === "held") {
      const { held, applied } = this.#own();
      return [forwardVersion, "held", held, applied];
    }
    if (typeof index !== "number") throw new Error("a peer asked for a void in a way that cannot be read");
    try {
      return [forwardVersion, "struck", await this.#strikeOut(index)];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return [forwardVersion, "fault", error.faultCode, error.faultString];
    }
  }

  /** How far a peer says that it is; null when it does not answer. */
  async standingOf(peer: string): Promise<Standing | null> {
    const { raft, codec } = this.#options;
    try {
      const question = codec.encodeValue([forwardVersion, "held"]);
      const fields = codec.decodeValue(await raft.request(peer, question, standingTimeoutMs));
      const [, what, held, applied] = isArray(fields) ? fields : [];
      return what === "held" && typeof held === "number" && typeof applied === "number"
        ? { held, applied }
        : null;
    } catch {
      // Not connected, stopping, or too slow: it did not answer.
      return null;
    }
  }

  async #call(index: number): Promise<number> {
    const { watch, leaderWaitMs, clock } = this.#options;
    if (watch.view.leader === null) {
      await new Promise<void>((resolve) => {
        waitForChange(
          watch,
          clock,
          leaderWaitMs,
          () => watch.view.leader !== null,
          () => resolve(),
        );
      });
    }
    const { leader, whyNoLeader } = watch.view;
    if (leader === null) {
      throw new Fault(faultCodes.noLeader, `no leader, nothing was changed: ${whyNoLeader}`);
    }
    if (leader.isThisNode) return this.#strikeOut(index);
    const doing = `strike out entry ${index}`;
    const [ending, at] = await askLeader(this.#options, leader.id, ["void", index], doing, answerTimeoutMs);
    if (ending === "struck" && typeof at === "number") return at;
    throw new Error("the leader sent an answer about a void that cannot be read");
  }

  async #strikeOut(index: number): Promise<number> {
    const { raft } = this.#options;
    const { term } = raft.status();
    await this.#requireHeldByMajority(index);
    const now = raft.status();
    if (now.role === "leader" && now.term !== term) {
      // The leader in between may have brought a node further than it said, with a snapshot.
      throw new Fault(
        conflict,
        "nothing was changed: leadership moved while the nodes were asked; try again",
      );
    }
    try {
      return await raft.strikeOut(index);
    } catch (error) {
      if (error instanceof StrikeRefused) throw faultOf(error);
      throw error;
    }
  }

  async #requireHeldByMajority(index: number): Promise<void> {
    const status = this.#options.raft.status();
    const { membership } = status;
    // The refusals of a leader that does not hold there itself say more.
    if (membership === null || status.held?.index !== index) return;
    const others = membership.members.map(({ id }) => id).filter((id) => id !== status.id);
    const asked = await Promise.all(others.map(async (id) => [id, await this.standingOf(id)] as const));
    const standings = new Map<string, Standing | null>([[status.id, this.#own()], ...asked]);
    const executed = [...standings].filter(([, standing]) => (standing?.applied ?? 0) >= index);
    if (executed.length > 0) {
      const ids = executed.map(([id]) => id).join(", ");
      throw new Fault(
        conflict,
        `nothing was changed: ${ids} executed entry ${index}, so it is no entry that ends every node. Give the place of ` +
          `${status.id} to an empty disk instead (quorate replace), or start it with more memory`,
      );
    }
    const onTheirWay = [...standings].filter(([, standing]) => standing !== null && standing.held !== index);
    if (onTheirWay.length > 0) {
      const where = onTheirWay.map(
        ([id, standing]) => `${id} ${saidOf(standing)}, executed up to ${standing?.applied}`,
      );
      throw new Fault(
        conflict,
        `nothing was changed: ${where.join(", ")}, and could execute entry ${index} before it hears that it is struck ` +
          "out. Wait until it holds too, or stop it first",
      );
    }
    const holds = new Map([...standings].map(([id, standing]) => [id, standing?.held === index] as const));
    if (voteResult(membership, holds) === "won") return;
    const said = [...standings].map(([id, standing]) => `${id} ${saidOf(standing)}`).join(", ");
    throw new Fault(
      conflict,
      `nothing was changed: a majority must hold before entry ${index}, but ${said}. A node holds once the entry has ` +
        "ended it twice, or when it is started with --hold",
    );
  }

  #own(): Standing {
    const { held, applied } = this.#options.raft.status();
    return { held: held?.index ?? 0, applied };
  }
}

function saidOf(standing: Standing | null): string {
  if (standing === null) return "does not answer";
  return standing.held === 0 ? "holds before none" : `holds before entry ${standing.held}`;
}

const faultCodeOf: Readonly<Record<StrikeRefusal, number>> = {
  notLeader: faultCodes.noLeader,
  stopped: faultCodes.noLeader,
  overloaded: faultCodes.overloaded,
  wrongEntry: conflict,
  notHeld: conflict,
  pending: conflict,
  unknown: faultCodes.outcomeUnknown,
};

function faultOf({ message, reason }: StrikeRefused): Fault {
  const text =
    reason === "unknown"
      ? `${message}; quorate status shows what came of it`
      : `nothing was changed: ${message}`;
  return new Fault(faultCodeOf[reason], text);
}

function readIndex(params: readonly Value[]): number {
  const [index] = params;
  if (params.length === 1 && typeof index === "number" && Number.isSafeInteger(index) && index > 0)
    return index;
  throw wrongParams("expected the index of a log entry, a whole number from 1");
}
