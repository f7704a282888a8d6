/** ProtocolVersion, RFC 9846 §4.3.1. */
export const ProtocolVersion = {
  tls12: 0x0303,
  tls13: 0x0304,
} as const;
