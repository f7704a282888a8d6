/** BoringSSL's named compliance policies: here they are lists in the configuration, as any application can give them. */
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';

import type { ShimConfig } from './flags.ts';

export interface Policy {
  readonly groups?: readonly number[];
  readonly cipherSuites?: readonly number[];
  /** For our signatures and the peer's. */
  readonly schemes?: readonly number[];
}

const AES_256 = [CipherSuite.TLS_AES_256_GCM_SHA384];
/** What CNSA 1 and 2 have in common. */
const CNSA = {
  cipherSuites: AES_256,
  schemes: [SignatureScheme.ecdsa_secp384r1_sha384, SignatureScheme.rsa_pss_rsae_sha384],
};

export const POLICIES: ReadonlyMap<string, Policy> = new Map<string, Policy>([
  ['fips-202205', {
    groups: [NamedGroup.secp256r1, NamedGroup.secp384r1],
    cipherSuites: [CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_AES_256_GCM_SHA384],
    schemes: [
      SignatureScheme.ecdsa_secp256r1_sha256,
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha256,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pss_rsae_sha512,
    ],
  }],
  ['wpa-202304', {
    groups: [NamedGroup.secp384r1],
    cipherSuites: AES_256,
    schemes: [
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pss_rsae_sha512,
    ],
  }],
  ['cnsa-202407', {
    cipherSuites: [
      CipherSuite.TLS_AES_256_GCM_SHA384,
      CipherSuite.TLS_AES_128_GCM_SHA256,
      CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
    ],
  }],
  ['cnsa1-202603', { groups: [NamedGroup.MLKEM1024, NamedGroup.secp384r1], ...CNSA }],
  ['cnsa2-202603', { groups: [NamedGroup.MLKEM1024], ...CNSA }],
]);

/** The policy that the flags name. */
export function policyOf({ switches }: ShimConfig): Policy | undefined {
  for (const [name, policy] of POLICIES) if (switches.has(name)) return policy;
  return undefined;
}
