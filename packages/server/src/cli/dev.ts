/** `quorate dev`: a local cluster, one process per node, ended together by Ctrl-C. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { relative } from "node:path";
import { createInterface } from "node:readline";
import { type DevNode, type DevOptions, prepareDevCluster } from "./dev-cluster.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";

/** From the first start of a node to the answer of the last one. */
const startTimeoutMs = 30_000;
/** Nodes that have not ended by then are killed; they recover from that like from any crash. */
const stopTimeoutMs = 10_000;
const pollMs = 50;

interface RunningNode extends DevNode {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  /** It has said that it takes calls; another program may answer at its address. */
  readonly listens: () => boolean;
}

const hasEnded = ({ child }: RunningNode): boolean => child.exitCode !== null || child.signalCode !== null;

export async function dev(options: DevOptions): Promise<void> {
  const nodes = prepareDevCluster(options);
  const run = new DevRun(nodes);
  await run.untilStopped();
}

class DevRun {
  private stopping = false;
  private failed = false;
  private readonly running: readonly RunningNode[];

  constructor(nodes: readonly DevNode[]) {
    process.on("SIGINT", () => this.stop("SIGINT"));
    process.on("SIGTERM", () => this.stop("SIGTERM"));
    this.running = nodes.map((node) => this.start(node));
  }

  async untilStopped(): Promise<void> {
    if (await this.ready()) this.printWelcome();
    await Promise.all(this.running.map((node) => node.exited));
    if (this.failed)
      throw new CommandFailed("the cluster did not start; its logs are beside the data", exitCodes.failure);
    if (!this.stopping) throw new CommandFailed("every node has ended", exitCodes.failure);
    print("stopped");
  }

  private start(node: DevNode): RunningNode {
    // The channel (`ipc`) tells the child when this process is gone, however it ended.
    const child = spawn(process.execPath, [process.argv[1] ?? "", "serve", "--config", node.configFile], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const log = createWriteStream(node.logFile, { flags: "w" });
    child.stdout?.pipe(log);
    if (child.stdout !== null) {
      // While all nodes stop, each of them misses the others: that is no news.
      createInterface(child.stdout).on("line", (line) => this.stopping || showWarning(node.id, line));
    }
    if (child.stderr !== null)
      createInterface(child.stderr).on("line", (line) => print(`${node.id}: ${line}`));
    let listens = false;
    const exited = new Promise<void>((resolve) => {
      child.on("exit", (code, signal) => {
        listens = false;
        if (!this.stopping) this.reportExit(node, code, signal);
        resolve();
      });
      child.on("error", (error) => {
        print(`${node.id}: cannot be started: ${error.message}`);
        resolve();
      });
    });
    child.once("message", () => {
      listens = true;
    });
    return { ...node, child, exited, listens: () => listens };
  }

  /** Until all nodes take part; false when one of them ended, or time, or a signal stopped the wait. */
  private async ready(): Promise<boolean> {
    const deadline = performance.now() + startTimeoutMs;
    for (const node of this.running) {
      while (!(node.listens() && (await answersReady(node.url)))) {
        if (this.stopping) return false;
        const late = performance.now() > deadline;
        if (late) print(`${node.id} was not ready after ${startTimeoutMs / 1000} s, see ${node.logFile}`);
        if (late || this.running.some(hasEnded)) {
          this.failed = true;
          this.stop("SIGTERM");
          return false;
        }
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }
    return true;
  }

  private printWelcome(): void {
    const [first] = this.running;
    if (first === undefined) return;
    const lines = this.running.map((node) => `  ${node.id}  ${node.url}/RPC2`);
    print(
      [
        `Quorate runs with ${this.running.length} node${this.running.length === 1 ? "" : "s"}; call any of them:`,
        ...lines,
        "",
        "Try it with Python's standard library:",
        `  python3 -c 'from xmlrpc.client import ServerProxy as S; s = S("${first.url}/RPC2"); print(s.system.listMethods())'`,
        `Or look at it: quorate status --url ${first.url}`,
        `Every method, with calls to copy, in a browser: ${first.url}/RPC2`,
        "",
        "Ctrl-C stops the cluster and keeps its data.",
      ].join("\n"),
    );
  }

  private reportExit(node: DevNode, code: number | null, signal: NodeJS.Signals | null): void {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const file = relative(process.cwd(), node.configFile);
    print(
      `${node.id} ${how}; its log is ${relative(process.cwd(), node.logFile)}. Start it again with: quorate serve --config ${file}`,
    );
  }

  /** The first signal stops the nodes in order; the second one does not wait for them. */
  private stop(signal: NodeJS.Signals): void {
    if (this.stopping) {
      for (const node of this.running) node.child.kill("SIGKILL");
      return;
    }
    this.stopping = true;
    if (!this.failed) print(`${signal}: stopping…`);
    for (const node of this.running) node.child.kill("SIGTERM");
    setTimeout(() => {
      for (const node of this.running) node.child.kill("SIGKILL");
    }, stopTimeoutMs).unref();
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet: asked again until the deadline.
    return false;
  }
}

/** Pino's level number from which a line is shown to the person, not only written to the log file. */
const warnLevel = 40;

function showWarning(id: string, line: string): void {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    // Not a log line (a handler printed something): it is in the log file.
    return;
  }
  if (typeof entry !== "object" || entry === null || !("level" in entry) || !("msg" in entry)) return;
  if (typeof entry.level === "number" && entry.level >= warnLevel) print(`${id}: ${entry.msg}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
