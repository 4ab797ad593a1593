/** Reads the body of a request. */
import type { IncomingMessage } from "node:http";
import type { BodyBudget } from "./body-budget.js";
import { BadContent, Overloaded, tooLarge } from "./content.js";
import { askForBody } from "./expectations.js";

const nothing = new Uint8Array();

/**
 * Gathers the body, never more than `maxBody` bytes of it; `done` is called once. What it hands over may be a
 * view of the socket's memory: it must be used before the caller returns, or copied. A body that comes in pieces
 * takes its share of `budget` until then; one that comes at once is never kept.
 */
export function readBody(
  request: IncomingMessage,
  maxBody: number,
  budget: BodyBudget,
  done: (error: BadContent | Overloaded | null, body: Uint8Array) => void,
): void {
  const announced = Number(request.headers["content-length"]);
  if (announced > maxBody) {
    done(tooLarge(maxBody), nothing);
    return;
  }
  askForBody(request);
  let first: Buffer | null = null;
  let rest: Buffer[] | null = null;
  let length = 0;
  let held = 0;

  const end = (error: BadContent | Overloaded | null) => {
    request.off("data", onData).off("end", onEnd).off("error", onError);
    if (error !== null) done(error, nothing);
    else if (first === null) done(null, nothing);
    else done(null, rest === null ? first : Buffer.concat([first, ...rest], length));
    budget.give(held);
  };
  const hold = (bytes: number): boolean => {
    if (!budget.take(bytes)) return false;
    held += bytes;
    return true;
  };
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    // What still comes is thrown away: without a listener the stream flows on.
    if (length > maxBody) end(tooLarge(maxBody));
    else if (first === null) first = chunk;
    else if (!hold(rest === null ? length : chunk.length)) end(new Overloaded());
    else if (rest === null) rest = [chunk];
    else rest.push(chunk);
  };
  const onEnd = () => {
    const complete = Number.isNaN(announced) || announced === length;
    end(complete ? null : new BadContent(400, "the body is shorter than its Content-Length says"));
  };
  const onError = () => end(new BadContent(400, "the body broke off"));
  request.on("data", onData).on("end", onEnd).on("error", onError);
}
