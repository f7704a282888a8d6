/** SignatureScheme, RFC 9846 §4.3.3. PKCS#1 v1.5 is listed for certificates alone; it never signs a handshake. */
export const SignatureScheme = {
  rsa_pkcs1_sha256: 0x0401,
  rsa_pkcs1_sha384: 0x0501,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_secp256r1_sha256: 0x0403,
  ecdsa_secp384r1_sha384: 0x0503,
  ecdsa_secp521r1_sha512: 0x0603,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  ed25519: 0x0807,
  rsa_pss_pss_sha256: 0x0809,
  rsa_pss_pss_sha384: 0x080a,
  rsa_pss_pss_sha512: 0x080b,
} as const;

/** Those that may sign a handshake. */
export const HANDSHAKE_SCHEMES: ReadonlySet<number> = new Set(
  Object.entries(SignatureScheme).filter(([name]) => !name.startsWith('rsa_pkcs1')).map(([, scheme]) => scheme),
);

export type SignatureSchemeName = keyof typeof SignatureScheme;
