import * as asn1js from 'asn1js';
import { ExtensionOid } from './oid.ts';

/** What a certificate says, before it is signed (RFC 5280 §4.1). Names and keys are DER. */
export interface CertificateFields {
  /** Positive, big-endian, at most 20 bytes. */
  readonly serialNumber: Uint8Array;
  readonly issuer: Uint8Array;
  /** Milliseconds since the epoch, whole seconds are written. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: readonly ExtensionFields[];
}

export interface ExtensionFields {
  readonly id: string;
  readonly critical: boolean;
  /** What stands inside of the OCTET STRING. */
  readonly value: Uint8Array;
}

/** The bits of KeyUsage (RFC 5280 §4.2.1.3) by their number. */
export const KeyUsageBit = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;

/** AlgorithmIdentifier without parameters, or with DER ones. */
export function algorithmIdentifier(id: string, parameters?: Uint8Array): Uint8Array {
  return der(sequence(oid(id), ...(parameters === undefined ? [] : [embedded(parameters)])));
}

/** TBSCertificate, version 3. `algorithm` is the AlgorithmIdentifier of the signature to come. */
export function encodeToBeSigned(fields: CertificateFields, algorithm: Uint8Array): Uint8Array {
  const extensions = fields.extensions.map((extension) =>
    sequence(
      oid(extension.id),
      ...(extension.critical ? [new asn1js.Boolean({ value: true })] : []),
      octets(extension.value),
    )
  );
  return der(sequence(
    tagged(0, new asn1js.Integer({ value: 2 })),
    integer(fields.serialNumber),
    embedded(algorithm),
    embedded(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    embedded(fields.subject),
    embedded(fields.spki),
    ...(extensions.length === 0 ? [] : [tagged(3, sequence(...extensions))]),
  ));
}

/** Certificate: what was signed, how, and the signature. */
export function encodeCertificate(toBeSigned: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return der(sequence(
    embedded(toBeSigned),
    embedded(algorithm),
    new asn1js.BitString({ valueHex: buffer(signature) }),
  ));
}

/** A Name of one CN; an empty one for the empty string. */
export function commonName(name: string): Uint8Array {
  if (name === '') return der(sequence());
  const attribute = sequence(oid('2.5.4.3'), new asn1js.Utf8String({ value: name }));
  return der(sequence(new asn1js.Set({ value: [attribute] })));
}

/** basicConstraints, critical. */
export function basicConstraints(isAuthority: boolean, pathLength?: number): ExtensionFields {
  const value = [
    ...(isAuthority ? [new asn1js.Boolean({ value: true })] : []),
    ...(pathLength === undefined ? [] : [new asn1js.Integer({ value: pathLength })]),
  ];
  return { id: ExtensionOid.basicConstraints, critical: true, value: der(sequence(...value)) };
}

/** keyUsage, critical. */
export function keyUsage(...bits: readonly number[]): ExtensionFields {
  let octet = 0;
  for (const bit of bits) octet |= 0x80 >> bit;
  const unusedBits = 7 - Math.max(...bits);
  const value = der(new asn1js.BitString({ valueHex: buffer(new Uint8Array([octet])), unusedBits }));
  return { id: ExtensionOid.keyUsage, critical: true, value };
}

export function extKeyUsage(...purposes: readonly string[]): ExtensionFields {
  return { id: ExtensionOid.extKeyUsage, critical: false, value: der(sequence(...purposes.map(oid))) };
}

/** subjectAltName: DNS names as text, IP addresses as 4 or 16 bytes. */
export function subjectAltName(names: readonly (string | Uint8Array)[], critical = false): ExtensionFields {
  const value = der(sequence(...names.map(generalName)));
  return { id: ExtensionOid.subjectAltName, critical, value };
}

export function subjectKeyIdentifier(identifier: Uint8Array): ExtensionFields {
  return { id: ExtensionOid.subjectKeyIdentifier, critical: false, value: der(octets(identifier)) };
}

export function authorityKeyIdentifier(identifier: Uint8Array): ExtensionFields {
  const value = der(sequence(primitive(0, identifier)));
  return { id: ExtensionOid.authorityKeyIdentifier, critical: false, value };
}

/** nameConstraints (RFC 5280 §4.2.1.10), critical: DNS names as text, networks as address ‖ mask. */
export function nameConstraints(
  permitted: readonly (string | Uint8Array)[],
  excluded: readonly (string | Uint8Array)[],
): ExtensionFields {
  const subtrees = (number: number, names: readonly (string | Uint8Array)[]): asn1js.BaseBlock[] =>
    names.length === 0 ? [] : [tagged(number, ...names.map((name) => sequence(generalName(name))))];
  const value = der(sequence(...subtrees(0, permitted), ...subtrees(1, excluded)));
  return { id: ExtensionOid.nameConstraints, critical: true, value };
}

// GeneralName (RFC 5280 §4.2.1.6): dNSName [2], iPAddress [7].
function generalName(name: string | Uint8Array): asn1js.BaseBlock {
  return typeof name === 'string' ? primitive(2, new TextEncoder().encode(name)) : primitive(7, name);
}

/** PrivateKeyInfo (RFC 5958): the algorithm, and the key in that algorithm's own form. */
export function encodePkcs8(algorithm: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return der(sequence(new asn1js.Integer({ value: 0 }), embedded(algorithm), octets(privateKey)));
}

/** ECPrivateKey (RFC 5915) without its curve, which stands around it in PKCS#8. */
export function encodeEcPrivateKey(scalar: Uint8Array, point: Uint8Array): Uint8Array {
  const publicKey = new asn1js.BitString({ valueHex: buffer(point) });
  return der(sequence(new asn1js.Integer({ value: 1 }), octets(scalar), tagged(1, publicKey)));
}

/** SubjectPublicKeyInfo. */
export function encodeSpki(algorithm: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return der(sequence(embedded(algorithm), new asn1js.BitString({ valueHex: buffer(publicKey) })));
}

/** OCTET STRING. */
export function encodeOctets(bytes: Uint8Array): Uint8Array {
  return der(octets(bytes));
}

/** OBJECT IDENTIFIER. */
export function encodeOid(id: string): Uint8Array {
  return der(oid(id));
}

/** NULL, the parameters of rsaEncryption. */
export const NULL: Uint8Array = new Uint8Array([0x05, 0x00]);

function der(block: asn1js.BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER(false));
}

function sequence(...value: asn1js.BaseBlock[]): asn1js.Sequence {
  return new asn1js.Sequence({ value });
}

function oid(value: string): asn1js.ObjectIdentifier {
  return new asn1js.ObjectIdentifier({ value });
}

function octets(bytes: Uint8Array): asn1js.OctetString {
  return new asn1js.OctetString({ valueHex: buffer(bytes) });
}

/** An INTEGER of unsigned big-endian bytes, in the fewest bytes DER allows. */
function integer(unsigned: Uint8Array): asn1js.Integer {
  let start = 0;
  while (start < unsigned.length - 1 && unsigned[start] === 0) start++;
  const magnitude = unsigned.subarray(start);
  const signed = (magnitude[0] ?? 0) >= 0x80 ? new Uint8Array([0, ...magnitude]) : magnitude;
  return new asn1js.Integer({ valueHex: buffer(signed) });
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
function time(milliseconds: number): asn1js.BaseBlock {
  const valueDate = new Date(Math.floor(milliseconds / 1000) * 1000);
  return valueDate.getUTCFullYear() < 2050
    ? new asn1js.UTCTime({ valueDate })
    : new asn1js.GeneralizedTime({ valueDate });
}

function tagged(tagNumber: number, ...value: asn1js.BaseBlock[]): asn1js.Constructed {
  return new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

function primitive(tagNumber: number, bytes: Uint8Array): asn1js.Primitive {
  return new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: buffer(bytes) });
}

/** What is DER already, as it stands. */
function embedded(bytes: Uint8Array): asn1js.BaseBlock {
  const { result, offset } = asn1js.fromBER(buffer(bytes));
  if (offset === -1) throw new TypeError(`not DER: ${result.error}`);
  return result;
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  // Not `slice`: a Buffer would share its memory.
  return new Uint8Array(bytes).buffer;
}
