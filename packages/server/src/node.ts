/** One node, composed: read it from top to bottom to see what a node is made of. `main.ts` starts it. */
import { createNodeClock, type RaftLog, RequestFailed } from "@quorate/raft";
import { openDataDirectory } from "@quorate/raft/level";
import { createTcpTransport } from "@quorate/raft/tcp";
import { ClockCheck } from "./cluster/clock-check.js";
import { ClusterWatch } from "./cluster/cluster-watch.js";
import { CommandContexts } from "./cluster/command-context.js";
import { DigestCheck } from "./cluster/digest-check.js";
import { digestMethod } from "./cluster/digest-method.js";
import { ClusterExecutor } from "./cluster/executor.js";
import { Farewell } from "./cluster/farewell.js";
import { ForwardedCalls, Forwarder } from "./cluster/forwarder.js";
import { Freshness } from "./cluster/freshness.js";
import { handOver } from "./cluster/hand-over.js";
import { HeldLeader } from "./cluster/held-leader.js";
import { LocalExecution } from "./cluster/local-execution.js";
import { MembershipOperations } from "./cluster/membership.js";
import type { Service } from "./cluster/ports.js";
import { clusterMethods, reportMembers, reportStatus, type StatusSource } from "./cluster/status.js";
import { LeadershipTransfer } from "./cluster/transfer.js";
import { VersionCheck } from "./cluster/version-check.js";
import { VoidOperation } from "./cluster/void.js";
import { type NodeConfig, startWarnings } from "./config/index.js";
import { DocumentThread } from "./documents/document-thread.js";
import { buildApp, type Phase } from "./http/app.js";
import { acceptEverybody } from "./http/authenticate.js";
import { Connections } from "./http/close-gently.js";
import { connectionsMax } from "./http/descriptors.js";
import { listen } from "./http/listen.js";
import { Metrics } from "./http/metrics.js";
import { Opened } from "./opened.js";
import { Dispatcher } from "./rpc/dispatcher.js";
import { kvRegistry } from "./services/kv.js";
import { loadService } from "./services/load.js";
import type { Registry } from "./services/registry.js";
import { SlowWrites } from "./slow-writes.js";
import { startRaft } from "./start-raft.js";
import { encodeBatch, encodeCommand } from "./state/encode-command.js";
import { isOfEntry } from "./state/entry-failure.js";
import { readMetadata } from "./state/metadata.js";
import { createServiceMachine } from "./state/service-machine.js";
import { decodeLargeValue, decodeValue, encodeValue } from "./state/value-encoding.js";

export interface NodeOptions {
  /** Execute nothing from this log entry on. */
  readonly holdBefore?: number;
  readonly log: RaftLog;
  /** A failure that must end the process: this node takes no further part. */
  readonly onFatal: (error: Error) => void;
}

export interface RunningNode {
  /** Where calls are taken; the port is the real one even if 0 was configured. */
  readonly url: string;
  /** Hands leadership over, finishes the calls in flight, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** From the arrival of a call to its end; below the timeouts of usual clients. */
const callDeadlineMs = 10_000;
/** Calls that may wait for their outcome at the same time. */
const callsPendingMax = 10_000;
/** While closing, a connection without a call in flight may bring one more for this long. */
const closeSilenceMs = 500;
/** A connection that is still busy this long after the last call was taken is cut. */
const closeTimeoutMs = callDeadlineMs + 5_000;

/**
 * Starts a node. Rejects with an error that is a sentence for the operator; everything that was opened
 * before is closed again then.
 */
export async function startNode(config: NodeConfig, options: NodeOptions): Promise<RunningNode> {
  const opened = new Opened(options.log);
  try {
    return await compose(config, options, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function compose(
  config: NodeConfig,
  { log, onFatal, holdBefore }: NodeOptions,
  opened: Opened,
): Promise<RunningNode> {
  const { node: nodeId, cluster } = config;
  const clock = createNodeClock();
  for (const warning of startWarnings(config)) log.warn({}, warning);

  // This node's disk: first, because it says whether the folder is ours at all.
  const { identity, storage, executions, retirement, failed, scrub } = await openDataDirectory({
    directory: config.dataDir,
    nodeId,
    clusterName: cluster.name,
    // Alone it has the only copy: a damaged one is better than none.
    rebuild: cluster.members.length > 1,
  });
  if (retirement !== null) {
    const { reason, kept } = retirement;
    log.warn(
      retirement,
      `the disk is damaged: ${reason}. It begins anew; the damaged files are kept in ${kept}`,
    );
  }
  const isDamage = (error: unknown) => {
    try {
      return failed(error);
    } catch (marking) {
      log.error({ err: marking }, "the damaged disk takes no mark either");
      return true;
    }
  };
  /** Whatever ends this node: what of it is about the disk is marked there first. */
  const end = (error: Error) => {
    isDamage(error);
    onFatal(error);
  };
  const onFailure = (error: unknown, where: string) => {
    log.error({ err: error, where }, `a call of ${where} failed`);
    // A query that met damage: nothing that this disk says is to be believed any more.
    if (error instanceof Error && isDamage(error)) onFatal(error);
  };
  const closeStorage = opened.add("storage", () => storage.close());

  // What is served, and the machine that executes it in log order.
  const registry = await loadRegistry(config);
  const machine = createServiceMachine(registry, log);

  // The peers, and Raft with them.
  const transport = createTcpTransport({
    nodeId,
    listen: config.peer.listen,
    secret: config.peer.secret,
    log,
  });
  const closeTransport = opened.add("transport", () => transport.close());
  let phase: Phase = "serving";
  let forwardedCalls: ForwardedCalls | null = null;
  let counted: Metrics | null = null;
  const slowWrites = new SlowWrites(log, clock);
  const raft = await startRaft(config, {
    storage,
    identity,
    transport,
    clock,
    stateMachine: machine,
    executions,
    isOfEntry,
    ...(holdBefore !== undefined && { holdBefore }),
    log,
    onSnapshot: (done) => counted?.countSnapshot(done),
    onWritten: (tookMs) => {
      slowWrites.wrote(tookMs);
      counted?.countWrite(tookMs / 1_000);
    },
    onTick: (lateMs) => counted?.countTick(lateMs),
    onFatal: end,
    onRequest: (peer, payload) => {
      if (forwardedCalls !== null) return forwardedCalls.answer(payload);
      return Promise.reject(
        new RequestFailed(`${nodeId} is starting and takes no calls of ${peer} yet`, false),
      );
    },
  });
  // They belong to the node now, which closes them when it stops.
  closeStorage.release();
  closeTransport.release();
  opened.add("raft", () => raft.stop());
  const stopScrub = scrub(end);
  opened.add("scrub", async () => stopScrub());

  // Calls: run here when this node leads, sent to the leader when it does not.
  const leaderWaitMs = 2 * config.raft.electionTimeoutMs;
  const farewell = new Farewell({ raft, codec: { encodeValue, decodeValue }, clock, log, leaderWaitMs });
  opened.add("farewell", async () => farewell.close());
  const watch = new ClusterWatch(raft, cluster.members, farewell);
  opened.add("watch", async () => watch.close());
  const contexts = new CommandContexts(watch, clock);
  const service: Service = {
    encodeCommand: (method, params, caller) => encodeCommand(registry, method, params, contexts.next(caller)),
    encodeBatch: (calls, caller) => encodeBatch(registry, calls, contexts.next(caller)),
    runQuery: (method, params, view) => machine.runQuery(method, params, view),
    runBatch: (calls, view) => machine.runBatch(calls, view),
    encodeValue,
    decodeValue,
    decodeLargeValue,
  };
  const local = new LocalExecution(raft, service, onFailure);
  const nodeStatus = () => ({ ...raft.status(), removed: farewell.removed });
  const status: StatusSource = {
    clusterName: cluster.name,
    service: registry,
    configured: cluster.members,
    status: nodeStatus,
  };
  const metrics = new Metrics({
    nodeId,
    clusterName: cluster.name,
    report: () => reportStatus(status),
    leaderChanges: () => watch.leaderChanges,
    callsPending: () => executor.pending,
    digests: () => digestCheck.findings,
    clockAheadMs: () => clockCheck.aheadMs,
  });
  opened.add("metrics", async () => metrics.close());
  counted = metrics;
  const executor = new ClusterExecutor({
    local,
    forwarder: new Forwarder(raft, service, onFailure),
    watch,
    freshness: new Freshness(raft, clock),
    clock,
    followerReads: config.reads.followers,
    deadlineMs: callDeadlineMs,
    leaderWaitMs,
    pendingMax: callsPendingMax,
    onForward: (ending) => metrics.countForward(ending),
  });
  const transfer = new LeadershipTransfer({ raft, watch, codec: service, clock, leaderWaitMs });
  const membership = new MembershipOperations({
    raft,
    watch,
    codec: service,
    clock,
    clusterName: cluster.name,
    leaderWaitMs,
  });
  const voids = new VoidOperation({ raft, watch, codec: service, clock, leaderWaitMs });
  const heldLeader = new HeldLeader({ raft, peers: voids, clock, log });
  opened.add("held leader", async () => heldLeader.close());
  const digestCheck = new DigestCheck({
    raft,
    checkpoints: machine.checkpoints,
    codec: service,
    clock,
    wallMs: Date.now,
    log,
    onDiverged: end,
  });
  opened.add("digest check", async () => digestCheck.close());
  const clockCheck = new ClockCheck({ raft, watch, codec: service, clock, wallMs: Date.now, log });
  opened.add("clock check", async () => clockCheck.close());
  const forwarded = new ForwardedCalls({
    methods: registry,
    version: registry,
    knowledge: () => ({
      leader: watch.view.leader?.id ?? null,
      stopping: phase !== "serving",
      members: raft.status().membership?.members.map(({ id }) => id) ?? [],
    }),
    questions: [transfer, membership, voids, digestCheck, clockCheck],
    local,
    service,
    clock,
    leads: () => watch.view.leader?.isThisNode === true,
  });
  forwardedCalls = forwarded;
  opened.add("forwarded calls", () => forwarded.close());

  const versionCheck = new VersionCheck({
    raft,
    watch,
    clock,
    codec: service,
    own: registry,
    onMismatch: (sentence) => onFatal(new Error(sentence)),
  });
  opened.add("version check", async () => versionCheck.close());

  // From bytes to answers, and the HTTP face around it.
  const documents = new DocumentThread({ bytesMax: config.http.maxBody, onFailure });
  opened.add("document thread", () => documents.close());
  const dispatcher = new Dispatcher({
    service: registry,
    localMethods: new Map([
      ...clusterMethods(status),
      [
        "cluster.digest",
        digestMethod({
          node: nodeId,
          index: () => raft.view.index,
          digest: () => readMetadata(raft.view).digest,
          findings: () => digestCheck.findings,
        }),
      ],
    ]),
    operations: new Map([
      ["cluster.transfer", transfer.operation],
      ["cluster.void", voids.operation],
      ...membership.operations,
    ]),
    executor,
    maxBody: config.http.maxBody,
    largeDocuments: documents,
    dialect: config.http.dialect,
    onFailure,
  });
  const app = buildApp({
    nodeId,
    clusterName: cluster.name,
    serviceName: registry.service,
    advertise: config.http.advertise,
    dispatcher,
    authenticate: acceptEverybody,
    routing: config.routing,
    paths: config.http.paths,
    maxBody: config.http.maxBody,
    limits: { ...config.http, maxConnections: connectionsMax(config.http.maxConnections, log) },
    metrics,
    view: () => watch.view,
    appliedIndex: () => raft.view.index,
    status: nodeStatus,
    report: () => reportStatus(status),
    members: () => reportMembers(status),
    phase: () => phase,
    onFailure,
  });
  const connections = new Connections(app.server);
  opened.add("http", async () => {
    await connections.closeGently({
      clock,
      silenceMs: closeSilenceMs,
      timeoutMs: closeTimeoutMs,
      onClosing: () => {
        phase = "closing";
      },
    });
    await app.close();
  });
  const url = await listen(app, config.http.listen);
  log.info({ url, service: registry.service, version: registry.sha256 }, `taking calls at ${url}`);

  // The way out: first nobody is sent here any more, then everything closes in reverse.
  const stop = async () => {
    phase = "draining";
    await handOver({ raft, codec: service, clock, log, lastPauseMs: config.http.drainMs });
    await opened.close();
    log.info({}, "stopped");
  };
  let stopping: Promise<void> | null = null;
  return {
    url,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function loadRegistry({ service, dataDir }: NodeConfig): Promise<Registry> | Registry {
  return service === null ? kvRegistry() : loadService({ file: service, dataDir });
}
