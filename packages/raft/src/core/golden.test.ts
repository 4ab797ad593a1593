/**
 * Scenes of three servers as plain text, for reading: what each asks of its disk and what it sends, in order.
 * `vitest -u` writes them anew after an intended change; read the difference.
 */
import { expect, test } from "vitest";
import type { Message } from "./messages.js";
import type { Ready } from "./ready.js";
import { TestingCluster, type TestingClusterOptions } from "./testing-cluster.js";
import type { Entry, NodeId } from "./types.js";

const voters = ["n1", "n2", "n3"];

/** Servers whose disks take their time: whatever waits for a write can be seen waiting. */
class Scene {
  readonly cluster: TestingCluster;
  readonly #lines: string[] = [];
  readonly #printed = new Map<NodeId, number>();

  constructor(options: Partial<TestingClusterOptions> = {}) {
    this.cluster = new TestingCluster({ voters, config: { random: () => 0.99 }, ...options });
    for (const server of this.cluster.servers.values()) server.slowDisk = true;
    this.#collect();
    this.#lines.length = 0;
  }

  get text(): string {
    return `${this.#lines.join("\n").trim()}\n`;
  }

  say(line: string): void {
    this.#lines.push("", `# ${line}`);
  }

  /** Silence until `id` campaigns. */
  timeout(id: NodeId): void {
    const { raft } = this.cluster.server(id);
    for (let i = 0; i < 40 && raft.status().role === "follower"; i++) raft.step({ type: "tick" });
    this.settle();
  }

  propose(id: NodeId, context: number): void {
    const proposals = [{ context, data: new Uint8Array(1) }];
    this.cluster.server(id).raft.step({ type: "propose", proposals });
    this.settle();
  }

  /** Messages travel one turn, disks finish one write, until nothing is left to do. */
  settle(): void {
    this.#collect();
    for (;;) {
      const batch = this.cluster.network;
      this.cluster.network = [];
      for (const message of batch) this.cluster.deliver(message);
      this.#collect();
      const writing = [...this.cluster.servers].filter(([, server]) => server.storing !== null);
      for (const [id, server] of writing) {
        this.#lines.push(`${id} disk: write ${server.storing?.ticket} is durable`);
        server.finishStore();
      }
      this.#collect();
      if (writing.length === 0 && this.cluster.network.length === 0) return;
    }
  }

  #collect(): void {
    this.cluster.collect();
    for (const [id, { readies }] of this.cluster.servers) {
      for (const ready of readies.slice(this.#printed.get(id) ?? 0)) this.#lines.push(...describe(id, ready));
      this.#printed.set(id, readies.length);
    }
  }
}

function describe(id: NodeId, ready: Ready): string[] {
  const lines: string[] = [];
  for (const event of ready.events) {
    if (event.type === "roleChanged")
      lines.push(`${id} is now ${event.role} in term ${event.term}: ${event.why}`);
    if (event.type === "truncated") lines.push(`${id} cuts off ${event.from} to ${event.to}`);
    if (event.type === "committed") lines.push(`${id} commits up to ${event.index}`);
  }
  const { store } = ready;
  if (store !== null) {
    const { hardState } = store;
    const parts = hardState === null ? [] : [`term ${hardState.term} vote ${hardState.vote ?? "-"}`];
    if (hardState !== null) parts.push(`commit ${hardState.commit}`);
    if (store.entries.length > 0) parts.push(`entries ${describeEntries(store.entries)}`);
    lines.push(`${id} disk: write ${store.ticket} begins: ${parts.join(", ")}`);
  }
  for (const message of ready.messages) lines.push(`${id} -> ${message.to} ${describeMessage(message)}`);
  if (ready.apply.length > 0) lines.push(`${id} applies ${describeEntries(ready.apply)}`);
  for (const { context, index } of ready.reads) lines.push(`${id} may answer read ${context} at ${index}`);
  return lines;
}

/** An entry is written `index@term`. */
function describeEntries(entries: readonly Entry[]): string {
  return entries.map(({ index, term }) => `${index}@${term}`).join(" ");
}

function describeMessage(message: Message): string {
  const { type, from: _from, to: _to, ...fields } = message;
  const shown = Object.entries(fields).map(([name, value]) =>
    name === "entries" ? `entries [${describeEntries(value as Entry[])}]` : `${name} ${value}`,
  );
  return `${type} ${shown.join(" ")}`;
}

test("an election", async () => {
  const scene = new Scene();
  scene.say("n1 hears no leader; everybody holds the birth entry 1@1");
  scene.timeout("n1");
  await expect(scene.text).toMatchFileSnapshot("golden/election.txt");
});

test("a write and a read", async () => {
  const scene = new Scene();
  scene.timeout("n1");
  scene.say("the leader n1 takes a proposal");
  scene.propose("n1", 1);
  scene.say("a client reads on the leader");
  scene.cluster.server("n1").raft.step({ type: "readIndex", context: 2 });
  scene.settle();
  const { text } = scene;
  await expect(text.slice(text.indexOf("\n#") + 1)).toMatchFileSnapshot("golden/write-and-read.txt");
});

test("a divergent log is repaired", async () => {
  const scene = new Scene({
    logs: { n1: [1, 1, 1, 4], n2: [1, 1, 1, 4], n3: [1, 1, 1, 2, 2, 3, 3] },
  });
  scene.say("n1 and n2 hold 1,1,1,4; n3 holds 1,1,1,2,2,3,3; n1 campaigns");
  scene.timeout("n1");
  await expect(scene.text).toMatchFileSnapshot("golden/divergent-log.txt");
});
