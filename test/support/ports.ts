/**
 * Ports for servers that tests start in other processes. Not from the range that the system gives to outgoing
 * connections (32768 and up on Linux): a port that was free a moment ago would often be taken there. Every
 * test worker has a part of the rest to itself, and uses it round and round.
 */
import { once } from "node:events";
import { createServer } from "node:net";

const first = 10_000;
const partLength = 5_000;
const parts = 4;

const worker = Number(process.env.VITEST_POOL_ID ?? 0) % parts;
/** Starts anywhere in the part: another run of the tests may be on the same machine. */
let next = Math.floor(Math.random() * partLength);

function candidate(): number {
  const port = first + worker * partLength + (next % partLength);
  next++;
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    // In use: the caller goes on with the next one.
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

/** Ports that nobody listens on at this moment. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = candidate();
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** The first of `count` free ports in a row, with as many free ones `offset` above them. */
export async function freePortRun(count: number, offset: number): Promise<number> {
  for (;;) {
    const port = candidate();
    const wanted = Array.from({ length: count }, (_, at) => [port + at, port + at + offset]).flat();
    const free = await Promise.all(wanted.map(isFree));
    next += count;
    if (free.every(Boolean)) return port;
  }
}
