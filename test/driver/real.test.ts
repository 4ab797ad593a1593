import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeClock, type ProposalOutcome, type RaftNode, startRaftNode } from "@quorate/raft";
import { openDataDirectory } from "@quorate/raft/level";
import { createTcpTransport } from "@quorate/raft/tcp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RegisterResult } from "../linearizability/register-model.js";
import { freePorts } from "../support/ports.js";
import { encodeOp, executedIn, RegisterMachine, readRegister } from "./register-machine.js";

const ids = ["n1", "n2", "n3"];
const silent = () => undefined;
const secret = Buffer.from("a secret of the driver's test");

describe("three nodes on LevelDB and TCP, in one process", () => {
  let folder = "";
  let ports: readonly number[] = [];
  const nodes = new Map<string, RaftNode<RegisterResult>>();
  const fatal: Error[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "quorate-driver-"));
    ports = await freePorts(ids.length);
  });

  afterEach(async () => {
    for (const id of ids) await stop(id);
    await rm(folder, { recursive: true, force: true });
  });

  async function start(id: string): Promise<void> {
    const members = ids.map((member, at) => ({
      id: member,
      peer: `127.0.0.1:${ports[at]}`,
      http: `http://127.0.0.1/${member}`,
    }));
    const { identity, storage } = await openDataDirectory({
      directory: join(folder, id),
      nodeId: id,
      clusterName: "real",
    });
    const port = ports[ids.indexOf(id)] ?? 0;
    const transport = createTcpTransport({ nodeId: id, listen: { host: "127.0.0.1", port }, secret });
    const node = await startRaftNode<RegisterResult>({
      nodeId: id,
      clusterName: "real",
      members,
      // Slow on purpose: nothing here is to depend on how busy the machine is.
      heartbeatMs: 100,
      electionTimeoutMs: 1_000,
      storage,
      identity,
      transport,
      clock: createNodeClock(),
      stateMachine: new RegisterMachine(),
      random: Math.random,
      randomId: () => randomBytes(16).toString("hex"),
      log: { debug: silent, info: silent, warn: silent, error: silent },
      onFatal: (error) => fatal.push(error),
      onRequest: async (peer, payload) => Buffer.concat([Buffer.from(`${peer}: `), payload]),
    });
    nodes.set(id, node);
  }

  async function stop(id: string): Promise<void> {
    const node = nodes.get(id);
    nodes.delete(id);
    await node?.stop();
  }

  /** Resolves at the change that makes `found` answer. */
  function whenever<Found>(found: () => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const unsubscribe: (() => void)[] = [];
      const look = () => {
        const answer = found();
        if (answer === undefined) return;
        for (const end of unsubscribe) end();
        resolve(answer);
      };
      for (const node of nodes.values()) unsubscribe.push(node.onChange(look));
      look();
    });
  }

  const leader = () => whenever(() => [...nodes].find(([, node]) => node.status().canServe)?.[0]);

  function node(id: string): RaftNode<RegisterResult> {
    const found = nodes.get(id);
    if (found === undefined) throw new Error(`${id} does not run`);
    return found;
  }

  const propose = (id: string, key: string) =>
    new Promise<ProposalOutcome<RegisterResult>>((settle) =>
      node(id).propose(encodeOp({ kind: "set", key, value: key }), settle),
    );

  it("are born, elect, write, forward, fail over, and restart with everything acknowledged", async () => {
    for (const id of ids) await start(id);
    const first = await leader();
    const keys = Array.from({ length: 500 }, (_, at) => `k${at}`);
    const outcomes = await Promise.all(keys.map((key) => propose(first, key)));
    expect(outcomes.filter(({ kind }) => kind === "applied")).toHaveLength(keys.length);

    const others = ids.filter((id) => id !== first);
    const answer = await node(others[0] ?? "").request(first, Buffer.from("hello"), 5_000);
    expect(Buffer.from(answer).toString()).toBe(`${others[0]}: hello`);

    await stop(first);
    const second = await whenever(
      () => [...nodes].find(([id, other]) => id !== first && other.status().canServe)?.[0],
    );
    expect((await propose(second, "after")).kind).toBe("applied");

    for (const id of ids) await stop(id);
    for (const id of ids) await start(id);
    const third = await leader();
    await new Promise<void>((resolve) => node(third).readBarrier(() => resolve()));
    for (const key of [...keys, "after"]) expect(readRegister(node(third).view, key)).toBe(key);
    expect(executedIn(node(third).view)).toBe(keys.length + 1);
    expect(fatal).toEqual([]);
  });
});
