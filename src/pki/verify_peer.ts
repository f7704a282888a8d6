import type { CertificateCrypto } from '../crypto/provider.ts';
import type { Reason } from '../error.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { type Certificate, PEER_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import { checkCertificateVerify } from './certificate_verify.ts';
import { CrlChecks } from './crl.ts';
import { CertificateError, hex } from './der.ts';
import { isServerNamed } from './identity.ts';
import { ocspStatus, readOcspResponse } from './ocsp.ts';
import { PurposeOid } from './oid.ts';
import { PathMemory } from './path_memory.ts';
import { DEFAULT_PATH_LIMITS, type PathLimits, verifyPath, whose } from './path.ts';
import { verifyRawPublicKey } from './raw_public_key.ts';
import type { Trust } from './trust.ts';

/** What the handshake asks: the effect `verify_peer`. */
export interface PeerQuestion {
  /** Who is verified. */
  readonly role: 'server' | 'client';
  /** For a server: the DNS name or IP address it must be for. */
  readonly serverName: string | undefined;
  /** CertificateType of `chain` (RFC 7250). Default: X509. */
  readonly certificateType?: number;
  /** DER, end entity first; of a raw public key one SubjectPublicKeyInfo. */
  readonly chain: readonly Uint8Array[];
  /** Of CertificateVerify. */
  readonly scheme: number;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  /** DER OCSPResponse stapled to the end entity's certificate. */
  readonly ocspResponse?: Uint8Array | undefined;
}

export interface PeerRules {
  readonly trust: Trust;
  /**
   * 'if_known': a certificate is refused when a CRL or a stapled response says that it is revoked, or when its issuer's CRL is out of
   * date. 'required': also when nothing tells. Authorities' certificates are checked by CRLs alone. Default 'if_known'.
   */
  readonly revocation?: 'if_known' | 'required';
  readonly limits?: Partial<PathLimits>;
  /** DER SubjectPublicKeyInfos of peers that are believed by their raw public keys (RFC 7250). Default: none. */
  readonly rawPublicKeys?: readonly Uint8Array[];
}

/** Who the peer has proven to be. Of a raw public key only the fingerprint tells anything. */
export interface PeerIdentity {
  /** For people. */
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly dnsNames: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ipAddresses: readonly Uint8Array[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** SHA-256 of the DER certificate, or of the raw public key's SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch; a raw public key has no end. */
  readonly notAfter: number;
}

export type PeerVerdict =
  | { readonly ok: true; readonly identity: PeerIdentity }
  /** `detail` is for the log; it holds nothing unprintable of the peer's. */
  | { readonly ok: false; readonly reason: Reason; readonly detail: string };

export interface PeerVerifier {
  /** Never throws for what a peer sent. `now`: milliseconds since the epoch. */
  verify(question: PeerQuestion, now: number): Promise<PeerVerdict>;
}

/** Checks peers' certificates and CertificateVerify by the rules given. */
export function peerVerifier(rules: PeerRules, crypto: CertificateCrypto): PeerVerifier {
  const crls = new CrlChecks(rules.trust.crls, crypto);
  const memory = new PathMemory(crypto);
  return {
    async verify(question: PeerQuestion, now: number): Promise<PeerVerdict> {
      try {
        return { ok: true, identity: await verifyPeer(question, rules, { crls, memory }, crypto, now) };
      } catch (error) {
        if (!(error instanceof CertificateError)) throw error;
        return { ok: false, reason: error.reason, detail: error.message };
      }
    },
  };
}

async function verifyPeer(
  question: PeerQuestion,
  rules: PeerRules,
  { crls, memory }: { crls: CrlChecks; memory: PathMemory },
  crypto: CertificateCrypto,
  now: number,
): Promise<PeerIdentity> {
  const limits = { ...DEFAULT_PATH_LIMITS, ...rules.limits };
  if (question.chain.length > limits.certificates) {
    throw new CertificateError('certificate_chain_too_long', `${question.chain.length} certificates`);
  }
  const [first, ...others] = question.chain;
  if (first === undefined) throw new CertificateError('empty_certificate', 'no certificate');
  if (question.certificateType === CertificateType.RawPublicKey) {
    return await verifyRawPublicKey(first, question, rules.rawPublicKeys ?? [], crypto);
  }
  const purpose = question.role === 'server' ? PurposeOid.serverAuth : PurposeOid.clientAuth;
  const key = await memory.keyOf(question.chain, purpose);
  const known = memory.find(key, now);
  const leaf = known?.[0] ?? readCertificate(first, PEER_CERTIFICATE_LIMITS);
  // First of all the proof that the peer has the key: who has not cannot make us build chains.
  await checkCertificateVerify(leaf.publicKey, whose(leaf), question, crypto);

  const path = known ?? await findPath();
  if (
    question.role === 'server' && question.serverName !== undefined && !isServerNamed(leaf.names, question.serverName)
  ) {
    throw new CertificateError('bad_certificate', `${whose(leaf)} is not for "${question.serverName}"`);
  }
  await checkRevocation(path, question.ocspResponse, rules.revocation ?? 'if_known', crls, crypto, now);
  return identityOf(leaf, await crypto.digest('SHA-256', leaf.der));

  async function findPath(): Promise<readonly Certificate[]> {
    const intermediates = others.map((der) => readCertificate(der, PEER_CERTIFICATE_LIMITS));
    const found = await verifyPath({ leaf, intermediates, anchors: rules.trust.anchors, purpose, now, limits }, crypto);
    memory.remember(key, found);
    return found;
  }
}

async function checkRevocation(
  path: readonly Certificate[],
  stapled: Uint8Array | undefined,
  mode: 'if_known' | 'required',
  crls: CrlChecks,
  crypto: CertificateCrypto,
  now: number,
): Promise<void> {
  for (const [index, certificate] of path.entries()) {
    const issuer = path[index + 1];
    if (issuer === undefined) return;
    const byCrl = await crls.statusOf(certificate, issuer, now);
    const byOcsp = index === 0 && stapled !== undefined
      ? await ocspStatus(readOcspResponse(stapled), certificate, issuer, crypto, now)
      : undefined;
    if (byCrl === 'revoked' || byOcsp === 'revoked') {
      throw new CertificateError('certificate_revoked', `${whose(certificate)} is revoked`);
    }
    if (mode === 'required' && byCrl !== 'good' && byOcsp !== 'good') {
      throw new CertificateError('certificate_unknown', `nothing tells whether ${whose(certificate)} is revoked`);
    }
  }
}

function identityOf(leaf: Certificate, fingerprint: Uint8Array): PeerIdentity {
  return {
    subject: leaf.subject,
    issuer: leaf.issuer,
    serialNumber: leaf.serialNumber,
    dnsNames: leaf.names.dns,
    ipAddresses: leaf.names.ip,
    emailAddresses: leaf.names.email,
    uris: leaf.names.uri,
    fingerprint: hex(fingerprint),
    notAfter: leaf.notAfter,
  };
}
