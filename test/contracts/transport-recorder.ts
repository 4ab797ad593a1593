import type {
  BirthMessage,
  NodeIntroduction,
  PeerMessage,
  RequestTopic,
  TransportHandlers,
} from "@quorate/raft";
import type { Membership } from "@quorate/raft/core";

export type TransportEvent =
  | { readonly kind: "message"; readonly message: PeerMessage }
  | { readonly kind: "connected"; readonly peer: string; readonly introduction: NodeIntroduction }
  | { readonly kind: "lost"; readonly peer: string }
  | { readonly kind: "dropped"; readonly peer: string }
  | { readonly kind: "refused"; readonly peer: string; readonly reason: string }
  | { readonly kind: "retired"; readonly introduction: NodeIntroduction };

export interface RecorderOptions {
  readonly nodeId: string;
  readonly clusterName?: string;
  readonly incarnation?: string;
  readonly memberListDigest?: string;
  readonly membership?: Membership | null;
  readonly retires?: string;
  readonly onRequest?: (peer: string, payload: Uint8Array, topic: RequestTopic) => Promise<Uint8Array>;
}

/** Handlers that remember every event; tests wait for events, never for time. */
export class TransportRecorder implements TransportHandlers {
  readonly events: TransportEvent[] = [];
  /** Who opened a control connection to this node, and what it said of itself. */
  readonly introduced = new Map<string, NodeIntroduction>();
  membershipNow: Membership | null;
  readonly #options: RecorderOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.membershipNow = options.membership ?? null;
  }

  introduction(): NodeIntroduction {
    const {
      nodeId,
      clusterName = "test",
      incarnation = `${nodeId}-1`,
      memberListDigest = "d",
    } = this.#options;
    const clusterId = this.membershipNow?.clusterId ?? null;
    const peer = `${nodeId}.example:9000`;
    const http = `http://${nodeId}.example:8000`;
    const { retires = null } = this.#options;
    const membershipIndex = 0;
    return {
      clusterName,
      nodeId,
      incarnation,
      clusterId,
      memberListDigest,
      membershipIndex,
      peer,
      http,
      retires,
    };
  }

  membership(): Membership | null {
    return this.membershipNow;
  }

  onMessage(message: PeerMessage): void {
    this.#record({ kind: "message", message });
  }

  onRetired(introduction: NodeIntroduction): void {
    this.#record({ kind: "retired", introduction });
  }

  onConnected(peer: string, introduction: NodeIntroduction): void {
    this.#record({ kind: "connected", peer, introduction });
  }

  onIntroduced(peer: string, introduction: NodeIntroduction): void {
    this.introduced.set(peer, introduction);
  }

  onLost(peer: string): void {
    this.#record({ kind: "lost", peer });
  }

  onDropped(peer: string): void {
    this.#record({ kind: "dropped", peer });
  }

  onRefused(peer: string, reason: string): void {
    this.#record({ kind: "refused", peer, reason });
  }

  onRequest(peer: string, payload: Uint8Array, topic: RequestTopic): Promise<Uint8Array> {
    return this.#options.onRequest?.(peer, payload, topic) ?? Promise.reject(new Error("no handler"));
  }

  count(kind: TransportEvent["kind"], peer?: string): number {
    return this.events.filter(
      (event) => event.kind === kind && (peer === undefined || peerOf(event) === peer),
    ).length;
  }

  /** Resolves once `times` events of `kind` (about `peer`) have happened since the beginning. */
  async until(kind: TransportEvent["kind"], peer?: string, times = 1): Promise<void> {
    while (this.count(kind, peer) < times) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  get messages(): readonly PeerMessage[] {
    return this.events.flatMap((event) => (event.kind === "message" ? [event.message] : []));
  }

  get refusals(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
  }

  #record(event: TransportEvent): void {
    this.events.push(event);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

function peerOf(event: TransportEvent): string {
  if (event.kind === "message") return event.message.from;
  return event.kind === "retired" ? event.introduction.nodeId : event.peer;
}

export function heartbeat(from: string, to: string, round = 1): PeerMessage {
  return { type: "heartbeat", from, to, term: 3, commit: 7, round, match: 7 };
}

export function membershipOf(members: Readonly<Record<string, string>>, clusterId = "c1"): Membership {
  const ids = Object.keys(members);
  return {
    clusterId,
    members: ids.map((id) => ({
      id,
      incarnation: members[id] ?? "",
      peer: `${id}.example:9000`,
      http: `http://${id}.example:8000`,
    })),
    voters: ids,
    votersOutgoing: [],
    learners: [],
  };
}

export function birth(from: string, to: string): BirthMessage {
  return { type: "birth", from, to, index: 1, membership: membershipOf({ n1: "n1-1", n2: "n2-1" }) };
}
