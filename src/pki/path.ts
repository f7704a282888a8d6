import * as pkijs from 'pkijs';
import type { CertificateCrypto } from '../crypto/provider.ts';
import { type Certificate, isIssuedBy } from './certificate.ts';
import { CertificateError, equalBytes } from './der.ts';
import { KeyUsageBit } from './encode.ts';
import { checkNameConstraints, WorkBudget } from './name_constraints.ts';
import { ExtensionOid, PurposeOid } from './oid.ts';

/** Bounds on the work a peer's chain can cause. */
export interface PathLimits {
  /** Certificates a peer may send. Default 10. */
  readonly certificates: number;
  /** Certificates on the way from the end entity to the trust anchor, both included. Default 8. */
  readonly pathLength: number;
  /** Alternative names of one certificate. Default 1024. */
  readonly names: number;
  /** Policies and policy mappings of one certificate (CVE-2023-0464). Default 64. */
  readonly policies: number;
  /** Comparisons of a name with a name constraint, in all (CVE-2025-58187). Default 65536. */
  readonly nameComparisons: number;
  /** Steps of the search for a path. Default 128. */
  readonly searchSteps: number;
  /** Signatures checked, in all. Default 24. */
  readonly signatures: number;
}

export const DEFAULT_PATH_LIMITS: PathLimits = {
  certificates: 10,
  pathLength: 8,
  names: 1024,
  policies: 64,
  nameComparisons: 65536,
  searchSteps: 128,
  signatures: 24,
};

/** Trusted certificates by their subject's name. */
export type TrustAnchors = ReadonlyMap<string, readonly Certificate[]>;

export interface PathRequest {
  readonly leaf: Certificate;
  /** What the peer sent beside it, in any order (9846-4.5.1-12 asks receivers to be prepared for that). */
  readonly intermediates: readonly Certificate[];
  readonly anchors: TrustAnchors;
  /** What the end entity must be allowed to do: an OID of extKeyUsage. */
  readonly purpose: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly limits: PathLimits;
}

/**
 * Finds a way from the end entity to a trust anchor and checks it as RFC 5280 §6 asks. The search goes by names and key identifiers,
 * the cheap rules come next, then the signatures, then pkijs's own validation, which also does policies: what a peer can make
 * expensive is bounded before it is done. Returns the path, end entity first. Throws `CertificateError`.
 */
export async function verifyPath(request: PathRequest, crypto: CertificateCrypto): Promise<readonly Certificate[]> {
  const { limits } = request;
  const budget = new WorkBudget(limits.nameComparisons);
  const signatures = new SignatureChecks(crypto, limits.signatures);
  let firstError: CertificateError | undefined;
  for (const path of candidatePaths(request)) {
    try {
      checkPath(path, request, budget);
      await signatures.check(path);
      await validateByPkijs(path, request.now);
      return path;
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      firstError ??= error;
    }
  }
  throw firstError ?? new CertificateError('unknown_ca', `no trusted authority issued "${request.leaf.issuer}"`);
}

/** Every way to a trust anchor by names and key identifiers, anchors before intermediates, shortest detours first. */
function* candidatePaths({ leaf, intermediates, anchors, limits }: PathRequest): Generator<readonly Certificate[]> {
  let steps = 0;
  function* extend(path: readonly Certificate[]): Generator<readonly Certificate[]> {
    const last = path.at(-1) as Certificate;
    if (++steps > limits.searchSteps) throw new CertificateError('bad_certificate', 'too many ways to build its chain');
    const trusted = anchors.get(last.issuerName)?.filter((anchor) => isIssuedBy(last, anchor)) ?? [];
    // The end entity itself may be trusted, and so may an authority that the peer sent.
    if (anchors.get(last.subjectName)?.some((anchor) => equalBytes(anchor.der, last.der))) yield path;
    if (path.length >= limits.pathLength) return;
    for (const anchor of trusted) {
      if (!path.includes(anchor) && !equalBytes(anchor.der, last.der)) yield [...path, anchor];
    }
    for (const next of intermediates) {
      if (isIssuedBy(last, next) && !path.some((one) => equalBytes(one.der, next.der))) yield* extend([...path, next]);
    }
  }
  yield* extend([leaf]);
}

/** The rules that need no signature. */
function checkPath(path: readonly Certificate[], request: PathRequest, budget: WorkBudget): void {
  const { now, purpose } = request;
  let intermediates = 0;
  for (const [index, certificate] of path.entries()) {
    const isAnchor = index === path.length - 1;
    checkOne(certificate, isAnchor, now, request.limits);
    if (index === 0) checkEndEntity(certificate);
    else checkAuthority(certificate, intermediates);
    if (certificate.purposes !== undefined && !allowsPurpose(certificate.purposes, purpose)) {
      throw new CertificateError(
        'unsupported_certificate',
        `${whose(certificate)} is not for this purpose (extKeyUsage)`,
      );
    }
    // RFC 5280 §4.2.1.9: self-issued certificates do not count.
    if (index > 0 && !certificate.isSelfIssued) intermediates++;
  }
  for (const [index, authority] of path.entries()) {
    const { nameConstraints } = authority;
    if (index === 0 || nameConstraints === undefined) continue;
    for (const [below, certificate] of path.slice(0, index).entries()) {
      // RFC 5280 §6.1.3: self-issued intermediates, which renew an authority's key, are exempt.
      if (below === 0 || !certificate.isSelfIssued) checkNameConstraints(certificate, nameConstraints, budget);
    }
  }
}

function checkOne(certificate: Certificate, isAnchor: boolean, now: number, limits: PathLimits): void {
  const { names, publicKey, signedWith } = certificate;
  if (now > certificate.notAfter) {
    throw new CertificateError('certificate_expired', `${whose(certificate)} has expired`);
  }
  if (now < certificate.notBefore) {
    throw new CertificateError('certificate_expired', `${whose(certificate)} is not valid yet`);
  }
  if (publicKey instanceof CertificateError) {
    throw new CertificateError(publicKey.reason, `${whose(certificate)} has ${publicKey.message}`);
  }
  // 9846-4.3.3-17, 9846-4.5.1.2-8: how an anchor was signed does not matter, it is trusted for itself.
  if (isAnchor) return;
  // 9846-4.5.1.2-1
  if (!certificate.isVersion3) {
    throw new CertificateError('unsupported_certificate', `${whose(certificate)} is not of X.509 version 3`);
  }
  if (signedWith instanceof CertificateError) {
    throw new CertificateError(signedWith.reason, `${whose(certificate)} is ${signedWith.message}`);
  }
  const [unknown] = certificate.unknownCritical;
  if (unknown !== undefined) {
    throw new CertificateError(
      'unsupported_certificate',
      `${whose(certificate)} has an unknown critical extension ${unknown}`,
    );
  }
  const count = names.dns.length + names.ip.length + names.email.length + names.uri.length + names.directory.length +
    names.others;
  if (count > limits.names) throw new CertificateError('bad_certificate', `${whose(certificate)} has ${count} names`);
  if (certificate.policyCount > limits.policies) {
    throw new CertificateError('bad_certificate', `${whose(certificate)} has ${certificate.policyCount} policies`);
  }
}

function checkEndEntity(leaf: Certificate): void {
  // 9846-4.5.1.2-3: keyUsage, if there, allows signatures.
  if (!leaf.allowsUsage(KeyUsageBit.digitalSignature)) {
    throw new CertificateError('unsupported_certificate', `${whose(leaf)} is not for digital signatures (keyUsage)`);
  }
}

function checkAuthority(authority: Certificate, intermediatesBelow: number): void {
  if (!authority.isAuthority || !authority.allowsUsage(KeyUsageBit.keyCertSign)) {
    throw new CertificateError('bad_certificate', `${whose(authority)} is not an authority's and yet issued one`);
  }
  if (authority.pathLength !== undefined && intermediatesBelow > authority.pathLength) {
    throw new CertificateError(
      'bad_certificate',
      `${whose(authority)} allows no chain as long as this (pathLenConstraint)`,
    );
  }
}

export function allowsPurpose(purposes: readonly string[], purpose: string): boolean {
  return purposes.includes(purpose) || purposes.includes(PurposeOid.any);
}

/** Signatures along paths, each checked once, and only so many. */
class SignatureChecks {
  readonly #crypto: CertificateCrypto;
  readonly #done = new Map<Certificate, Map<Certificate, boolean>>();
  #left: number;

  constructor(crypto: CertificateCrypto, most: number) {
    this.#crypto = crypto;
    this.#left = most;
  }

  /** Throws `CertificateError`. */
  async check(path: readonly Certificate[]): Promise<void> {
    for (const [index, certificate] of path.entries()) {
      const issuer = path[index + 1];
      if (issuer === undefined || (await this.#isSignedBy(certificate, issuer))) continue;
      const isAnchor = index + 2 === path.length;
      throw new CertificateError(
        isAnchor ? 'unknown_ca' : 'bad_certificate',
        `${whose(certificate)} was not signed by "${issuer.subject}"`,
      );
    }
  }

  async #isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
    const known = this.#done.get(certificate)?.get(issuer);
    if (known !== undefined) return known;
    if (--this.#left < 0) throw new CertificateError('bad_certificate', 'too many signatures to check');
    const good = await isSignedBy(certificate, issuer, this.#crypto);
    const byIssuer = this.#done.get(certificate) ?? new Map<Certificate, boolean>();
    this.#done.set(certificate, byIssuer.set(issuer, good));
    return good;
  }
}

/** Whether the signature of `certificate` is by the key of `issuer`. */
export async function isSignedBy(
  certificate: Certificate,
  issuer: Certificate,
  crypto: CertificateCrypto,
): Promise<boolean> {
  const { signedWith, x509 } = certificate;
  const { publicKey } = issuer;
  if (signedWith instanceof CertificateError || publicKey instanceof CertificateError) return false;
  const signature = new Uint8Array(x509.signatureValue.valueBlock.valueHexView);
  try {
    return await crypto.verify(publicKey, signedWith, x509.tbsView, signature);
  } catch {
    // WebCrypto refuses to import points off the curve.
    return false;
  }
}

/** What pkijs is given of extensions: policies, and what makes an authority. */
const FOR_PKIJS: ReadonlySet<string> = new Set([
  ExtensionOid.keyUsage,
  ExtensionOid.basicConstraints,
  ExtensionOid.certificatePolicies,
  ExtensionOid.policyMappings,
  ExtensionOid.policyConstraints,
  ExtensionOid.inhibitAnyPolicy,
]);

/**
 * pkijs's own validation over the very path that was found, its signatures being checked already. Names and their constraints are taken
 * out: pkijs lets all names of a certificate pass when one of them is permitted, and is slow at reading them.
 */
async function validateByPkijs(path: readonly Certificate[], now: number): Promise<void> {
  // A trusted end entity has no path to validate.
  if (path.length < 2) return;
  const certificates = path.map(({ x509 }) => {
    const extensions = (x509.extensions ?? []).filter(({ extnID }) => FOR_PKIJS.has(extnID));
    const copy = Object.assign(new pkijs.Certificate(), x509);
    copy.extensions = extensions;
    return copy;
  });
  const engine = new pkijs.CertificateChainValidationEngine({
    trustedCerts: certificates.slice(-1),
    // pkijs takes the last one for the end entity.
    certs: certificates.slice(0, -1).toReversed(),
    checkDate: new Date(now),
    findIssuer: (certificate: pkijs.Certificate) => {
      const issuer = certificates[certificates.indexOf(certificate) + 1];
      return Promise.resolve(issuer === undefined ? [] : [issuer]);
    },
  });
  // Its cryptography is asked for by default values alone: signatures and revocation are checked elsewhere.
  const noCrypto = {} as pkijs.ICryptoEngine;
  const { result, resultMessage } = await engine.verify({ passedWhenNotRevValues: true }, noCrypto);
  if (!result) throw new CertificateError('bad_certificate', `its chain is not valid: ${resultMessage}`);
}

export function whose({ subject }: Certificate): string {
  return `the certificate of "${subject}"`;
}
