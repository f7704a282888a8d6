/** DelegatedCredentials (RFC 9345 §4) made by node:crypto. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { issue, makeRoot, type TestCertificate, type TestCertificateOptions } from './certificates.ts';
import { FIRST_SCHEME, signWith } from './peer.ts';
import { ascii, type Bytes, concat, u16, uint, vector } from './raw_wire.ts';

const DAY = 86_400_000;

/** NULL: all there is in the extension. */
export const DELEGATION_USAGE = { id: '1.3.6.1.4.1.44363.44', critical: false, value: Uint8Array.of(5, 0) };

/** A certificate that may delegate. */
export function delegator(options: TestCertificateOptions = {}): TestCertificate {
  return issue(makeRoot(), { names: ['delegating.test'], extensions: [DELEGATION_USAGE], ...options });
}

export interface DelegatedOptions {
  /** Of the delegated key. Default ecdsa_secp256r1_sha256. */
  readonly scheme?: number;
  readonly keys?: { readonly privateKey: KeyObject };
  /** Seconds from TEST_NOW on. Default an hour. */
  readonly lifetime?: number;
  readonly alter?: (signed: Bytes) => Bytes;
}

export function delegate(
  issuer: TestCertificate,
  options: DelegatedOptions = {},
): { credential: Bytes; privateKey: KeyObject } {
  const { privateKey } = options.keys ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  // The certificate began a day before.
  const validTime = DAY / 1000 + (options.lifetime ?? 3600);
  const algorithm = FIRST_SCHEME[issuer.type];
  const signed = concat(uint(validTime, 4), u16(options.scheme ?? 0x0403), vector(3, spki), u16(algorithm));
  const content = concat(
    new Uint8Array(64).fill(0x20),
    ascii('TLS, server delegated credentials\0'),
    issuer.der,
    signed,
  );
  const signature = signWith(issuer, algorithm, options.alter?.(content) ?? content);
  return { credential: concat(signed, vector(2, signature)), privateKey };
}
