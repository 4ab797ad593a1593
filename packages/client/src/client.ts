/** An XML-RPC client that knows several nodes of one cluster and finds its leader. */
import { defaultLimits, type Encodable, encodeCall, type Value } from "@quorate/protocol";
import { Agent } from "undici";
import {
  type CallOptions,
  callOptionNames,
  checkTimeout,
  laterIndex,
  optionHeaders,
  refuseUnknown,
} from "./call-options.js";
import { NotExecutedError } from "./errors.js";
import { Nodes } from "./nodes.js";
import { OneCall, type Shared } from "./one-call.js";
import { type MethodTable, makeProxy, type ServiceProxy } from "./proxy.js";
import { Slots } from "./slots.js";

export interface ClientOptions {
  /**
   * URLs with path, such as `http://127.0.0.1:8001/RPC2`; at least one. Stale reads go to the first that
   * can be reached: put the nearest first. A leader that is not in the list is found all the same.
   */
  readonly nodes: readonly string[];
  /** Milliseconds for a whole call, waiting and retries included. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  /** Calls on the wire at a time, hence connections kept to each node; others wait. Default 64. */
  readonly connections?: number | undefined;
  /** Every stale read sees at least what this client saw or wrote before: `minIndex` by itself. Default false. */
  readonly readYourWrites?: boolean | undefined;
}

const optionNames = [
  "nodes",
  "timeoutMs",
  "connections",
  "readYourWrites",
] as const satisfies readonly (keyof ClientOptions)[];
const defaults = { timeoutMs: 15_000, connections: 64 } as const;
/** Beyond connections; further calls are refused at once. */
const waitingMax = 10_000;
/** A machine that is gone does not refuse a connection: it says nothing, and others are worth asking. */
const connectTimeoutMs = 3000;

export class Client implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #shared: Shared;
  readonly #timeoutMs: number;
  readonly #readYourWrites: boolean;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;
  #lastIndex: string | null = null;

  /** Connects to nobody yet. @throws TypeError for options that make no sense */
  constructor(options: ClientOptions) {
    refuseUnknown(options, optionNames);
    const connections = options.connections ?? defaults.connections;
    if (!Number.isInteger(connections) || connections < 1) {
      throw new TypeError(`connections: expected a whole number from 1, got ${String(connections)}`);
    }
    const nodes = new Nodes(options.nodes);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? defaults.timeoutMs);
    this.#readYourWrites = options.readYourWrites ?? false;
    this.#agent = new Agent({
      connections,
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      maxResponseSize: defaultLimits.bytes,
    });
    this.#shared = {
      dispatcher: this.#agent,
      nodes,
      slots: new Slots(connections, waitingMax),
      onAnswer: ({ headers }) => {
        this.#lastIndex = laterIndex(this.#lastIndex, headers["quorate-index"]?.toString());
      },
    };
  }

  /**
   * The latest `Quorate-Index` of any answer, null before the first: what this client has seen or written.
   * Given as `minIndex`, it lets another process's stale read see as much.
   */
  get lastIndex(): string | null {
    return this.#lastIndex;
  }

  /**
   * Calls `method`. A call that was surely not executed is tried again, at other nodes too, until its deadline.
   *
   * Rejects with `Fault` (the cluster's answer), `NotExecutedError`, `OutcomeUnknownError`, the reason of
   * `options.signal` (not executed), or, before anything is sent, `EncodeError` for a parameter that XML-RPC
   * cannot carry and `TypeError` for an option that makes no sense.
   */
  async call(method: string, params: readonly Encodable[] = [], options: CallOptions = {}): Promise<Value> {
    if (this.#closing !== null)
      throw new NotExecutedError(`${method} was not executed: the client is closed`);
    refuseUnknown(options, callOptionNames);
    const nearest = options.consistency === "stale";
    const minIndex = options.minIndex ?? (this.#readYourWrites && nearest ? this.#lastIndex : null);
    const call = new OneCall(this.#shared, {
      method,
      headers: {
        "content-type": "text/xml; charset=utf-8",
        "user-agent": "quorate-client",
        // Straight to the leader, instead of through a node that forwards.
        "quorate-route": "redirect",
        ...optionHeaders({ ...options, minIndex: minIndex ?? undefined }),
      },
      body: encodeCall(method, params),
      timeoutMs: checkTimeout(options.timeoutMs ?? this.#timeoutMs),
      signal: options.signal,
      safe: options.safe ?? false,
      nearest,
    }).run();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  /**
   * An object whose methods are those of the type: `client.proxy<{ get(key: string): Value }>("kv").get("a")`
   * calls `kv.get`; without a namespace the names are whole, `proxy["kv.get"]("a")`. `options` hold for every
   * call made through it. The types are not checked at run time.
   */
  proxy<Methods extends MethodTable<Methods>>(
    namespace?: string,
    options: CallOptions = {},
  ): ServiceProxy<Methods> {
    return makeProxy<Methods>(namespace, (method, params) => this.call(method, params, options));
  }

  /** Takes no more calls, lets those under way end, then closes the connections. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => this.#agent.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
