import {
  type Clock,
  type NodeIntroduction,
  type PeerMessage,
  RequestFailed,
  type RequestTopic,
  type Transport,
  type TransportHandlers,
} from "@quorate/raft";

/**
 * A network in one thread: connections open and break, messages take their time, links can be cut. A cut
 * link keeps its connection open and silent, as a real one does; a dead process closes its connections.
 */
export class LoopbackNetwork {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #ports = new Map<string, LoopbackTransport>();
  readonly #cuts = new Set<string>();
  /** When the newest message of a directed link arrives: links keep order. */
  readonly #arrivals = new Map<string, number>();
  readonly refusals: { readonly at: string; readonly peer: string; readonly reason: string }[] = [];

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  create(id: string): LoopbackTransport {
    return new LoopbackTransport(id, this);
  }

  /** Cuts both directions, or with `oneWay` only what `a` sends to `b`. */
  cut(a: string, b: string, oneWay = false): void {
    this.#cuts.add(`${a}>${b}`);
    if (!oneWay) this.#cuts.add(`${b}>${a}`);
  }

  /** All links work again; what was sent meanwhile is gone, so connections open anew. */
  heal(): void {
    const cut = new Set([...this.#cuts].map((link) => link.split(">").sort().join(">")));
    this.#cuts.clear();
    for (const pair of cut) {
      const [a = "", b = ""] = pair.split(">");
      this.#disconnect(a, b);
      this.#tryConnect(a, b);
    }
  }

  attach(transport: LoopbackTransport): void {
    this.#ports.set(transport.id, transport);
    for (const other of this.#ports.keys()) this.#tryConnect(transport.id, other);
  }

  /** `graceful` or not, the kernel closes the sockets; the peer's redial is refused. */
  detach(transport: LoopbackTransport): void {
    if (this.#ports.get(transport.id) !== transport) return;
    this.#ports.delete(transport.id);
    for (const peer of [...transport.connections]) {
      transport.connections.delete(peer);
      const other = this.#ports.get(peer);
      if (other === undefined) continue;
      other.connections.delete(transport.id);
      this.#later(() => {
        if (other.open && !other.connections.has(transport.id)) other.handlers?.onLost(transport.id);
      });
    }
  }

  send(from: LoopbackTransport, message: PeerMessage): void {
    if (!from.connections.has(message.to)) return;
    const link = `${from.id}>${message.to}`;
    if (this.#cuts.has(link)) return;
    const now = this.#clock.monotonicMs();
    const arrival = Math.max(now + 0.2 + this.#random() * 2, this.#arrivals.get(link) ?? 0);
    this.#arrivals.set(link, arrival);
    const to = this.#ports.get(message.to);
    this.#clock.after(arrival - now, () => {
      if (!to?.open || !to.connections.has(from.id) || this.#cuts.has(link)) return;
      const incarnation = from.handlers?.introduction().incarnation ?? "";
      to.arrive(() => to.handlers?.onMessage(message, incarnation));
    });
  }

  request(
    from: LoopbackTransport,
    peer: string,
    payload: Uint8Array,
    timeoutMs: number,
    topic: RequestTopic,
  ): Promise<Uint8Array> {
    const to = this.#ports.get(peer);
    if (to?.handlers === undefined || !from.connections.has(peer)) {
      return Promise.reject(new RequestFailed(`no connection with ${peer}`, false));
    }
    const { handlers } = to;
    return new Promise((resolve, reject) => {
      const isCut = () => this.#cuts.has(`${from.id}>${peer}`) || this.#cuts.has(`${peer}>${from.id}`);
      this.#clock.after(timeoutMs, () => reject(new RequestFailed(`${peer} did not answer`, true)));
      this.#later(() => {
        if (isCut() || !to.open) return;
        handlers.onRequest(from.id, payload, topic).then(
          (answer) =>
            this.#later(() => {
              if (!isCut() && to.open) resolve(answer);
            }),
          (error: unknown) => this.#later(() => reject(error)),
        );
      });
    });
  }

  introductionOf(peer: string): NodeIntroduction | undefined {
    return this.#ports.get(peer)?.handlers?.introduction();
  }

  #tryConnect(a: string, b: string): void {
    if (a === b) return;
    this.#later(() => {
      const left = this.#ports.get(a);
      const right = this.#ports.get(b);
      if (left?.handlers === undefined || right?.handlers === undefined) return;
      if (!left.dials(b) || !right.dials(a) || left.connections.has(b)) return;
      if (this.#cuts.has(`${a}>${b}`) || this.#cuts.has(`${b}>${a}`)) return;
      const ofLeft = left.handlers.introduction();
      const ofRight = right.handlers.introduction();
      const reason = judge(ofLeft, ofRight, right.handlers) ?? judge(ofRight, ofLeft, left.handlers);
      if (reason !== null) {
        for (const [visitor, host] of [
          [ofLeft, right.handlers],
          [ofRight, left.handlers],
        ] as const) {
          if (asksForItsPlace(visitor, host)) host.onRetired(visitor);
        }
        this.refusals.push({ at: a, peer: b, reason });
        left.handlers.onRefused(b, reason);
        right.handlers.onRefused(a, reason);
        return;
      }
      left.connections.add(b);
      right.connections.add(a);
      left.handlers.onConnected(b, ofRight);
      right.handlers.onConnected(a, ofLeft);
    });
  }

  #disconnect(a: string, b: string): void {
    this.#ports.get(a)?.connections.delete(b);
    this.#ports.get(b)?.connections.delete(a);
  }

  #later(callback: () => void): void {
    this.#clock.after(0.1 + this.#random(), callback);
  }
}

/** What the real handshake refuses, as far as these tests meet it. */
function judge(visitor: NodeIntroduction, host: NodeIntroduction, at: TransportHandlers): string | null {
  if (visitor.clusterName !== host.clusterName) return "another cluster name";
  if (visitor.clusterId !== null && host.clusterId !== null && visitor.clusterId !== host.clusterId) {
    return "another cluster id";
  }
  const known = at.membership(visitor)?.members.find(({ id }) => id === visitor.nodeId);
  if (known !== undefined && known.incarnation !== visitor.incarnation) return "another incarnation";
  const unborn = visitor.clusterId === null || host.clusterId === null;
  if (unborn && visitor.memberListDigest !== host.memberListDigest) return "another list of members";
  return null;
}

function asksForItsPlace(visitor: NodeIntroduction, host: TransportHandlers): boolean {
  const { nodeId, clusterId, retires } = visitor;
  const known = host.membership(visitor)?.members.find(({ id }) => id === nodeId);
  return clusterId === null && retires !== null && known?.incarnation === retires;
}

export class LoopbackTransport implements Transport {
  handlers: TransportHandlers | undefined;
  readonly connections = new Set<string>();
  readonly sent: PeerMessage[] = [];
  flushed = 0;
  open = false;
  #peers = new Set<string>();
  /** What lies in the sockets' buffers of a process that does nothing; null while it runs. */
  #buffered: (() => void)[] | null = null;

  constructor(
    readonly id: string,
    readonly network: LoopbackNetwork,
  ) {}

  async start(handlers: TransportHandlers): Promise<void> {
    this.handlers = handlers;
    this.open = true;
    this.network.attach(this);
  }

  setPeers(peers: readonly { readonly id: string }[]): void {
    this.#peers = new Set(peers.map(({ id }) => id));
  }

  arrive(event: () => void): void {
    if (this.#buffered === null) event();
    else this.#buffered.push(event);
  }

  stall(): void {
    this.#buffered ??= [];
  }

  /** Hands out what has arrived meanwhile. */
  wake(): void {
    const events = this.#buffered ?? [];
    this.#buffered = null;
    for (const event of events) event();
  }

  dials(peer: string): boolean {
    return this.#peers.has(peer);
  }

  send(message: PeerMessage): void {
    if (!this.open) throw new Error(`${this.id} sends ${message.type} after its transport was closed`);
    this.sent.push(message);
    this.network.send(this, message);
  }

  /** Nothing is held back here; `flushed` is how many of `sent` a real one would have written by now. */
  flush(): void {
    this.flushed = this.sent.length;
  }

  request(
    peer: string,
    payload: Uint8Array,
    timeoutMs: number,
    topic: RequestTopic = "application",
  ): Promise<Uint8Array> {
    return this.network.request(this, peer, payload, timeoutMs, topic);
  }

  async introduce(peer: string): Promise<NodeIntroduction> {
    const introduction = this.network.introductionOf(peer);
    if (introduction === undefined) throw new Error(`${peer} does not answer`);
    return introduction;
  }

  connected(peer: string): boolean {
    return this.connections.has(peer);
  }

  async close(): Promise<void> {
    this.open = false;
    this.network.detach(this);
  }
}
