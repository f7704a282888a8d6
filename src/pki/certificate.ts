import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateSignature, PublicKey } from '../crypto/provider.ts';
import { CertificateError, checkDer, type DerLimits } from './der.ts';
import { ExtensionOid } from './oid.ts';
import { readPublicKey } from './public_key.ts';
import { readSignatureAlgorithm } from './signature_algorithm.ts';

/** The names of a certificate's subjectAltName by kind. Names of other kinds are counted, not read. */
export interface AlternativeNames {
  /** Lower case, with a wildcard as it stands. */
  readonly dns: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ip: readonly Uint8Array[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
  readonly directory: readonly pkijs.RelativeDistinguishedNames[];
  /** How many of kinds that are not read. */
  readonly others: number;
}

/** A certificate as this project uses it. Everything in it has been read: nothing throws later. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly x509: pkijs.Certificate;
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
  readonly isSelfIssued: boolean;
  readonly isAuthority: boolean;
  readonly pathLength: number | undefined;
  /** Whether a keyUsage bit (RFC 5280 §4.2.1.3) is set; true for all when there is no such extension. */
  readonly allowsUsage: (bit: number) => boolean;
  /** extKeyUsage; undefined without it. */
  readonly purposes: readonly string[] | undefined;
  readonly nameConstraints: pkijs.NameConstraints | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  /** Ids of critical extensions that this project does not process. */
  readonly unknownCritical: readonly string[];
}

/** Limits for certificates: those a peer sends, and, wider, those the user configures. */
export const PEER_CERTIFICATE_LIMITS: DerLimits = { bytes: 16384, elements: 4096, depth: 24 };
export const LOCAL_CERTIFICATE_LIMITS: DerLimits = { bytes: 1 << 20, elements: 1 << 17, depth: 48 };

const PROCESSED: ReadonlySet<string> = new Set([
  ExtensionOid.keyUsage,
  ExtensionOid.subjectAltName,
  ExtensionOid.basicConstraints,
  ExtensionOid.nameConstraints,
  ExtensionOid.extKeyUsage,
  // Policies are read by nobody here, which is what RFC 5280 asks of those who need no particular policy (any-policy).
  ExtensionOid.certificatePolicies,
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
  const constraints = parsed(extensions, ExtensionOid.basicConstraints, pkijs.BasicConstraints);
  const usage = parsed(extensions, ExtensionOid.keyUsage, asn1js.BitString);
  const usageBits = usage === undefined ? undefined : new Uint8Array(usage.valueBlock.valueHexView);
  // RFC 5280 §4.1: an outer algorithm that differs from the signed one could be swapped by anyone.
  if (!x509.signature.isEqual(x509.signatureAlgorithm)) {
    throw new CertificateError('bad_certificate', 'its two signature algorithms differ');
  }
  if (extensions.size > 0 && x509.version !== 2) {
    throw new CertificateError('bad_certificate', 'extensions in a certificate that is not of version 3');
  }
  return {
    der,
    x509,
    subject: nameText(x509.subject),
    issuer: nameText(x509.issuer),
    serialNumber: hexOf(x509.serialNumber),
    notBefore: instant(x509.notBefore),
    notAfter: instant(x509.notAfter),
    names: readNames(parsed(extensions, ExtensionOid.subjectAltName, pkijs.AltName)),
    publicKey: orError(() => readPublicKey(x509.subjectPublicKeyInfo)),
    signedWith: orError(() => readSignatureAlgorithm(x509.signatureAlgorithm)),
    isSelfIssued: x509.subject.isEqual(x509.issuer),
    isAuthority: constraints?.cA ?? false,
    pathLength: pathLengthOf(constraints),
    allowsUsage: (bit) => usageBits === undefined || ((usageBits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0,
    purposes: parsed(extensions, ExtensionOid.extKeyUsage, pkijs.ExtKeyUsage)?.keyPurposes,
    nameConstraints: parsed(extensions, ExtensionOid.nameConstraints, pkijs.NameConstraints),
    subjectKeyIdentifier: octetsOf(parsed(extensions, ExtensionOid.subjectKeyIdentifier, asn1js.OctetString)),
    authorityKeyIdentifier: octetsOf(
      parsed(extensions, ExtensionOid.authorityKeyIdentifier, pkijs.AuthorityKeyIdentifier)?.keyIdentifier,
    ),
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

/** The parsed value of an extension. One that is there and cannot be read makes the certificate unreadable. */
function parsed<T>(
  extensions: ReadonlyMap<string, pkijs.Extension>,
  id: string,
  type: abstract new (...parameters: never[]) => T,
): T | undefined {
  const extension = extensions.get(id);
  if (extension === undefined) return undefined;
  const value: unknown = extension.parsedValue;
  if (value instanceof type && !(value as { parsingError?: string }).parsingError) return value;
  throw new CertificateError('bad_certificate', `an extension ${id} that cannot be read`);
}

function pathLengthOf(constraints: pkijs.BasicConstraints | undefined): number | undefined {
  const length = constraints?.pathLenConstraint;
  if (length === undefined) return undefined;
  const value = typeof length === 'number' ? length : Number.MAX_SAFE_INTEGER;
  if (value < 0) throw new CertificateError('bad_certificate', 'a negative path length');
  return value;
}

function octetsOf(octets: asn1js.OctetString | undefined): Uint8Array | undefined {
  return octets === undefined ? undefined : new Uint8Array(octets.valueBlock.valueHexView);
}

function readNames(alternative: pkijs.AltName | undefined): AlternativeNames {
  const dns: string[] = [];
  const ip: Uint8Array[] = [];
  const email: string[] = [];
  const uri: string[] = [];
  const directory: pkijs.RelativeDistinguishedNames[] = [];
  let others = 0;
  for (const { type, value } of alternative?.altNames ?? []) {
    if (type === 1) email.push(ia5(value));
    else if (type === 2) dns.push(ia5(value).toLowerCase());
    else if (type === 4) directory.push(value as pkijs.RelativeDistinguishedNames);
    else if (type === 6) uri.push(ia5(value));
    else if (type === 7) ip.push(address(value));
    else others++;
  }
  return { dns, ip, email, uri, directory, others };
}

function ia5(value: unknown): string {
  // Printable ASCII only: a NUL or a line break inside of a name has only ever been an attack.
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return value;
  throw new CertificateError('bad_certificate', 'an alternative name that is not printable ASCII');
}

function address(value: unknown): Uint8Array {
  const bytes = value instanceof asn1js.OctetString ? new Uint8Array(value.valueBlock.valueHexView) : undefined;
  if (bytes !== undefined && (bytes.length === 4 || bytes.length === 16)) return bytes;
  throw new CertificateError('bad_certificate', 'an IP address that has neither 4 nor 16 bytes');
}

function instant(time: pkijs.Time): number {
  const milliseconds = time.value.getTime();
  if (Number.isNaN(milliseconds)) throw new CertificateError('bad_certificate', 'a date that cannot be read');
  return milliseconds;
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

function hexOf(integer: asn1js.Integer): string {
  return Array.from(new Uint8Array(integer.valueBlock.valueHexView), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
}

function orError<T>(read: () => T): T | CertificateError {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}
