import type { LoadedCredentials } from './credentials.ts';

/** What of a ClientHello decides on the certificate. */
export interface CertificateWish {
  /** Lower case; undefined when the client sent none. */
  readonly serverName: string | undefined;
  readonly signatureSchemes: readonly number[];
  /** signature_algorithms_cert (RFC 9846 §4.3.3). Default: `signatureSchemes` stand for both. */
  readonly certificateSignatureSchemes?: readonly number[];
}

/**
 * The best credentials for a client: by name first (exact, then wildcard), then by what the client can verify, then in the order
 * given. Undefined when no name fits: the caller decides whether the first one serves strangers.
 *
 * RFC 9846 §4.5.2.2: a chain whose signatures the client did not offer to check is still sent when there is no better.
 */
export function selectByName<T extends Pick<LoadedCredentials, 'info'>>(
  candidates: readonly T[],
  wish: CertificateWish,
): T | undefined {
  const { serverName } = wish;
  if (serverName === undefined) return selectByAbility(candidates, wish);
  const exact = candidates.filter(({ info }) => info.dnsNames.includes(serverName));
  if (exact.length > 0) return selectByAbility(exact, wish);
  const wild = candidates.filter(({ info }) => info.dnsNames.some((pattern) => matchesWildcard(pattern, serverName)));
  return selectByAbility(wild, wish);
}

/** The first whose key and whole chain the client can verify, or the first whose key it can, or the first. */
export function selectByAbility<T extends Pick<LoadedCredentials, 'info'>>(
  candidates: readonly T[],
  wish: CertificateWish,
): T | undefined {
  const forChain = wish.certificateSignatureSchemes ?? wish.signatureSchemes;
  const byKey = candidates.filter(({ info }) => intersect(info.schemes, wish.signatureSchemes));
  return byKey.find(({ info }) => info.chainSchemes.every((schemes) => intersect(schemes, forChain))) ??
    byKey[0] ?? candidates[0];
}

/** RFC 9525 §6.3: the wildcard is the whole leftmost label and stands for exactly one. Both names in lower case. */
export function matchesWildcard(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.') || pattern.indexOf('.', 2) === -1) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

function intersect(a: readonly number[], b: readonly number[]): boolean {
  return a.some((one) => b.includes(one));
}
