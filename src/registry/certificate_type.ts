/** CertificateType, RFC 7250 §3. OpenPGP (1) is not for TLS 1.3. */
export const CertificateType = {
  X509: 0,
  RawPublicKey: 2,
} as const;
