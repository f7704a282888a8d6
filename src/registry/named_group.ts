/** NamedGroup, RFC 9846 §4.3.7, RFC 10024 (the ML-KEM hybrids) and draft-ietf-tls-mlkem. */
export const NamedGroup = {
  secp256r1: 0x0017,
  secp384r1: 0x0018,
  x25519: 0x001d,
  MLKEM1024: 0x0202,
  SecP256r1MLKEM768: 0x11eb,
  X25519MLKEM768: 0x11ec,
} as const;

export type NamedGroupName = keyof typeof NamedGroup;
