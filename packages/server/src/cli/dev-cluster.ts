/** The folder of a local cluster: its shape, secret and one config file per node. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { stringify } from "yaml";
import { CommandFailed, exitCodes } from "./exit-codes.js";

export interface DevOptions {
  /** Service file; null: kv. */
  readonly service: string | null;
  readonly nodes: number;
  readonly port: number;
  readonly dataDir: string;
  readonly reset: boolean;
}

export interface DevNode {
  readonly id: string;
  readonly url: string;
  readonly configFile: string;
  readonly logFile: string;
}

interface Shape {
  readonly format: 1;
  readonly service: string;
  readonly nodes: number;
}

/** Peers listen this far above the HTTP port. */
const peerPortOffset = 1000;

/** Creates or reopens the folder. Throws `CommandFailed` when it holds another cluster. */
export function prepareDevCluster(options: DevOptions): readonly DevNode[] {
  checkOptions(options);
  const folder = resolve(options.dataDir);
  const marker = join(folder, "dev.json");
  if (options.reset) removeCluster(folder, marker);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const shape: Shape = {
    format: 1,
    service: options.service === null ? "kv" : basename(options.service),
    nodes: options.nodes,
  };
  if (existsSync(marker)) refuseOtherShape(folder, JSON.parse(readFileSync(marker, "utf8")), shape);
  else writeFileSync(marker, `${JSON.stringify(shape)}\n`);
  const secretFile = join(folder, "secret");
  if (!existsSync(secretFile)) {
    writeFileSync(secretFile, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  }
  return Array.from({ length: options.nodes }, (_, index) => writeNode(options, folder, index));
}

function checkOptions({ nodes, port, service }: DevOptions): void {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 7) {
    throw new CommandFailed(`--nodes: expected 1 to 7, got ${nodes}`, exitCodes.usage);
  }
  if (!Number.isInteger(port) || port < 1 || port + nodes + peerPortOffset > 65_535) {
    throw new CommandFailed(
      `--port: expected 1 to ${65_535 - nodes - peerPortOffset}, got ${port}`,
      exitCodes.usage,
    );
  }
  if (service !== null && !existsSync(service)) {
    throw new CommandFailed(`service file ${service} does not exist`, exitCodes.usage);
  }
}

/** Only a folder that this command made is ever removed. */
function removeCluster(folder: string, marker: string): void {
  if (!existsSync(folder)) return;
  if (!existsSync(marker)) {
    throw new CommandFailed(
      `--reset: ${folder} holds no local cluster (no dev.json); remove it yourself`,
      exitCodes.usage,
    );
  }
  rmSync(folder, { recursive: true });
}

function refuseOtherShape(folder: string, found: Partial<Shape>, wanted: Shape): void {
  for (const field of ["format", "service", "nodes"] as const) {
    if (found[field] === wanted[field]) continue;
    throw new CommandFailed(
      `${folder} holds a cluster with ${field} ${found[field]}, but ${wanted[field]} is asked for; ` +
        "use --reset to delete its data, or another --data-dir",
      exitCodes.usage,
    );
  }
}

function writeNode(options: DevOptions, folder: string, index: number): DevNode {
  const members = Array.from({ length: options.nodes }, (_, other) => ({
    id: `n${other + 1}`,
    peer: `127.0.0.1:${options.port + peerPortOffset + other}`,
    http: `http://127.0.0.1:${options.port + other}`,
  }));
  const id = `n${index + 1}`;
  const configFile = join(folder, `${id}.yaml`);
  const config = {
    node: id,
    dataDir: `./${id}`,
    ...(options.service === null ? {} : { service: resolve(options.service) }),
    peer: { secretFile: "./secret" },
    cluster: { name: "dev", members },
  };
  writeFileSync(configFile, stringify(config));
  return {
    id,
    url: `http://127.0.0.1:${options.port + index}`,
    configFile,
    logFile: join(folder, `${id}.log`),
  };
}
