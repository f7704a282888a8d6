/** CipherSuite, RFC 9846 §B.4. */
export const CipherSuite = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
} as const;

export type CipherSuiteName = keyof typeof CipherSuite;
