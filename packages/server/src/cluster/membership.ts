/**
 * `cluster.add`, `cluster.remove`, `cluster.replace`: who takes part. Any node takes the call and asks the leader,
 * over the peer link. A newcomer is asked who it is before it is admitted, so that nobody is who is not there.
 *
 * Question: `[version, "membership", kind, ...arguments]`. Answer: `[version, "changed", index]` or
 * `[version, "fault", code, text]`.
 */
import { Fault, faultCodes, isArray, type Value } from "@quorate/protocol";
import {
  ChangeFailed,
  type Clock,
  type Member,
  type MembershipChange,
  type NodeIntroduction,
  type RaftNode,
  RequestFailed,
} from "@quorate/raft";
import { parseBaseUrl, parseHostPort, textForms } from "../config/units.js";
import type { Operation, Parameter } from "../rpc/ports.js";
import { wrongParams } from "../rpc/system-methods.js";
import { askLeader } from "./ask-leader.js";
import type { ClusterWatch } from "./cluster-watch.js";
import { forwardVersion } from "./forwarding.js";
import { successors } from "./hand-over.js";
import { waitForChange } from "./leader-wait.js";
import type { Raft, Service } from "./ports.js";

type Kind = "add" | "remove" | "replace";

export interface MembershipOptions {
  readonly raft: Pick<Raft, "status" | "request"> &
    Pick<RaftNode<unknown>, "changeMembership" | "introduce" | "transfer">;
  readonly watch: Pick<ClusterWatch, "view" | "onChange">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after">;
  readonly clusterName: string;
  /** How long to wait for a leader where none is known: two election timeouts. */
  readonly leaderWaitMs: number;
}

/** The cluster is not in the state that the call asks to change. */
const conflict = 409;
/** Two entries on a majority of disks, and a leader's departure. */
const answerTimeoutMs = 10_000;
/** Reasons that pass by themselves, and how long they are waited for. */
const passing: ReadonlySet<ChangeFailed["reason"]> = new Set([
  "notReady",
  "changeInProgress",
  "transferring",
]);
const retryPauseMs = 100;
const attemptsMax = 30;
/** A leader that is removed first hands over; its successor may still have to do the same. */
const handOversMax = 3;

const id: Parameter = { name: "id", type: "string", note: "", optional: false, many: false, example: "n4" };
const peer: Parameter = {
  ...id,
  name: "peer",
  note: "host:port for the other nodes",
  example: "10.0.0.4:9000",
};
const http: Parameter = { ...id, name: "http", note: "URL for clients", example: "http://10.0.0.4:8000" };
const optional = (parameter: Parameter): Parameter => ({ ...parameter, optional: true });

const descriptions: Readonly<Record<Kind, Pick<Operation, "help" | "signatures" | "parameters">>> = {
  add: {
    help: "Admits a node that was started and waits, as a learner; it votes when it has kept up for a while. Returns the log index of the change.",
    signatures: [["int", "string", "string", "string"]],
    parameters: [id, peer, http],
  },
  remove: {
    help: "Removes a member; a leader hands over first. Returns the log index of the change.",
    signatures: [["int", "string"]],
    parameters: [id],
  },
  replace: {
    help: "Gives a dead member's place to the node that was started under its id with an empty disk. Returns the log index of the change.",
    signatures: [
      ["int", "string"],
      ["int", "string", "string", "string"],
    ],
    parameters: [id, optional(peer), optional(http)],
  },
};

export class MembershipOperations {
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get operations(): readonly (readonly [name: string, operation: Operation])[] {
    return (["add", "remove", "replace"] as const).map((kind) => [
      `cluster.${kind}`,
      { ...descriptions[kind], call: async (params) => this.#call(kind, readArguments(kind, params)) },
    ]);
  }

  isQuestion(message: Value): boolean {
    return isArray(message) && message[0] === forwardVersion && message[1] === "membership";
  }

  /** As the leader, for a peer whose client asked. */
  async answer(message: Value): Promise<Value> {
    const [, , kind, ...texts] = isArray(message) ? message : [];
    if ((kind !== "add" && kind !== "remove" && kind !== "replace") || !texts.every(isText))
      throw new Error("a peer asked for a change of the membership in a way that cannot be read");
    try {
      return [forwardVersion, "changed", await this.#change(kind, texts)];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return [forwardVersion, "fault", error.faultCode, error.faultString];
    }
  }

  async #call(kind: Kind, texts: readonly string[]): Promise<number> {
    const { watch, leaderWaitMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      await this.#until(leaderWaitMs, () => watch.view.leader !== null);
      const { leader, whyNoLeader } = watch.view;
      if (leader === null)
        throw new Fault(faultCodes.noLeader, `no leader, nothing was changed: ${whyNoLeader}`);
      const [target] = texts;
      const { term } = watch.view;
      if (kind === "remove" && target === leader.id && attempt < handOversMax) {
        // Its calls in flight end well that way; a removed leader would have to leave them.
        if (leader.isThisNode) await this.#giveAway(term);
        else if (await this.#askToGiveAway(leader.id))
          await this.#until(leaderWaitMs, () => watch.view.term > term);
        if (watch.view.leader?.id !== target) continue;
      }
      return leader.isThisNode ? this.#change(kind, texts) : this.#ask(leader.id, kind, texts);
    }
  }

  async #giveAway(term: number): Promise<void> {
    const { raft, watch, leaderWaitMs } = this.#options;
    const [best] = successors(raft.status());
    if (best === undefined) return;
    // Whoever leads then goes on; if nobody took over, this node removes itself.
    await raft.transfer(best).catch(() => undefined);
    await this.#until(leaderWaitMs, () => watch.view.leader !== null && watch.view.term > term);
  }

  /** False when the leader kept its office. */
  async #askToGiveAway(leader: string): Promise<boolean> {
    const { raft, codec } = this.#options;
    const question = codec.encodeValue([forwardVersion, "transfer", ""]);
    try {
      const fields = codec.decodeValue(await raft.request(leader, question, answerTimeoutMs));
      return isArray(fields) && fields[1] === "moved";
    } catch (error) {
      if (error instanceof RequestFailed) return false;
      throw error;
    }
  }

  async #ask(leader: string, kind: Kind, texts: readonly string[]): Promise<number> {
    const question = ["membership", kind, ...texts];
    const doing = `${kind} ${texts[0]}`;
    const [ending, index] = await askLeader(this.#options, leader, question, doing, answerTimeoutMs);
    if (ending === "changed" && typeof index === "number") return index;
    throw new Error("the leader sent an answer about the membership that cannot be read");
  }

  async #change(kind: Kind, texts: readonly string[]): Promise<number> {
    const { raft, clock } = this.#options;
    const change = await this.#prepare(kind, texts);
    for (let attempt = 1; ; attempt++) {
      try {
        return await raft.changeMembership(change);
      } catch (error) {
        if (!(error instanceof ChangeFailed)) throw error;
        if (!passing.has(error.reason) || attempt >= attemptsMax) throw faultOf(error);
        await new Promise<void>((resolve) => {
          clock.after(retryPauseMs, resolve);
        });
      }
    }
  }

  async #prepare(kind: Kind, [target = "", peer, http]: readonly string[]): Promise<MembershipChange> {
    if (kind === "remove") return { kind, id: target };
    const { membership } = this.#options.raft.status();
    const known = membership?.members.find((member) => member.id === target);
    if (kind === "replace" && known === undefined) {
      const ids = membership?.members.map((member) => member.id).join(", ");
      throw new Fault(
        conflict,
        `${target} is not a member, so there is nothing to replace; the members are ${ids}`,
      );
    }
    if (kind === "add" && known !== undefined) throw new Fault(conflict, `${target} is a member already`);
    const address = peer ?? known?.peer ?? "";
    const found = await this.#introduction(target, address);
    this.#requireEmpty(found, known, address);
    const member = {
      id: target,
      incarnation: found.incarnation,
      peer: peer ?? found.peer,
      http: http ?? found.http,
    };
    return { kind, member };
  }

  async #introduction(target: string, address: string): Promise<NodeIntroduction> {
    try {
      return await this.#options.raft.introduce(target, address);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault(
        conflict,
        `${target} cannot be reached at ${address} by the leader (${why}): start it first, with an empty data directory`,
      );
    }
  }

  #requireEmpty(found: NodeIntroduction, known: Member | undefined, address: string): void {
    const { clusterName } = this.#options;
    const { nodeId, clusterId } = found;
    if (found.clusterName !== clusterName) {
      throw new Fault(
        conflict,
        `${nodeId} at ${address} belongs to the cluster "${found.clusterName}", not "${clusterName}"`,
      );
    }
    if (known !== undefined && known.incarnation === found.incarnation) {
      throw new Fault(
        conflict,
        `${nodeId} at ${address} has the disk that the cluster knows: it is there, nothing is to be replaced`,
      );
    }
    if (clusterId !== null) {
      throw new Fault(
        conflict,
        `${nodeId} at ${address} has the data of a former life in a cluster: give it an empty data directory`,
      );
    }
  }

  #until(waitMs: number, met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    const { watch, clock } = this.#options;
    return new Promise((resolve) => {
      waitForChange(watch, clock, waitMs, met, () => resolve());
    });
  }
}

function faultOf({ message, reason }: ChangeFailed): Fault {
  if (reason === "unknown") {
    return new Fault(faultCodes.outcomeUnknown, `${message}; see quorate members for what came of it`);
  }
  const code = reason === "notLeader" || reason === "stopped" ? faultCodes.noLeader : conflict;
  return new Fault(code, `nothing was changed: ${message}`);
}

function readArguments(kind: Kind, params: readonly Value[]): readonly string[] {
  const counts = descriptions[kind].signatures.map((signature) => signature.length - 1);
  if (!counts.includes(params.length) || !params.every((param) => isText(param) && param !== "")) {
    const names = { add: "id, peer and http", remove: "id", replace: "id, or id, peer and http" }[kind];
    throw wrongParams(`expected ${names} as strings that are not empty`);
  }
  const [target = "", peer, http] = params.filter(isText);
  if (peer === undefined || http === undefined) return [target];
  // All nodes and clients will be told these: they must be what a configuration could say.
  if (!textForms.id.test(target)) {
    throw wrongParams(
      `id: expected letters, digits, '.', '_' or '-' (at most 63), got ${JSON.stringify(target)}`,
    );
  }
  checked("peer", () => parseHostPort(peer));
  return [target, peer, checked("http", () => parseBaseUrl(http).origin)];
}

function checked<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw wrongParams(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isText(value: Value | undefined): value is string {
  return typeof value === "string";
}
