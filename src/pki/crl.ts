import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateCrypto, CertificateSignature } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import type { Certificate } from './certificate.ts';
import { CertificateError, checkDer, hex } from './der.ts';
import { KeyUsageBit } from './encode.ts';
import { canonicalAttributes, canonicalName } from './name.ts';
import { isPem, readPem } from './pem.ts';
import { readSignatureAlgorithm } from './signature_algorithm.ts';

/** A certificate revocation list (RFC 5280 §5): complete, and by the authority that issued the certificates. */
export interface Crl {
  readonly label: string;
  /** Canonical, see name.ts. */
  readonly issuerName: string;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** Hexadecimal serial numbers, as `Certificate.serialNumber`. */
  readonly revoked: ReadonlySet<string>;
  readonly signedWith: CertificateSignature;
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
}

/** 64 MiB, some two million entries: the user's own file. */
const LIMITS = { bytes: 1 << 26, elements: 1 << 24, depth: 24 };

/** Milliseconds that the authority's clock may be ahead of ours. */
const SKEW = 5 * 60_000;

/** Reads all CRLs of a PEM or DER file. Throws `UsageError` that begins with `label`. */
export function readCrls(file: Uint8Array, label: string): Crl[] {
  const ders = isPem(file)
    ? readPem(file, label).filter((block) => block.label === 'X509 CRL').map((block) => block.bytes)
    : [file];
  if (ders.length === 0) {
    throw new UsageError(`${label}: no CRL in this file: give one that has a "BEGIN X509 CRL" block`);
  }
  return ders.map((der) => {
    try {
      return readCrl(der, label);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      throw new UsageError(`${label}: the CRL cannot be used: ${error.message}`);
    }
  });
}

function readCrl(der: Uint8Array, label: string): Crl {
  checkDer(der, LIMITS);
  const crl = parse(der);
  // A CRL whose scope is narrower than "all certificates of this issuer" says so in a critical extension (RFC 5280 §5.2.4, §5.2.5).
  const narrow = crl.crlExtensions?.extensions.find((extension) => extension.critical);
  if (narrow !== undefined) {
    throw new CertificateError('bad_certificate', `it is a delta or partial CRL (critical extension ${narrow.extnID})`);
  }
  const revoked = new Set<string>();
  for (const { userCertificate, crlEntryExtensions } of crl.revokedCertificates ?? []) {
    if (crlEntryExtensions?.extensions.some((extension) => extension.critical)) {
      throw new CertificateError('bad_certificate', 'it is an indirect CRL (a critical extension of an entry)');
    }
    revoked.add(hex(userCertificate.valueBlock.valueHexView));
  }
  return {
    label,
    issuerName: canonicalName(canonicalAttributes(crl.issuer)),
    thisUpdate: crl.thisUpdate.value.getTime(),
    nextUpdate: crl.nextUpdate?.value.getTime(),
    revoked,
    signedWith: readSignatureAlgorithm(crl.signatureAlgorithm),
    toBeSigned: crl.tbsView,
    signature: new Uint8Array(crl.signatureValue.valueBlock.valueHexView),
  };
}

function parse(der: Uint8Array): pkijs.CertificateRevocationList {
  try {
    const { result } = asn1js.fromBER(new Uint8Array(der), {
      maxNodes: LIMITS.elements,
      maxContentLength: LIMITS.bytes,
    });
    return new pkijs.CertificateRevocationList({ schema: result });
  } catch {
    throw new CertificateError('bad_certificate', 'it is not a CRL');
  }
}

/** What CRLs say of a certificate: undefined when none is by its issuer. Throws `CertificateError` for one that is stale or forged. */
export class CrlChecks {
  readonly #crls: readonly Crl[];
  readonly #crypto: CertificateCrypto;
  /** Whether the issuer signed the CRL: a CRL is checked once for each issuer's certificate. */
  readonly #signed = new WeakMap<Crl, Map<string, boolean>>();

  constructor(crls: readonly Crl[], crypto: CertificateCrypto) {
    this.#crls = crls;
    this.#crypto = crypto;
  }

  async statusOf(certificate: Certificate, issuer: Certificate, now: number): Promise<'good' | 'revoked' | undefined> {
    const byIssuer = this.#crls.filter((crl) => crl.issuerName === certificate.issuerName);
    const signed: Crl[] = [];
    for (const crl of byIssuer) if (await this.#isSignedBy(crl, issuer)) signed.push(crl);
    if (signed.length === 0) return undefined;
    // Revoked stays revoked, however old the list that says so.
    if (signed.some((crl) => crl.revoked.has(certificate.serialNumber))) return 'revoked';
    const current = signed.some(({ thisUpdate, nextUpdate }) => thisUpdate <= now + SKEW && now <= (nextUpdate ?? now));
    if (!current) {
      throw new CertificateError(
        'certificate_unknown',
        `the CRL of "${issuer.subject}" is out of date: ${signed[0]?.label}`,
      );
    }
    return 'good';
  }

  async #isSignedBy(crl: Crl, issuer: Certificate): Promise<boolean> {
    const fingerprint = hex(issuer.der);
    const known = this.#signed.get(crl)?.get(fingerprint);
    if (known !== undefined) return known;
    const good = await isCrlSignedBy(crl, issuer, this.#crypto);
    // Only what a configured key made is remembered: a peer cannot fill this with certificates of its own.
    if (good) this.#signed.set(crl, (this.#signed.get(crl) ?? new Map<string, boolean>()).set(fingerprint, true));
    return good;
  }
}

async function isCrlSignedBy(crl: Crl, issuer: Certificate, crypto: CertificateCrypto): Promise<boolean> {
  const { publicKey } = issuer;
  // RFC 5280 §4.2.1.3: the cRLSign bit.
  if (publicKey instanceof CertificateError || !issuer.allowsUsage(KeyUsageBit.cRLSign)) return false;
  try {
    return await crypto.verify(publicKey, crl.signedWith, crl.toBeSigned, crl.signature);
  } catch {
    return false;
  }
}
