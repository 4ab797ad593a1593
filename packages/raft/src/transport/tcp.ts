/** `@quorate/raft/tcp`: peers over TCP. See README.md in this folder. */
export type { HostPort } from "./address.js";
export { parseAddress } from "./address.js";
// The wire format, for tools and tests that speak it themselves.
export {
  encodeFrame,
  type Frame,
  FrameError,
  FrameReader,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
} from "./frame.js";
export { AcceptorHandshake, DialerHandshake, type HandshakeParty, NONCE_BYTES } from "./handshake.js";
export { decodeMessage, encodeMessage } from "./message-codec.js";
export type { TcpTransportOptions, TransportLog } from "./options.js";
export { createTcpTransport, type TcpTransport } from "./tcp-transport.js";
