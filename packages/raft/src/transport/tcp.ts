/** `@quorate/raft/tcp`: peers over TCP. See README.md in this folder. */
export type { HostPort } from "./address.js";
export { parseAddress } from "./address.js";
export type { TcpTransportOptions, TransportLog } from "./options.js";
export { createTcpTransport, type TcpTransport } from "./tcp-transport.js";
