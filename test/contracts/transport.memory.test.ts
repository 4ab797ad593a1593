import type { Clock, Transport } from "@quorate/raft";
import { createMemoryNetwork } from "@quorate/raft/memory";
import { describeTransport, type TransportWorld } from "./transport-contract.js";

const realTime: Clock = {
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  nextTurn: (callback) => void setImmediate(callback),
};

function memoryWorld(): TransportWorld {
  const network = createMemoryNetwork({ clock: realTime, random: () => 0.5 });
  const made = new Map<Transport, { readonly nodeId: string; readonly address: string }>();
  const create = (nodeId: string, address: string, options: { readonly secret?: Uint8Array } = {}) => {
    const transport = network.transport({ nodeId, address, ...options });
    made.set(transport, { nodeId, address });
    return transport;
  };
  const facts = (transport: Transport) => made.get(transport) ?? { nodeId: "", address: "" };
  return {
    create: (nodeId, options) => create(nodeId, `host-${made.size + 1}:9000`, options),
    addressOf: (transport) => facts(transport).address,
    kill: async (transport) => network.crash(facts(transport).nodeId),
    recreate: (previous, nodeId) => create(nodeId, facts(previous).address),
    dispose: async () => {
      await Promise.all([...made.keys()].map((transport) => transport.close()));
    },
  };
}

describeTransport("memory", memoryWorld);
