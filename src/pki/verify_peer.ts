import type { CertificateCrypto } from '../crypto/provider.ts';
import type { Reason } from '../error.ts';
import { type Certificate, PEER_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import { CrlChecks } from './crl.ts';
import { CertificateError, hex } from './der.ts';
import { isServerNamed } from './identity.ts';
import { ocspStatus, readOcspResponse } from './ocsp.ts';
import { PurposeOid } from './oid.ts';
import { PathMemory } from './path_memory.ts';
import { DEFAULT_PATH_LIMITS, type PathLimits, verifyPath, whose } from './path.ts';
import type { Trust } from './trust.ts';

/** What the handshake asks: the effect `verify_peer`. */
export interface PeerQuestion {
  /** Who is verified. */
  readonly role: 'server' | 'client';
  /** For a server: the DNS name or IP address it must be for. */
  readonly serverName: string | undefined;
  /** DER, end entity first. */
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
}

/** Who the peer has proven to be. */
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
  /** SHA-256 of the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
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
  const purpose = question.role === 'server' ? PurposeOid.serverAuth : PurposeOid.clientAuth;
  const key = await memory.keyOf(question.chain, purpose);
  const known = memory.find(key, now);
  const leaf = known?.[0] ?? readCertificate(first, PEER_CERTIFICATE_LIMITS);
  // First of all the proof that the peer has the key: who has not cannot make us build chains.
  await checkCertificateVerify(leaf, question, crypto);

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

/** RFC 9846 §4.5.2: a scheme that belongs to the key, and a good signature. */
async function checkCertificateVerify(
  leaf: Certificate,
  { scheme, content, signature }: PeerQuestion,
  crypto: CertificateCrypto,
): Promise<void> {
  const { publicKey } = leaf;
  if (publicKey instanceof CertificateError) {
    throw new CertificateError(publicKey.reason, `${whose(leaf)} has ${publicKey.message}`);
  }
  const name = `0x${scheme.toString(16).padStart(4, '0')}`;
  // 9846-4.5.2-6, 9846-4.5.2-7: no key has a scheme with SHA-1.
  if (!publicKey.schemes.includes(scheme)) {
    throw new CertificateError('bad_signature_scheme', `scheme ${name} with a key of type ${publicKey.type}`);
  }
  // 9846-4.5.2-8, 9846-4.5.2-9
  if (!(await isGoodSignature())) throw new CertificateError('bad_signature', `CertificateVerify with scheme ${name}`);

  async function isGoodSignature(): Promise<boolean> {
    try {
      const verifier = await crypto.signatures.verifier(publicKey as Exclude<typeof publicKey, CertificateError>);
      return await verifier?.verify(scheme, content, signature) ?? false;
    } catch {
      // The key is not one: a point off the curve, say.
      throw new CertificateError('bad_certificate', `${whose(leaf)} has a key that is not valid`);
    }
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
