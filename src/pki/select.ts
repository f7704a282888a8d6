import type { LoadedCredentials } from './credentials.ts';

/** What of a ClientHello decides among certificates for the same name. */
export interface CertificateWish {
  readonly signatureSchemes: readonly number[];
  /** signature_algorithms_cert (RFC 9846 §4.3.3). Default: `signatureSchemes` stand for both. */
  readonly certificateSignatureSchemes?: readonly number[];
}

/**
 * The first whose key and whole chain the client can verify, or the first whose key it can, or the first: RFC 9846 §4.5.1.2 sends a chain
 * whose signatures the client did not offer to check when there is no better.
 */
export function selectByAbility<T extends Pick<LoadedCredentials, 'info'>>(
  candidates: readonly T[],
  wish: CertificateWish,
): T | undefined {
  const forChain = wish.certificateSignatureSchemes ?? wish.signatureSchemes;
  // 9846-4.5.1.2-2
  const byKey = candidates.filter(({ info }) => intersect(info.schemes, wish.signatureSchemes));
  // 9846-4.5.1.2-7
  return byKey.find(({ info }) => info.chainSchemes.every((schemes) => intersect(schemes, forChain))) ??
    byKey[0] ?? candidates[0];
}

function intersect(a: readonly number[], b: readonly number[]): boolean {
  return a.some((one) => b.includes(one));
}
