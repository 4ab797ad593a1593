import type { Transport } from "@quorate/raft";
import { createTcpTransport, type TcpTransport } from "@quorate/raft/tcp";
import { describeTransport, type TransportWorld } from "./transport-contract.js";

const secret = new Uint8Array(Buffer.from("a secret of the tests"));

function tcpWorld(): TransportWorld {
  const transports = new Map<Transport, TcpTransport>();
  const addresses = new Map<Transport, string>();
  const create = (nodeId: string, port: number, options: { readonly secret?: Uint8Array } = {}) => {
    const transport = createTcpTransport({ nodeId, listen: { host: "127.0.0.1", port }, secret, ...options });
    transports.set(transport, transport);
    return transport;
  };
  const addressOf = (transport: Transport) => {
    const known = addresses.get(transport) ?? `127.0.0.1:${transports.get(transport)?.address().port}`;
    addresses.set(transport, known);
    return known;
  };
  return {
    create: (nodeId, options) => create(nodeId, 0, options),
    addressOf,
    // To its peers a process that ends looks the same: the kernel closes its sockets and refuses new ones.
    kill: (transport) => transport.close(),
    recreate: (previous, nodeId) => create(nodeId, Number(addressOf(previous).split(":")[1])),
    dispose: async () => {
      await Promise.all([...transports.keys()].map((transport) => transport.close()));
    },
  };
}

describeTransport("tcp", tcpWorld);
