/** The HTTP face of a node whose dispatcher answers what the test says: for unit tests of `http/`. */
import { encodeCall, encodeFault, encodeResponse } from "@quorate/protocol";
import type { NodeStatus } from "@quorate/raft";
import type { FastifyInstance } from "fastify";
import type { ClusterView } from "../cluster/cluster-watch.js";
import { reportMembers, reportStatus } from "../cluster/status.js";
import type { Answer } from "../rpc/answer.js";
import { faultOf } from "../rpc/faults.js";
import type { CallContext } from "../rpc/ports.js";
import { type AppDependencies, buildApp, type Phase } from "./app.js";
import { acceptEverybody } from "./authenticate.js";
import { Metrics } from "./metrics.js";

const members = ["n1", "n2", "n3"].map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000` }));

export const follower: NodeStatus = {
  id: "n1",
  role: "follower",
  term: 5,
  leader: "n2",
  commit: 120,
  applied: 120,
  lastIndex: 121,
  firstIndex: 1,
  logBytes: 0,
  canServe: false,
  followers: [],
  born: true,
  missing: [],
  rebuilding: [],
  clusterId: "c0ffee00c0ffee00",
  membership: null,
  connected: ["n2"],
  refusals: [],
  snapshotFrom: null,
  held: null,
  removed: false,
  proposalsPending: 0,
  failureTolerance: 1,
};

export const answerOf = (part: Partial<Answer> = {}): Answer => ({
  body: encodeResponse(true),
  ending: "value",
  method: "kv.set",
  kind: "command",
  index: 121,
  leaderUrl: null,
  ...part,
});

export const notLeader = answerOf({
  body: encodeFault(faultOf({ kind: "notLeader", leader: "n2", url: "http://n2:8000" })),
  ending: "notLeader",
  index: null,
  leaderUrl: "http://n2:8000",
});

export const noLeader = answerOf({
  body: encodeFault(faultOf({ kind: "noLeader", why: "an election is running" })),
  ending: "noLeader",
  index: null,
});

/** What the test may change, and what the app did with it. */
export interface World {
  status: NodeStatus;
  phase: Phase;
  answer: Answer;
  authenticate: AppDependencies["authenticate"];
  readonly contexts: CallContext[];
  readonly documents: string[];
  readonly charsets: (string | undefined)[];
  readonly failures: unknown[];
}

export const maxBody = 64 * 1024;

export const document = encodeCall("kv.set", ["a", 1]);

export class TestApp {
  readonly world: World = {
    status: follower,
    phase: "serving",
    answer: answerOf(),
    authenticate: acceptEverybody,
    contexts: [],
    documents: [],
    charsets: [],
    failures: [],
  };
  readonly metrics: Metrics;
  readonly dependencies: AppDependencies;
  readonly app: FastifyInstance;

  constructor() {
    const { world } = this;
    const source = {
      clusterName: "test",
      service: { service: "kv", sha256: "ab" },
      configured: members,
      status: () => world.status,
    };
    const metrics = new Metrics({
      nodeId: "n1",
      clusterName: "test",
      report: () => reportStatus(source),
      leaderChanges: () => 4,
      callsPending: () => 0,
      clockAheadMs: () => null,
      digests: () => ({ comparedAtMs: null, equalIndex: 0, equalWith: [], mismatches: 0 }),
    });
    const dependencies: AppDependencies = {
      nodeId: "n1",
      clusterName: "test",
      serviceName: "kv",
      advertise: "http://n1:8000",
      dispatcher: {
        dispatch: (bytes, charset, context, end) => {
          world.documents.push(Buffer.from(bytes).toString());
          world.charsets.push(charset);
          world.contexts.push(context);
          end(world.answer);
        },
        describe: () => [
          {
            name: "kv.set",
            kind: "command",
            help: "<b>Store</b> & forget",
            signatures: [["boolean", "string", "any"]],
            parameters: [
              { name: "key", type: "string", note: "", optional: false, many: false, example: "a" },
              { name: "value", type: "any", note: "", optional: false, many: false, example: 1 },
            ],
            result: "boolean",
          },
        ],
      },
      authenticate: (request) => world.authenticate(request),
      routing: "auto",
      paths: ["/RPC2", "/"],
      maxBody,
      limits: {
        maxConnections: 100,
        headersTimeoutMs: 10_000,
        requestTimeoutMs: 30_000,
        keepAliveTimeoutMs: 75_000,
      },
      metrics,
      view: (): ClusterView => ({
        leader:
          world.status.leader === null
            ? null
            : { id: world.status.leader, url: `http://${world.status.leader}:8000`, isThisNode: false },
        term: world.status.term,
        serves: world.status.canServe,
        tag: "c0ffee00",
        whyNoLeader: "",
      }),
      appliedIndex: () => world.status.applied,
      status: () => world.status,
      report: () => reportStatus(source),
      members: () => reportMembers(source),
      phase: () => world.phase,
      onFailure: (error) => world.failures.push(error),
    };

    this.metrics = metrics;
    this.dependencies = dependencies;
    this.app = buildApp(dependencies);
  }

  async close(): Promise<void> {
    this.metrics.close();
    await this.app.close();
  }
}
