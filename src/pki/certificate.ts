import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateSignature, PublicKey } from '../crypto/provider.ts';
import { CertificateError, checkDer, type DerLimits, equalBytes, hex } from './der.ts';
import {
  type AlternativeNames,
  countElements,
  readAlternativeNames,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readKeyUsage,
  readPurposes,
  readSubjectKeyIdentifier,
} from './extension_values.ts';
import { canonicalAttributes, canonicalName } from './name.ts';
import { type NameConstraints, readNameConstraints } from './name_constraints.ts';
import { ExtensionOid } from './oid.ts';
import { readPublicKey } from './public_key.ts';
import { readSignatureAlgorithm } from './signature_algorithm.ts';

/** A certificate as this project uses it. Everything in it has been read: nothing throws later. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly x509: pkijs.Certificate;
  readonly isVersion3: boolean;
  /** For people: `CN=leaf.test, O=…`, free of control characters. */
  readonly subject: string;
  readonly issuer: string;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: AlternativeNames;
  /** The key, or why it cannot be used. */
  readonly publicKey: PublicKey | CertificateError;
  /** How it was signed, or why that is not accepted. */
  readonly signedWith: CertificateSignature | CertificateError;
  /** Names as texts to compare (see name.ts). */
  readonly subjectAttributes: readonly string[];
  readonly subjectName: string;
  readonly issuerName: string;
  readonly isSelfIssued: boolean;
  readonly isAuthority: boolean;
  readonly pathLength: number | undefined;
  /** Whether a keyUsage bit (RFC 5280 §4.2.1.3) is set; true for all when there is no such extension. */
  readonly allowsUsage: (bit: number) => boolean;
  /** Whether it has DelegationUsage (RFC 9345 §4.2). */
  readonly mayDelegate: boolean;
  /** extKeyUsage; undefined without it. */
  readonly purposes: readonly string[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  /** Policies and mappings of policies: how much work they are. */
  readonly policyCount: number;
  /** Ids of critical extensions that this project does not process. */
  readonly unknownCritical: readonly string[];
}

/** Limits for certificates: those a peer sends, and, wider, those the user configures. */
export const PEER_CERTIFICATE_LIMITS: DerLimits = { bytes: 16384, elements: 2560, depth: 24 };
export const LOCAL_CERTIFICATE_LIMITS: DerLimits = { bytes: 1 << 20, elements: 1 << 17, depth: 48 };

const NO_NAMES: AlternativeNames = { dns: [], ip: [], email: [], uri: [], directory: [], others: 0 };

const PROCESSED: ReadonlySet<string> = new Set([
  ExtensionOid.keyUsage,
  ExtensionOid.subjectAltName,
  ExtensionOid.basicConstraints,
  ExtensionOid.nameConstraints,
  ExtensionOid.extKeyUsage,
  // Policies are pkijs's work.
  ExtensionOid.certificatePolicies,
  ExtensionOid.policyMappings,
  ExtensionOid.policyConstraints,
  ExtensionOid.inhibitAnyPolicy,
]);

/** Reads one DER certificate. Throws `CertificateError`. */
export function readCertificate(der: Uint8Array, limits: DerLimits): Certificate {
  checkDer(der, limits);
  // The parser keeps views: it gets its own copy, and so do we.
  const copy = new Uint8Array(der);
  try {
    const { result, offset } = asn1js.fromBER(copy, { maxNodes: limits.elements, maxDepth: limits.depth + 2 });
    if (offset !== copy.length) throw new CertificateError('bad_certificate', 'not a certificate');
    return describe(copy, new pkijs.Certificate({ schema: result }));
  } catch (error) {
    if (error instanceof CertificateError) throw error;
    throw new CertificateError('bad_certificate', 'not a certificate');
  }
}

function describe(der: Uint8Array, x509: pkijs.Certificate): Certificate {
  const extensions = extensionsById(x509);
  const read = <T>(id: string, reader: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(id);
    return extension && reader(new Uint8Array(extension.extnValue.valueBlock.valueHexView));
  };
  const constraints = read(ExtensionOid.basicConstraints, readBasicConstraints);
  const usageBits = read(ExtensionOid.keyUsage, readKeyUsage);
  // RFC 5280 §4.1: an outer algorithm that differs from the signed one could be swapped by anyone.
  if (!x509.signature.isEqual(x509.signatureAlgorithm)) {
    throw new CertificateError('bad_certificate', 'its two signature algorithms differ');
  }
  // RFC 5280 §4.1.2.1
  if (extensions.size > 0 && x509.version !== 2) {
    throw new CertificateError('bad_certificate', 'extensions in a certificate that is not of version 3');
  }
  const subjectAttributes = canonicalAttributes(x509.subject);
  const subjectName = canonicalName(subjectAttributes);
  const issuerName = canonicalName(canonicalAttributes(x509.issuer));
  return {
    der,
    x509,
    isVersion3: x509.version === 2,
    subject: nameText(x509.subject),
    issuer: nameText(x509.issuer),
    serialNumber: hex(x509.serialNumber.valueBlock.valueHexView),
    notBefore: instant(x509.notBefore),
    notAfter: instant(x509.notAfter),
    names: read(ExtensionOid.subjectAltName, readAlternativeNames) ?? NO_NAMES,
    publicKey: orError(() => readPublicKey(x509.subjectPublicKeyInfo)),
    signedWith: orError(() => readSignatureAlgorithm(x509.signatureAlgorithm)),
    subjectAttributes,
    subjectName,
    issuerName,
    isSelfIssued: subjectName === issuerName,
    isAuthority: constraints?.isAuthority ?? false,
    pathLength: constraints?.pathLength,
    allowsUsage: (bit) => usageBits === undefined || ((usageBits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0,
    mayDelegate: extensions.has(ExtensionOid.delegationUsage),
    purposes: read(ExtensionOid.extKeyUsage, readPurposes),
    nameConstraints: read(ExtensionOid.nameConstraints, readNameConstraints),
    subjectKeyIdentifier: read(ExtensionOid.subjectKeyIdentifier, readSubjectKeyIdentifier),
    authorityKeyIdentifier: read(ExtensionOid.authorityKeyIdentifier, readAuthorityKeyIdentifier),
    policyCount: (read(ExtensionOid.certificatePolicies, countElements) ?? 0) +
      (read(ExtensionOid.policyMappings, countElements) ?? 0),
    unknownCritical: [...extensions.values()]
      .filter((extension) => extension.critical && !PROCESSED.has(extension.extnID))
      .map((extension) => extension.extnID),
  };
}

function extensionsById(x509: pkijs.Certificate): ReadonlyMap<string, pkijs.Extension> {
  const extensions = new Map<string, pkijs.Extension>();
  for (const extension of x509.extensions ?? []) {
    // RFC 5280 §4.2: one of each kind.
    if (extensions.has(extension.extnID)) {
      throw new CertificateError('bad_certificate', `two extensions ${extension.extnID}`);
    }
    extensions.set(extension.extnID, extension);
  }
  return extensions;
}

function instant(time: pkijs.Time): number {
  const milliseconds = time.value.getTime();
  if (Number.isNaN(milliseconds)) throw new CertificateError('bad_certificate', 'a date that cannot be read');
  return milliseconds;
}

/** By names and key identifiers (RFC 5280 §4.2.1.1), which says nothing of the signature. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (certificate.issuerName !== issuer.subjectName) return false;
  const wanted = certificate.authorityKeyIdentifier;
  const has = issuer.subjectKeyIdentifier;
  return wanted === undefined || has === undefined || equalBytes(wanted, has);
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** A distinguished name for logs and errors: what is not printable is replaced, what is long is cut. */
export function nameText(name: pkijs.RelativeDistinguishedNames): string {
  const parts = name.typesAndValues.slice(0, 16).map(({ type, value }) => {
    const text = String((value as asn1js.BaseStringBlock).valueBlock.value);
    return `${ATTRIBUTES[type] ?? type}=${printable(text)}`;
  });
  return parts.join(', ');
}

function printable(text: string): string {
  // Control and format characters: line breaks forge log lines, direction marks forge names.
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd').slice(0, 128);
}

function orError<T>(read: () => T): T | CertificateError {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}
