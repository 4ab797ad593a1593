/** The command line: what can be said, and which module does it. Modules load only when their command runs. */
import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../config/units.js";
import type { BenchOptions } from "./bench.js";
import { addConfig } from "./config-command.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { addLog } from "./log-command.js";
import { defaultUrl, type NodeClientOptions } from "./node-client.js";
import type { OutputFormat } from "./output.js";
import { addRecover } from "./recover-command.js";
import { addSettingFlags, type SettingOptions, sourcesOf } from "./setting-flags.js";

export function buildProgram(version: string): Command {
  const program = new Command("quorate")
    .description(
      "A clustered XML-RPC server: call any node, lose no acknowledged write when a minority dies.",
    )
    .version(version)
    .showHelpAfterError("(quorate --help lists the commands)")
    .exitOverride((error) => {
      process.exitCode = error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
      throw error;
    });
  addDev(program);
  addServe(program);
  addQuestions(program);
  addBench(program);
  addConfig(program);
  addLog(program);
  addRecover(program);
  return program;
}

const integer = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
};

const duration = (text: string): number => {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
};

function addDev(program: Command): void {
  program
    .command("dev")
    .description("run a local cluster, one process per node; Ctrl-C stops it and keeps its data")
    .argument("[service]", "service file (.ts, .js, .mjs); default: the built-in kv service")
    .option("--nodes <n>", "number of nodes", integer, 3)
    .option(
      "--port <port>",
      "HTTP port of the first node; the others follow, peers listen 1000 above",
      integer,
      8001,
    )
    .option("--data-dir <dir>", "folder for the nodes' data", "./.quorate")
    .option("--reset", "delete the cluster's data first", false)
    .action(
      async (
        service: string | undefined,
        options: { nodes: number; port: number; dataDir: string; reset: boolean },
      ) => {
        const { dev } = await import("./dev.js");
        await dev({ ...options, service: service ?? null });
      },
    );
}

function addServe(program: Command): void {
  addSettingFlags(
    program
      .command("serve")
      .description("run one node; settings come from flags, then QUORATE_… variables, then the file"),
  )
    .option("--hold <index>", "take part, but execute nothing from this log entry on", integer)
    .action(async (options: SettingOptions & { readonly hold?: number }) => {
      const { hold, ...settings } = options;
      const { serve } = await import("./serve.js");
      await serve(sourcesOf(settings), hold);
    });
}

interface QuestionOptions {
  readonly url: string;
  readonly timeout: number;
  readonly output: OutputFormat;
}

function addQuestions(program: Command): void {
  question(program, "status", "what a node knows of itself and the cluster").action(
    async (options: QuestionOptions) => {
      const { status } = await import("./inspect.js");
      print(await status(clientOptions(options), options.output));
    },
  );
  question(program, "members", "the members of the cluster, with what the leader knows of each").action(
    async (options: QuestionOptions) => {
      const { members } = await import("./members.js");
      print(await members(clientOptions(options), options.output));
    },
  );
  question(program, "transfer", "hand leadership to another node; returns when it leads")
    .argument("[id]", "the node that shall lead; default: the most up-to-date one")
    .action(async (id: string | undefined, options: QuestionOptions) => {
      const { transfer } = await import("./members.js");
      print(await transfer(clientOptions(options), id, options.output));
    });
  addMembershipChanges(program);
  question(program, "void", "strike out the log entry that all nodes hold before: executing it ends them")
    .argument("<index>", "the entry, as quorate status and quorate log name it", integer)
    .action(async (index: number, options: QuestionOptions) => {
      const { strikeOut } = await import("./members.js");
      print(await strikeOut(clientOptions(options), index, options.output));
    });
  question(program, "methods", "the methods that can be called, with signatures and help").action(
    async (options: QuestionOptions) => {
      const { methods } = await import("./inspect.js");
      print(await methods(clientOptions(options), options.output));
    },
  );
  question(program, "call", "call a method and print its result as JSON")
    .argument("<method>", "name, such as kv.get")
    .argument("[args...]", "arguments as JSON; a plain word is a string")
    .action(async (method: string, args: string[], options: QuestionOptions) => {
      const { call } = await import("./inspect.js");
      print(await call(clientOptions(options), method, args));
    });
}

function addBench(program: Command): void {
  question(
    program,
    "bench",
    "measure a running cluster with reads and writes of its kv service, under keys that are removed afterwards",
  )
    .option("--connections <n>", "clients, each with one call at a time", integer, 16)
    .option("--seconds <n>", "measured time, after a second of warm-up", integer, 10)
    .option(
      "--rate <n>",
      "open loop: calls a second, meant to start evenly spaced, latency counted from then",
      integer,
    )
    .option("--mix <reads:writes>", "shares of kv.get and kv.set", "50:50")
    .option("--keys <n>", "keys that are written and read", integer, 1000)
    .option("--value-bytes <n>", "length of the written strings", integer, 256)
    .addOption(
      new Option("--consistency <level>", "of the reads")
        .choices(["linearizable", "stale"])
        .default("linearizable"),
    )
    .addOption(
      new Option("--route <route>", "where another node leads: auto and redirect go there, forward stays")
        .choices(["auto", "redirect", "forward"])
        .default("auto"),
    )
    .action(async (options: QuestionOptions & Omit<BenchOptions, "rate"> & { readonly rate?: number }) => {
      const { bench } = await import("./bench.js");
      await bench(clientOptions(options), { ...options, rate: options.rate }, options.output);
    });
}

function addMembershipChanges(program: Command): void {
  const wait = () =>
    new Option(
      "--wait <time>",
      "how long to wait until it votes; default: 10m at a terminal, else 0s",
    ).argParser(duration);
  question(program, "add", "admit a node that was started and waits; it learns first, then it votes")
    .argument("<id>", "its id")
    .argument("<peer>", "host:port where the other nodes reach it")
    .argument("<http>", "URL where clients reach it")
    .addOption(wait())
    .action(async (id: string, peer: string, http: string, options: ChangeFlags) =>
      change("add", [id, peer, http], options),
    );
  question(program, "remove", "remove a member; a leader hands over first")
    .argument("<id>", "its id")
    .action(async (id: string, options: ChangeFlags) => change("remove", [id], options));
  question(program, "replace", "give a dead member's place to the empty node that was started under its id")
    .argument("<id>", "its id")
    .argument("[peer]", "host:port where the other nodes reach it; default: as before")
    .argument("[http]", "URL where clients reach it; given together with peer")
    .addOption(wait())
    .action(async (id: string, peer: string | undefined, http: string | undefined, options: ChangeFlags) =>
      change(
        "replace",
        [id, peer, http].filter((text) => text !== undefined),
        options,
      ),
    );
}

type ChangeFlags = QuestionOptions & { readonly wait?: number };

const waitAtTerminalMs = 600_000;

async function change(
  kind: "add" | "remove" | "replace",
  args: readonly string[],
  options: ChangeFlags,
): Promise<void> {
  const { changeMembership } = await import("./members.js");
  const watched = process.stderr.isTTY === true;
  const waitMs = options.wait ?? (watched ? waitAtTerminalMs : 0);
  const onProgress = (line: string) => {
    if (watched) process.stderr.write(`\r\u001b[K${line}`);
  };
  const text = await changeMembership(
    clientOptions(options),
    kind,
    args,
    { waitMs, onProgress },
    options.output,
  );
  if (watched) process.stderr.write("\r\u001b[K");
  print(text);
}

function question(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option("--url <url>", "a node, or several separated by commas")
        .env("QUORATE_URL")
        .default(defaultUrl),
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait for an answer")
        .env("QUORATE_TIMEOUT")
        .default(15_000, "15s")
        .argParser(duration),
    )
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"),
    );
}

function clientOptions(options: QuestionOptions): NodeClientOptions {
  const urls = options.url.split(",").map((url) => url.trim());
  for (const url of urls) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new CommandFailed(
        `--url: expected URLs such as ${defaultUrl}, got ${JSON.stringify(url)}`,
        exitCodes.usage,
      );
    }
  }
  return { urls, timeoutMs: options.timeout };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
