/**
 * From a service file to a registry. The file and what it imports become one bundle; the bundle's SHA-256 is the
 * service's version, because it is what every node must execute. It does not depend on where the files lie.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleService } from "./bundle.js";
import { ServiceLoadError } from "./load-error.js";
import { Registry } from "./registry.js";
import { publishServiceRuntime } from "./runtime.js";
import { isServiceDefinition, ServiceDefinitionError } from "./service-definition.js";

const extensions = [".ts", ".js", ".mjs"];

export interface LoadServiceOptions {
  /** Path of the service file, relative to the working directory. */
  readonly file: string;
  /** The node's data folder: the bundle is kept in its `services/`, named after its hash. */
  readonly dataDir: string;
}

/** Throws `ServiceLoadError`, whose sentence names the file, what is wrong and what to do. */
export async function loadService({ file, dataDir }: LoadServiceOptions): Promise<Registry> {
  const path = resolve(file);
  await assertServiceFile(path);
  const bundle = await bundleService(path);
  const sha256 = createHash("sha256").update(bundle).digest("hex");
  const stored = await storeBundle(bundle, join(resolve(dataDir), "services"), sha256);
  const exported = await importBundle(stored, path);
  if (!isServiceDefinition(exported)) {
    throw new ServiceLoadError(
      `${path}: the default export is no service; write "export default defineService({ … })" or export what createService() returned`,
    );
  }
  try {
    return new Registry(exported, sha256);
  } catch (error) {
    if (error instanceof ServiceDefinitionError)
      throw new ServiceLoadError(`${path}: ${error.message}`, error);
    throw error;
  }
}

async function assertServiceFile(path: string): Promise<void> {
  if (!extensions.includes(extname(path))) {
    throw new ServiceLoadError(`${path}: a service file ends in ${extensions.join(", ")}`);
  }
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new ServiceLoadError(`${path}: no such service file`, error);
    throw new ServiceLoadError(`${path}: the service file cannot be read: ${error.message}`, error);
  });
  if (!found.isFile()) throw new ServiceLoadError(`${path}: the service must be a file`);
}

/** Whole and synced under its name, or not there: entries in the log will name it. */
async function storeBundle(bundle: Uint8Array, folder: string, sha256: string): Promise<string> {
  const path = join(folder, `${sha256}.mjs`);
  const present = await readFile(path).catch(() => null);
  if (present !== null && Buffer.compare(present, bundle) === 0) return path;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${process.pid}.unfinished`;
  const file = await open(unfinished, "w", 0o600);
  try {
    await file.writeFile(bundle);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncFolder(folder);
  return path;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function importBundle(stored: string, path: string): Promise<unknown> {
  publishServiceRuntime();
  let module: object;
  try {
    module = await import(pathToFileURL(stored).href);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ServiceLoadError(`${path}: the service failed while it was loaded: ${message}`, error);
  }
  if (!("default" in module)) {
    throw new ServiceLoadError(
      `${path}: there is no default export; write "export default defineService({ … })"`,
    );
  }
  return module.default;
}
