import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { NodeId } from "../core/index.js";
import type { NodeIntroduction } from "../ports/index.js";
import { parseAddress } from "./address.js";
import { Connection } from "./connection.js";
import {
  type Channel,
  DialerHandshake,
  type HandshakeParty,
  type HandshakeStep,
  NONCE_BYTES,
} from "./handshake.js";
import type { Settings } from "./options.js";

export interface DialTarget {
  readonly peer: NodeId;
  /** `host:port`; the name is looked up at every dial. */
  readonly address: string;
  readonly channel: Channel;
}

/** Exactly one of the two is called, once, never inside `dial`; none after `cancel`. */
export interface DialOutcome {
  /** The caller owns the connection from here on and sets its `owner` inside this call. */
  onEstablished(connection: Connection, introduction: NodeIntroduction): void;
  /** `refused`: the handshake ended in a refusal by either side, and `reason` is meant for an operator. */
  onFailed(reason: string, refused: boolean): void;
}

/** What every handshake of this node has in common. */
export type Party = Omit<HandshakeParty, "nonce">;

/** Connects and shakes hands within twice `connectTimeoutMs`. Returns a function that gives up silently. */
export function dial(target: DialTarget, party: Party, settings: Settings, outcome: DialOutcome): () => void {
  const hostPort = parseAddress(target.address);
  if (hostPort === null) {
    const reason = `the peer address of ${target.peer}, "${target.address}", is not of the form host:port`;
    const soon = setImmediate(() => outcome.onFailed(reason, true));
    return () => clearImmediate(soon);
  }

  let over = false;
  /** Runs `report` unless the dial has ended already. */
  const finish = (report: () => void) => {
    if (over) return;
    over = true;
    clearTimeout(deadline);
    report();
  };
  const handshake = new DialerHandshake(
    { ...party, nonce: randomBytes(NONCE_BYTES) },
    target.channel,
    target.peer,
  );
  const socket = connect({ host: hostPort.host, port: hostPort.port, keepAlive: false });
  const connection = new Connection(socket, settings, {
    onFrame: (type, body) => advance(handshake.receive(type, body)),
    onClose: (reason) => finish(() => outcome.onFailed(reason, false)),
  });
  let deadline = timeout("did not connect");
  socket.once("connect", () => {
    if (over) return;
    clearTimeout(deadline);
    deadline = timeout("did not finish the handshake");
    connection.send(handshake.hello);
  });
  return () => finish(() => connection.close("dial given up"));

  function timeout(what: string): NodeJS.Timeout {
    const ms = settings.connectTimeoutMs;
    return setTimeout(() => connection.close(`${target.address} ${what} within ${ms} ms`), ms);
  }

  function advance(step: HandshakeStep): void {
    if (step.kind === "continue") {
      connection.send(step.reply);
    } else if (step.kind === "established") {
      connection.allowLargeFrames();
      finish(() => outcome.onEstablished(connection, step.peer));
    } else {
      const reason =
        step.by === "us"
          ? step.reason
          : `${target.peer} (${target.address}) refused this node: ${step.reason}`;
      connection.closeAfter(step.reply, reason);
      finish(() => outcome.onFailed(reason, true));
    }
  }
}

/** A handshake for its introduction only: it is refused as soon as the other side has said who it is. */
export function askWhoIsThere(
  target: DialTarget,
  party: Party,
  settings: Settings,
): Promise<NodeIntroduction> {
  return new Promise((resolve, reject) => {
    let heard: NodeIntroduction | null = null;
    const asking: Party = {
      ...party,
      judge: (other, { intended, reached }) => {
        if (intended !== reached) return `the node at ${target.address} is ${reached}, not ${intended}`;
        heard = other;
        return `it only asked who is at ${target.address}`;
      },
    };
    dial(target, asking, settings, {
      onEstablished: (connection) => connection.close("nothing was refused"),
      onFailed: (reason) => {
        if (heard === null) reject(new Error(reason));
        else resolve(heard);
      },
    });
  });
}
