/** The one place where a caller becomes known. Every request to a call path passes here before its body is read. */
import type { IncomingMessage } from "node:http";

export type Authentication =
  /** The name that handlers see as `tx.caller`; empty: anonymous. */
  | { readonly ok: true; readonly caller: string }
  /** 401: say who you are. 403: known, and not allowed. */
  | { readonly ok: false; readonly statusCode: 401 | 403; readonly sentence: string };

export type Authenticate = (request: IncomingMessage) => Authentication;

const anonymous: Authentication = { ok: true, caller: "" };

/** Everybody may call; this is why a node listens beyond loopback only when it is told that this is insecure. */
export const acceptEverybody: Authenticate = () => anonymous;
