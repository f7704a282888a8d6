/**
 * The values of certificate extensions, read from asn1js's tree. pkijs reads them too, but matches every name against a schema of
 * all kinds of names: half a millisecond each, so that a peer's 1000 names in 16 KiB cost 0.6 s; here 0.08 s (a busy machine, Node 20).
 * All functions throw `CertificateError('bad_certificate')` for anything but the one shape RFC 5280 gives.
 */
import * as asn1js from 'asn1js';
import { CertificateError } from './der.ts';
import { canonicalAttribute } from './name.ts';

/** The names of a subjectAltName (RFC 5280 §4.2.1.6) by kind. Names of other kinds are counted, not read. */
export interface AlternativeNames {
  /** Lower case, with a wildcard as it stands. */
  readonly dns: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ip: readonly Uint8Array[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
  /** Canonical attributes of each (see name.ts). */
  readonly directory: readonly (readonly string[])[];
  /** How many of kinds that are not read. */
  readonly others: number;
}

/** GeneralName's tags. */
export const NameTag = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const;

/** One element of GeneralNames: its tag and what stands in it. */
export interface GeneralName {
  readonly tag: number;
  /** Primitive kinds. */
  readonly bytes: Uint8Array;
  /** Constructed kinds. */
  readonly parts: readonly asn1js.BaseBlock[];
}

function unreadable(): CertificateError {
  return new CertificateError('bad_certificate', 'an extension that cannot be read');
}

/** Parses the content of an extension's OCTET STRING. */
export function parseValue(der: Uint8Array): asn1js.BaseBlock {
  const { result, offset } = asn1js.fromBER(der, { maxNodes: der.length + 1 });
  if (offset !== der.length) throw unreadable();
  return result;
}

export function sequenceOf(block: asn1js.BaseBlock | undefined): readonly asn1js.BaseBlock[] {
  if (!(block instanceof asn1js.Sequence)) throw unreadable();
  return block.valueBlock.value;
}

/** SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
export function readBasicConstraints(der: Uint8Array): { isAuthority: boolean; pathLength: number | undefined } {
  const parts = [...sequenceOf(parseValue(der))];
  const isAuthority = parts[0] instanceof asn1js.Boolean ? (parts.shift() as asn1js.Boolean).valueBlock.value : false;
  const length = parts.shift();
  if (parts.length > 0) throw unreadable();
  if (length === undefined) return { isAuthority, pathLength: undefined };
  if (!(length instanceof asn1js.Integer)) throw unreadable();
  const bytes = new Uint8Array(length.valueBlock.valueHexView);
  if ((bytes[0] ?? 0) >= 0x80) throw unreadable();
  // A length beyond two bytes limits nothing.
  return { isAuthority, pathLength: bytes.length > 2 ? 0xffff : bytes.reduce((value, byte) => value * 256 + byte, 0) };
}

/** BIT STRING; its bytes, bit 0 being the highest of the first. */
export function readKeyUsage(der: Uint8Array): Uint8Array {
  const bits = parseValue(der);
  if (!(bits instanceof asn1js.BitString)) throw unreadable();
  return new Uint8Array(bits.valueBlock.valueHexView);
}

/** SEQUENCE OF OBJECT IDENTIFIER */
export function readPurposes(der: Uint8Array): readonly string[] {
  const purposes = sequenceOf(parseValue(der)).map(oidOf);
  if (purposes.length === 0) throw unreadable();
  return purposes;
}

function oidOf(block: asn1js.BaseBlock): string {
  if (!(block instanceof asn1js.ObjectIdentifier)) throw unreadable();
  return block.getValue();
}

/** OCTET STRING */
export function readSubjectKeyIdentifier(der: Uint8Array): Uint8Array {
  const identifier = parseValue(der);
  if (!(identifier instanceof asn1js.OctetString)) throw unreadable();
  return new Uint8Array(identifier.valueBlock.valueHexView);
}

/** SEQUENCE { keyIdentifier [0] OPTIONAL, authorityCertIssuer [1] OPTIONAL, authorityCertSerialNumber [2] OPTIONAL }: the first. */
export function readAuthorityKeyIdentifier(der: Uint8Array): Uint8Array | undefined {
  const names = sequenceOf(parseValue(der)).map(generalNameOf);
  return names.find(({ tag }) => tag === 0)?.bytes;
}

/** How many elements a SEQUENCE has: policies, mappings. */
export function countElements(der: Uint8Array): number {
  return sequenceOf(parseValue(der)).length;
}

/** A context-tagged element, as GeneralName's alternatives are. */
export function generalNameOf(block: asn1js.BaseBlock): GeneralName {
  const { tagClass, tagNumber } = block.idBlock;
  if (tagClass !== 3) throw unreadable();
  if (block instanceof asn1js.Constructed) {
    return { tag: tagNumber, bytes: new Uint8Array(), parts: block.valueBlock.value };
  }
  if (!(block instanceof asn1js.Primitive)) throw unreadable();
  return { tag: tagNumber, bytes: new Uint8Array(block.valueBlock.valueHexView), parts: [] };
}

/** GeneralNames ::= SEQUENCE OF GeneralName, at least one. */
export function readAlternativeNames(der: Uint8Array): AlternativeNames {
  const blocks = sequenceOf(parseValue(der));
  if (blocks.length === 0) throw unreadable();
  const dns: string[] = [];
  const ip: Uint8Array[] = [];
  const email: string[] = [];
  const uri: string[] = [];
  const directory: (readonly string[])[] = [];
  let others = 0;
  for (const block of blocks) {
    const name = generalNameOf(block);
    if (name.tag === NameTag.email) email.push(asciiOf(name));
    else if (name.tag === NameTag.dns) dns.push(asciiOf(name).toLowerCase());
    else if (name.tag === NameTag.directory) directory.push(directoryNameOf(name));
    else if (name.tag === NameTag.uri) uri.push(asciiOf(name));
    else if (name.tag === NameTag.ip) ip.push(addressOf(name));
    else others++;
  }
  return { dns, ip, email, uri, directory, others };
}

/** An IA5String. Printable ASCII only: a NUL or a line break inside of a name has only ever been an attack. */
function asciiOf({ bytes }: GeneralName): string {
  if (bytes.length === 0 || bytes.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
    throw new CertificateError('bad_certificate', 'an alternative name that is not printable ASCII');
  }
  return String.fromCharCode(...bytes);
}

function addressOf({ bytes }: GeneralName): Uint8Array {
  if (bytes.length === 4 || bytes.length === 16) return bytes;
  throw new CertificateError('bad_certificate', 'an IP address that has neither 4 nor 16 bytes');
}

/** directoryName [4] EXPLICIT Name: the canonical attributes of its RDNSequence. */
export function directoryNameOf({ parts }: GeneralName): readonly string[] {
  if (parts.length !== 1) throw unreadable();
  return sequenceOf(parts[0]).flatMap((rdn) => {
    if (!(rdn instanceof asn1js.Set)) throw unreadable();
    return rdn.valueBlock.value.map((attribute) => {
      const [type, value, ...more] = sequenceOf(attribute);
      if (type === undefined || value === undefined || more.length > 0) throw unreadable();
      return canonicalAttribute(oidOf(type), value);
    });
  });
}
