/**
 * What an HTTP answer says of a call. Pure. "Not executed" needs somebody's word for it:
 *
 *     XML-RPC value with 200 ──▶ value
 *     fault, any status ──▶ -32001 -32002 -32004 not executed · -32003 unknown · any other: the answer
 *     307, 308 ──▶ redirect
 *     other 3xx, 4xx, 501 ──▶ not executed: the request was refused before it was a call
 *     5xx that is no fault ──▶ not executed if a Quorate node says 503; otherwise unknown, for proxies
 *                              answer so when a connection breaks under a call that they had passed on
 *     200 that is no XML-RPC ──▶ unknown
 */
import { decodeResponse, Fault, faultCodes, type Value } from "@quorate/protocol";
import { messageOf } from "./errors.js";
import type { HttpAnswer } from "./exchange.js";

/** Where a call that was not executed may go: another node now, any node later, or nowhere with this request. */
export type Again = "elsewhere" | "later" | "never";

export type Verdict =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "redirect"; readonly location: string }
  | {
      readonly kind: "notExecuted";
      readonly why: string;
      readonly again: Again;
      readonly retryAfterMs: number;
      readonly cause?: unknown;
    }
  | { readonly kind: "unknown"; readonly why: string; readonly cause?: unknown };

const retryAfterMsMax = 5000;
const busyStatuses: readonly number[] = [408, 421, 425, 429];

export function judge(answer: HttpAnswer): Verdict {
  const { status, headers } = answer;
  if ((status === 307 || status === 308) && headers.location !== undefined) {
    return { kind: "redirect", location: headers.location };
  }
  const result = readBody(answer);
  if (result.kind === "fault") return judgeFault(result.fault, answer);
  if (result.kind === "value" && status === 200) return result;
  const what =
    result.kind === "unreadable" ? result.why : "answered with an XML-RPC value, which only goes with 200";
  const why = status === 200 ? what : `answered HTTP ${status}${firstLine(answer)}`;
  if (busyStatuses.includes(status) || (status === 503 && headers["quorate-node"] !== undefined)) {
    return { kind: "notExecuted", why, again: "elsewhere", retryAfterMs: retryAfterMs(answer) };
  }
  if ((status >= 300 && status < 500) || status === 501) {
    return { kind: "notExecuted", why: `${why}; is it a Quorate node?`, again: "never", retryAfterMs: 0 };
  }
  return { kind: "unknown", why, ...(result.kind === "unreadable" && { cause: result.cause }) };
}

function judgeFault(fault: Fault, answer: HttpAnswer): Verdict {
  const why = fault.faultString;
  switch (fault.faultCode) {
    case faultCodes.noLeader:
    case faultCodes.notLeader:
      return {
        kind: "notExecuted",
        why,
        again: "elsewhere",
        retryAfterMs: retryAfterMs(answer),
        cause: fault,
      };
    case faultCodes.overloaded:
      return { kind: "notExecuted", why, again: "later", retryAfterMs: retryAfterMs(answer), cause: fault };
    case faultCodes.outcomeUnknown:
      return { kind: "unknown", why, cause: fault };
    default:
      return { kind: "fault", fault };
  }
}

type Body =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "unreadable"; readonly why: string; readonly cause?: unknown };

function readBody({ headers, body }: HttpAnswer): Body {
  const type = headers["content-type"];
  // Servers that send no type are read; those that name another one mean it.
  if (type !== undefined && !/^(?:text|application)\/(?:[\w.-]+\+)?xml\b/i.test(type)) {
    return { kind: "unreadable", why: `answered with ${excerpt(type)}, not XML; is it a Quorate node?` };
  }
  const charset = type === undefined ? undefined : /;\s*charset="?([\w-]+)/i.exec(type)?.[1];
  try {
    const result = decodeResponse(body, { charset });
    return result instanceof Fault ? { kind: "fault", fault: result } : { kind: "value", value: result };
  } catch (error) {
    return {
      kind: "unreadable",
      why: `answered with what is not XML-RPC: ${messageOf(error)}`,
      cause: error,
    };
  }
}

/** Milliseconds; 0 without a number of seconds (a date would need both clocks to agree). */
function retryAfterMs({ headers }: HttpAnswer): number {
  const text = headers["retry-after"] ?? "";
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text) * 1000, retryAfterMsMax) : 0;
}

function firstLine({ body }: HttpAnswer): string {
  const [line = ""] = new TextDecoder().decode(body.subarray(0, 400)).trim().split("\n", 1);
  return line === "" ? "" : `: ${excerpt(line)}`;
}

const excerpt = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
