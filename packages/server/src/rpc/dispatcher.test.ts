import {
  type Dialect,
  Double,
  decodeResponse,
  encodeCall,
  Fault,
  faultCodes,
  type Struct,
  type Value,
} from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import type { Answer } from "./answer.js";
import { Dispatcher } from "./dispatcher.js";
import type { Call, CallContext, CallOutcome, Executor, LocalMethod, Method, MethodTable } from "./ports.js";
import { plainContext as plain } from "./testing-context.js";

const methods = new Map<string, Method>([
  ["note.set", { kind: "command", help: "Store a note.", signatures: [["boolean", "string"]] }],
  ["note.get", { kind: "query", help: "", signatures: [] }],
]);

const table: MethodTable = {
  list: () => [...methods.keys()],
  find: (name) => methods.get(name),
  checkParams: (_method, params) => {
    if (params.length !== 1)
      throw new Fault(faultCodes.invalidParams, `expected 1 parameter, got ${params.length}`);
  },
};

/** Ends every call as it was told, and remembers what it was asked. */
class ScriptedExecutor implements Executor {
  readonly seen: { readonly how: "execute" | "readStale"; readonly call: Call }[] = [];
  outcome: CallOutcome = { kind: "result", result: { ok: true, value: true }, index: 7 };

  execute(call: Call, _context: CallContext, end: (outcome: CallOutcome) => void): void {
    this.seen.push({ how: "execute", call });
    end(this.outcome);
  }

  readStale(call: Call, _context: CallContext, end: (outcome: CallOutcome) => void): void {
    this.seen.push({ how: "readStale", call });
    end(this.outcome);
  }
}

function rig(localMethods: ReadonlyMap<string, LocalMethod> = new Map(), dialect?: Dialect) {
  const executor = new ScriptedExecutor();
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({
    service: table,
    localMethods,
    executor,
    maxBody: 1024 * 1024,
    ...(dialect === undefined ? {} : { dialect }),
    onFailure: (error) => failures.push(error),
  });
  const send = (bytes: Uint8Array, context = plain): Answer => {
    const answers: Answer[] = [];
    dispatcher.dispatch(bytes, undefined, context, (answer) => answers.push(answer));
    const [answer] = answers;
    if (answer === undefined || answers.length !== 1) throw new Error(`${answers.length} answers`);
    return answer;
  };
  const call = (method: string, params: readonly Value[], context = plain) =>
    send(encodeCall(method, params), context);
  return { executor, failures, send, call, dispatcher };
}

function faultCodeOf(answer: Answer): number {
  const decoded = decodeResponse(answer.body);
  if (decoded instanceof Fault) return decoded.faultCode;
  throw new Error(`no fault but ${JSON.stringify(decoded)}`);
}

describe("service methods", () => {
  it("gives commands to the executor and writes its result", () => {
    const { executor, call } = rig();
    const answer = call("note.set", ["hello"]);
    expect(decodeResponse(answer.body)).toBe(true);
    expect(answer).toMatchObject({ ending: "value", method: "note.set", kind: "command", index: 7 });
    expect(executor.seen).toEqual([
      { how: "execute", call: { kind: "command", method: "note.set", params: ["hello"] } },
    ]);
  });

  it("reads stale only when a query asks for it", () => {
    const { executor, call } = rig();
    const stale: CallContext = { ...plain, consistency: "stale" };
    call("note.get", ["a"]);
    call("note.get", ["a"], stale);
    call("note.set", ["a"], stale);
    expect(executor.seen.map(({ how }) => how)).toEqual(["execute", "readStale", "execute"]);
  });

  it("refuses wrong parameters where the call arrives", () => {
    const { executor, call } = rig();
    expect(faultCodeOf(call("note.set", []))).toBe(faultCodes.invalidParams);
    expect(executor.seen).toEqual([]);
  });

  it("refuses a keyed command instead of accepting it without its promise", () => {
    const { executor, call } = rig();
    const keyed: CallContext = { ...plain, idempotencyKey: "k1" };
    const answer = call("note.set", ["a"], keyed);
    expect(decodeResponse(answer.body)).toMatchObject({
      message: expect.stringContaining("Idempotency-Key"),
    });
    expect(executor.seen).toEqual([]);
    expect(call("note.get", ["a"], keyed).ending).toBe("value");
  });

  it("passes the faults of user code through untouched", () => {
    const { executor, call } = rig();
    executor.outcome = {
      kind: "result",
      result: { ok: false, fault: { code: 409, message: "only 3 left" } },
      index: 9,
    };
    const answer = call("note.set", ["a"]);
    expect(decodeResponse(answer.body)).toMatchObject({ faultCode: 409, faultString: "only 3 left" });
    expect(answer).toMatchObject({ ending: "fault", index: 9 });
  });

  it("keeps a double a double", () => {
    const { executor, call } = rig();
    executor.outcome = { kind: "result", result: { ok: true, value: new Double(3) }, index: 1 };
    expect(Buffer.from(call("note.get", ["a"]).body).toString()).toContain("<double>3");
  });

  it("says that a call was executed whose result has no XML form", () => {
    const { executor, call } = rig();
    executor.outcome = { kind: "result", result: { ok: true, value: "\u0000" }, index: 12 };
    const answer = call("note.get", ["a"]);
    expect(faultCodeOf(answer)).toBe(faultCodes.internalError);
    expect(Buffer.from(answer.body).toString()).toContain("the call was executed");
    expect(answer.index).toBe(12);
  });
});

describe("outcomes without a result", () => {
  it.each([
    [{ kind: "notLeader", leader: "n2", url: "http://10.0.0.2:8000" }, -32001],
    [{ kind: "noLeader", why: "an election is running" }, -32002],
    [{ kind: "unknown" }, -32003],
    [{ kind: "overloaded" }, -32004],
    [{ kind: "tooLarge", why: "9 MiB" }, -32005],
    [{ kind: "failed" }, -32603],
  ] as const satisfies readonly (readonly [CallOutcome, number])[])("%j is fault %d", (outcome, code) => {
    const { executor, call } = rig();
    executor.outcome = outcome;
    const answer = call("note.set", ["a"]);
    expect(faultCodeOf(answer)).toBe(code);
    expect(answer).toMatchObject({ ending: outcome.kind, index: null });
  });

  it("names the leader's URL, for clients that read only the document", () => {
    const { executor, call } = rig();
    executor.outcome = { kind: "notLeader", leader: "n2", url: "http://10.0.0.2:8000" };
    const answer = call("note.set", ["a"]);
    expect(answer.leaderUrl).toBe("http://10.0.0.2:8000");
    expect(Buffer.from(answer.body).toString()).toContain("http://10.0.0.2:8000");
  });
});

describe("calls that end where they arrive", () => {
  it.each([
    ["", -32700],
    ["{}", -32700],
    ["<methodCall>", -32700],
    ["<!DOCTYPE a><methodCall/>", -32700],
    ["<methodResponse/>", -32600],
  ])("%j is fault %d", (text, code) => {
    const { send, executor } = rig();
    const answer = send(Buffer.from(text));
    expect(faultCodeOf(answer)).toBe(code);
    expect(answer.method).toBeNull();
    expect(executor.seen).toEqual([]);
  });

  it.each(["nope", "__proto__", "toString", "_private", "note.set.call", "constructor"])(
    "%s is no method",
    (name) => {
      const { call } = rig();
      const answer = call(name, []);
      expect(faultCodeOf(answer)).toBe(faultCodes.methodNotFound);
      expect(answer.method).toBeNull();
    },
  );

  it("bounds how much of a stranger's method name it repeats", () => {
    const { call } = rig();
    expect(call("x".repeat(4000), []).body.length).toBeLessThan(600);
  });
});

describe("introspection", () => {
  const status: LocalMethod = { help: "State.", signatures: [["struct"]], call: () => ({ term: 3 }) };
  const local = new Map([["cluster.status", status]]);

  it("lists every method, sorted", () => {
    const { call } = rig(local);
    expect(decodeResponse(call("system.listMethods", []).body)).toEqual([
      "cluster.status",
      "note.get",
      "note.set",
      "system.getCapabilities",
      "system.listMethods",
      "system.methodHelp",
      "system.methodSignature",
      "system.multicall",
    ]);
  });

  it("answers signatures, and undef where none are declared", () => {
    const { call } = rig(local);
    const signature = (name: string) => decodeResponse(call("system.methodSignature", [name]).body);
    expect(signature("note.set")).toEqual([["boolean", "string"]]);
    expect(signature("note.get")).toBe("undef");
    expect(signature("cluster.status")).toEqual([["struct"]]);
    expect(signature("system.methodHelp")).toEqual([["string", "string"]]);
    expect(signature("nope")).toMatchObject({ faultCode: faultCodes.methodNotFound });
  });

  it("answers help texts", () => {
    const { call } = rig(local);
    expect(decodeResponse(call("system.methodHelp", ["note.set"]).body)).toBe("Store a note.");
    expect(faultCodeOf(call("system.methodHelp", []))).toBe(faultCodes.invalidParams);
    expect(faultCodeOf(call("system.methodHelp", [3]))).toBe(faultCodes.invalidParams);
    expect(faultCodeOf(call("system.listMethods", [1]))).toBe(faultCodes.invalidParams);
  });

  it("answers what conventions the server keeps, each with an address and a version", () => {
    const { call } = rig(local);
    const answer = decodeResponse(call("system.getCapabilities", []).body) as Struct;
    expect(Object.keys(answer).sort()).toEqual([
      "faults_interop",
      "i8",
      "introspection",
      "nil",
      "system.multicall",
      "xmlrpc",
    ]);
    for (const capability of Object.values(answer)) {
      expect(capability).toEqual({
        specUrl: expect.stringMatching(/^http:/),
        specVersion: expect.any(Number),
      });
    }
    expect(faultCodeOf(call("system.getCapabilities", [1]))).toBe(faultCodes.invalidParams);
  });

  it("describes system.multicall like any other method", () => {
    const { call } = rig(local);
    expect(decodeResponse(call("system.methodSignature", ["system.multicall"]).body)).toEqual([
      ["array", "array"],
    ]);
    expect(decodeResponse(call("system.methodHelp", ["system.multicall"]).body)).toContain("methodName");
  });

  it("answers local methods without the executor", () => {
    const { call, executor } = rig(local);
    expect({ ...(decodeResponse(call("cluster.status", []).body) as object) }).toEqual({ term: 3 });
    expect(executor.seen).toEqual([]);
  });

  it("turns a failing local method into -32603 and keeps its text to the log", () => {
    const broken: LocalMethod = {
      ...status,
      call: () => {
        throw new Error("disk at /secret/path");
      },
    };
    const { call, failures } = rig(new Map([["cluster.status", broken]]));
    const answer = call("cluster.status", []);
    expect(faultCodeOf(answer)).toBe(faultCodes.internalError);
    expect(Buffer.from(answer.body).toString()).not.toContain("secret");
    expect(failures).toHaveLength(1);
  });

  it("refuses a service that redefines a method of the server", () => {
    expect(() => rig(new Map([["note.get", status]]))).toThrow(/note\.get/);
  });
});

describe("operations on the cluster", () => {
  const move = {
    help: "Moves.",
    signatures: [["string"]],
    call: async (params: readonly Value[]): Promise<Value> => {
      if (params.length > 0) throw new Fault(409, "cannot");
      return "n2";
    },
  };
  const hasty = {
    ...move,
    call: (): Promise<Value> => {
      throw new Fault(faultCodes.invalidParams, "expected an id");
    },
  };
  const dispatcher = new Dispatcher({
    service: table,
    localMethods: new Map(),
    operations: new Map([
      ["cluster.move", move],
      ["cluster.hasty", hasty],
    ]),
    executor: new ScriptedExecutor(),
    maxBody: 1024 * 1024,
    onFailure: () => undefined,
  });
  const send = (method: string, params: Value[]) =>
    new Promise<Value | Fault>((resolve) => {
      dispatcher.dispatch(encodeCall(method, params), undefined, plain, ({ body }) =>
        resolve(decodeResponse(body)),
      );
    });

  it("are answered when they are done, by value or fault", async () => {
    expect(await send("cluster.move", [])).toBe("n2");
    expect(await send("cluster.move", [1])).toMatchObject({ faultCode: 409, faultString: "cannot" });
    expect(await send("cluster.hasty", [])).toMatchObject({
      faultCode: -32602,
      faultString: "expected an id",
    });
  });

  it("are listed and described, and refused in a multicall", async () => {
    expect(await send("system.listMethods", [])).toContain("cluster.move");
    expect(await send("system.methodHelp", ["cluster.move"])).toBe("Moves.");
    expect(dispatcher.describe().map(({ name }) => name)).toContain("cluster.move");
    const inside = await send("system.multicall", [[{ methodName: "cluster.move", params: [] }]]);
    expect(inside).toMatchObject([
      { faultCode: -32602, faultString: expect.stringContaining("call it alone") },
    ]);
  });

  it("keep their names from the service", () => {
    const operations = new Map([["note.set", move]]);
    const executor = new ScriptedExecutor();
    const options = { service: table, localMethods: new Map(), operations, executor, maxBody: 1024 };
    expect(() => new Dispatcher({ ...options, onFailure: () => undefined })).toThrow(
      /the service defines note\.set/,
    );
  });
});

describe("dialects of answers", () => {
  const results: Value = [5n, null, 1];
  const slots: Value = [[5n], [1], [null]];
  const items = [["a"], ["b"], ["c"]].map((params) => ({ methodName: "note.get", params }));
  const answers = (dialect?: Dialect) => {
    const { executor, call } = rig(new Map([["local.nothing", local(null)]]), dialect);
    executor.outcome = { kind: "result", result: { ok: true, value: results }, index: 7 };
    const plainCall = call("note.get", ["a"]);
    executor.outcome = { kind: "result", result: { ok: true, value: slots }, index: 7 };
    return { plainCall, multicall: call("system.multicall", [items]), local: call("local.nothing", []) };
  };
  const local = (value: Value): LocalMethod => ({ help: "", signatures: [], call: () => value });
  const text = ({ body }: Answer) => Buffer.from(body).toString();

  it("standard: i8 and nil, as for every value that leaves no choice", () => {
    const { plainCall, multicall, local } = answers();
    expect(text(plainCall)).toContain("<i8>5</i8></value><value><nil/>");
    expect(text(multicall)).toContain("<i8>5</i8>");
    expect(text(local)).toContain("<nil/>");
    expect(text(plainCall)).not.toContain("ex:");
  });

  it("apache: its own names, declared in every document", () => {
    const { plainCall, multicall, local } = answers("apache");
    for (const answer of [plainCall, multicall]) {
      expect(text(answer)).toContain('xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"');
      expect(text(answer)).toContain("<ex:i8>5</ex:i8>");
      expect(text(answer)).toContain("<ex:nil/>");
    }
    expect(text(local)).toContain("<ex:nil/>");
    expect(decodeResponse(plainCall.body)).toEqual(results);
    expect(decodeResponse(multicall.body)).toEqual(slots);
  });

  it("strict: a fault that says what was executed, in a multicall only in the slots that need it", () => {
    const { plainCall, multicall, local } = answers("strict");
    expect(faultCodeOf(plainCall)).toBe(faultCodes.internalError);
    expect(text(plainCall)).toContain("the call was executed, but its result cannot be written");
    expect(decodeResponse(multicall.body)).toMatchObject([
      { faultCode: faultCodes.internalError },
      [1],
      { faultCode: faultCodes.internalError },
    ]);
    expect(faultCodeOf(local)).toBe(faultCodes.internalError);
  });
});
