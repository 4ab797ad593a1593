import type { Increment } from "../invariants/client-history.js";
import type { Operation, Outcome } from "../linearizability/history.js";
import type { RegisterOp, RegisterResult } from "../linearizability/register-model.js";
import type { Cluster } from "./cluster.js";
import type { Command } from "./machine.js";
import type { Node } from "./node.js";
import type { ProposalEnd } from "./open-proposals.js";
import type { ReadEnd } from "./open-reads.js";

/** Every value a client writes is written once in a run, so that a read names the write it saw. */
export class Clients {
  readonly registers: Operation<RegisterOp, RegisterResult>[] = [];
  readonly increments: Increment[] = [];
  #stopped = false;
  #commands = 0;
  /** Orders calls and returns, finer than time does. */
  #moment = 0;
  /** Key → the value that some client saw last. */
  readonly #seen = new Map<string, string>();

  constructor(readonly cluster: Cluster) {
    for (let i = 0; i < cluster.knobs.clients; i++) this.#goOn(`c${i + 1}`);
  }

  stop(): void {
    this.#stopped = true;
  }

  get calls(): number {
    return this.registers.length + this.increments.length;
  }

  #goOn(client: string): void {
    const { world, knobs } = this.cluster;
    world.after(world.exponential(knobs.thinkTime), () => {
      if (this.#stopped) return;
      const node = this.#choose();
      const key = `k${world.integer(1, knobs.keys)}`;
      let waits = true;
      const done = () => {
        if (waits) this.#goOn(client);
        waits = false;
      };
      if (world.chance(knobs.readShare)) this.read(client, node, key, done);
      else this.#write(client, node, key, done);
      if (waits) world.after(knobs.clientTimeout, done);
    });
  }

  /** Mostly the leader that some node believes in; sometimes anybody, also for reads on followers. */
  #choose(): Node {
    const { world, nodes } = this.cluster;
    const leader = world.pick(nodes).standing()?.leader;
    const known = leader === null || leader === undefined ? undefined : this.cluster.node(leader);
    return known && world.chance(0.8) ? known : world.pick(nodes);
  }

  #write(client: string, node: Node, key: string, done: () => void): void {
    const { world } = this.cluster;
    const id = ++this.#commands;
    const value = `v${id}`;
    const expected = this.#seen.get(key);
    if (world.chance(0.2)) this.increment(node, `n${key}`, done);
    else if (expected !== undefined && world.chance(0.4))
      this.#put(client, node, { id, kind: "cas", key, expected, value }, done);
    else this.#put(client, node, { id, kind: "set", key, value }, done);
  }

  set(client: string, node: Node, key: string, done: (ok: boolean) => void): string {
    const id = ++this.#commands;
    const value = `v${id}`;
    this.#put(client, node, { id, kind: "set", key, value }, done);
    return value;
  }

  #put(
    client: string,
    node: Node,
    command: Exclude<Command, { kind: "incr" | "fatal" }>,
    done: (ok: boolean) => void,
  ): void {
    const { id: _, ...op } = command;
    const record = this.#open(client, op);
    node.propose(command, (end) => {
      const result = end.kind === "applied" ? end.result === true : null;
      record(result === null ? { kind: outcomeOf(end) } : { kind: "ok", result, returnedAt: ++this.#moment });
      if (result) this.#seen.set(command.key, command.value);
      done(result !== null);
    });
  }

  increment(node: Node, key: string, done: (ok: boolean) => void): void {
    const calledAt = ++this.#moment;
    const slot = this.increments.push({ key, calledAt, answer: null }) - 1;
    node.propose({ id: ++this.#commands, kind: "incr", key }, (end) => {
      if (end.kind === "applied") {
        const answer = { value: Number(end.result), returnedAt: ++this.#moment };
        this.increments[slot] = { key, calledAt, answer };
      } else if (outcomeOf(end) === "failed") {
        // Its own key, on which nothing is ever executed.
        this.increments[slot] = { key: "never executed", calledAt, answer: null };
      }
      done(end.kind === "applied");
    });
  }

  read(client: string, node: Node, key: string, done: (value: string | null | undefined) => void): void {
    const record = this.#open(client, { kind: "get", key });
    node.read(key, (end: ReadEnd) => {
      if (end.kind === "refused") {
        record({ kind: "failed" });
        return done(undefined);
      }
      record({ kind: "ok", result: end.value, returnedAt: ++this.#moment });
      if (end.value !== null) this.#seen.set(key, end.value);
      done(end.value);
    });
  }

  /** Until it is recorded otherwise, the call has no answer. */
  #open(client: string, op: RegisterOp): (outcome: Outcome<RegisterResult>) => void {
    const calledAt = ++this.#moment;
    const slot = this.registers.push({ client, op, calledAt, outcome: { kind: "unknown" } }) - 1;
    let ended = false;
    return (outcome) => {
      if (ended) throw new Error(`a call of ${client} ended twice: ${JSON.stringify(op)}`);
      ended = true;
      this.registers[slot] = { client, op, calledAt, outcome };
    };
  }
}

function outcomeOf(end: ProposalEnd): "failed" | "unknown" {
  return end.kind === "refused" || end.kind === "lost" ? "failed" : "unknown";
}
