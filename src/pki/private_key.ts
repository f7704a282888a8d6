import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { KeyType, PrivateKey, PublicKey } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { equalBytes } from './der.ts';
import { algorithmIdentifier, encodeEcPrivateKey, encodeOctets, encodeOid, encodePkcs8, NULL } from './encode.ts';
import { CurveOid, KeyOid } from './oid.ts';
import { isPem, type PemBlock, readPem } from './pem.ts';
import { ECDSA_CURVES } from './public_key.ts';

/** The forms a private key file comes in: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 §A.1.2), SEC1 (RFC 5915). */
type KeyForm = 'pkcs8' | 'pkcs1' | 'sec1';

/** A private key as its file has it, before it is known which certificate it belongs to. */
interface RawKey {
  readonly kind: 'rsa' | 'ecdsa_p256' | 'ecdsa_p384' | 'ecdsa_p521' | 'ed25519';
  /** RSA: RSAPrivateKey in DER. ECDSA: the scalar. Ed25519: the seed. */
  readonly secret: Uint8Array;
  /** ECDSA: the uncompressed point, if the file has it. */
  readonly point: Uint8Array | undefined;
}

const CURVE_OF_KIND = {
  ecdsa_p256: CurveOid.secp256r1,
  ecdsa_p384: CurveOid.secp384r1,
  ecdsa_p521: CurveOid.secp521r1,
} as const;

const FORMS: Readonly<Record<string, KeyForm>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
};

/**
 * Reads the private key in a PEM or DER file for the certificate with `publicKey`. Blocks that are not keys are passed over, so
 * that key and chain may share a file. Throws `UsageError`, beginning with `label`, the name of the file.
 */
export function readPrivateKey(file: Uint8Array, label: string, publicKey: PublicKey): PrivateKey {
  const raw = isPem(file) ? readPemKey(file, label) : readDerKey(file, label);
  return forCertificate(raw, label, publicKey);
}

function readPemKey(file: Uint8Array, label: string): RawKey {
  const blocks = readPem(file, label);
  for (const block of blocks) refuseEncrypted(block, label);
  const keys = blocks.filter((block) => block.label in FORMS);
  const [block] = keys;
  if (block === undefined) {
    const others = blocks.map((one) => `"${one.label}"`).join(', ');
    throw new UsageError(
      `${label}: no private key in this file${others === '' ? '' : ` (it has ${others})`}: ` +
        'give the file that has a "BEGIN PRIVATE KEY" block',
    );
  }
  if (keys.length > 1) {
    throw new UsageError(`${label}: ${keys.length} private keys in one file: leave only the one of this certificate`);
  }
  try {
    return readForm(FORMS[block.label] ?? 'pkcs8', block.bytes, label);
  } finally {
    block.bytes.fill(0);
  }
}

function refuseEncrypted(block: PemBlock, label: string): void {
  const isEncrypted = block.label === 'ENCRYPTED PRIVATE KEY' ||
    (block.headers.get('proc-type') ?? '').toUpperCase().includes('ENCRYPTED');
  if (isEncrypted) throw encryptedKey(label);
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw new UsageError(`${label}: an OpenSSH key: convert a copy of it with "ssh-keygen -p -m PKCS8 -f COPY"`);
  }
}

function encryptedKey(label: string): UsageError {
  return new UsageError(
    `${label}: the private key is encrypted: decrypt it with "openssl pkey -in ${label} -out decrypted.pem", ` +
      'keep the result readable by its owner only, and give that file',
  );
}

/** DER says nothing of its form, but the three differ in what follows the version number. */
function readDerKey(file: Uint8Array, label: string): RawKey {
  const values = sequenceValues(file);
  const [first, second] = values ?? [];
  if (first instanceof asn1js.Integer && second instanceof asn1js.Sequence) return readForm('pkcs8', file, label);
  if (first instanceof asn1js.Integer && second instanceof asn1js.Integer) return readForm('pkcs1', file, label);
  if (first instanceof asn1js.Integer && second instanceof asn1js.OctetString) return readForm('sec1', file, label);
  if (first instanceof asn1js.Sequence && second instanceof asn1js.OctetString) throw encryptedKey(label);
  throw new UsageError(
    `${label}: neither PEM nor a private key in DER (PKCS#8, PKCS#1 or SEC1): ` +
      'a PKCS#12 file is opened with "openssl pkcs12 -in FILE -nodes -out bundle.pem"',
  );
}

function readForm(form: KeyForm, der: Uint8Array, label: string): RawKey {
  try {
    switch (form) {
      case 'pkcs8':
        return readPkcs8(der, label);
      case 'pkcs1':
        return readPkcs1(der);
      case 'sec1':
        return readSec1(der, undefined, label);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // The parser's own words could quote the key: they are not passed on.
    throw new UsageError(`${label}: the private key cannot be read: the file is damaged, copy it again`);
  }
}

function readPkcs8(der: Uint8Array, label: string): RawKey {
  const info = new pkijs.PrivateKeyInfo({ schema: parse(der) });
  const { algorithmId, algorithmParams } = info.privateKeyAlgorithm;
  const secret = new Uint8Array(info.privateKey.valueBlock.valueHexView);
  switch (algorithmId) {
    case KeyOid.rsaEncryption:
    case KeyOid.rsassaPss:
      return readPkcs1(secret);
    case KeyOid.ecPublicKey:
      return readSec1(
        secret,
        algorithmParams instanceof asn1js.ObjectIdentifier ? algorithmParams.getValue() : '',
        label,
      );
    case KeyOid.ed25519: {
      // RFC 8410 §7: CurvePrivateKey ::= OCTET STRING, inside of the OCTET STRING of PKCS#8.
      const seed = parse(secret);
      if (!(seed instanceof asn1js.OctetString) || seed.valueBlock.valueHexView.length !== 32) {
        throw new TypeError('seed');
      }
      return { kind: 'ed25519', secret: new Uint8Array(seed.valueBlock.valueHexView), point: undefined };
    }
    default:
      throw new UsageError(
        `${label}: a private key of an unsupported kind (${algorithmId}): use ECDSA P-256 or P-384, Ed25519 or RSA`,
      );
  }
}

function readPkcs1(der: Uint8Array): RawKey {
  const key = new pkijs.RSAPrivateKey({ schema: parse(der) });
  if (key.otherPrimeInfos !== undefined && key.otherPrimeInfos.length > 0) throw new TypeError('more than two primes');
  return { kind: 'rsa', secret: new Uint8Array(der), point: undefined };
}

/** `curve` is the one PKCS#8 names around the key; a bare SEC1 key names its own. */
function readSec1(der: Uint8Array, curve: string | undefined, label: string): RawKey {
  const values = sequenceValues(der) ?? [];
  const [version, scalar, ...tagged] = values;
  if (!(version instanceof asn1js.Integer) || !(scalar instanceof asn1js.OctetString)) {
    throw new TypeError('ECPrivateKey');
  }
  const inner = (tagNumber: number): asn1js.BaseBlock | undefined => {
    const found = tagged.find((one) => one.idBlock.tagClass === 3 && one.idBlock.tagNumber === tagNumber);
    return found instanceof asn1js.Constructed ? found.valueBlock.value[0] : undefined;
  };
  const ownCurve = inner(0);
  const id = curve ?? (ownCurve instanceof asn1js.ObjectIdentifier ? ownCurve.getValue() : '');
  const found = ECDSA_CURVES.get(id);
  if (found === undefined) {
    throw new UsageError(`${label}: an ECDSA key on an unsupported curve (${id || 'unnamed'}): use P-256 or P-384`);
  }
  const { type: kind, length } = found;
  // SEC1 wants exactly as many bytes as the order has; some writers drop leading zeros, or add one.
  const given = new Uint8Array(scalar.valueBlock.valueHexView);
  const start = given.findIndex((byte) => byte !== 0);
  if (start === -1 || given.length - start > length) throw new TypeError('scalar');
  const secret = new Uint8Array(length);
  secret.set(given.subarray(start), length - (given.length - start));

  const publicKey = inner(1);
  const bits = publicKey instanceof asn1js.BitString ? new Uint8Array(publicKey.valueBlock.valueHexView) : undefined;
  return { kind, secret, point: bits?.[0] === 4 ? bits : undefined };
}

/** Joins the key with what only its certificate tells: whether RSA is bound to PSS, and the point of an ECDSA key. */
function forCertificate(raw: RawKey, label: string, publicKey: PublicKey): PrivateKey {
  const { type, schemes } = publicKey;
  const kindOfType: RawKey['kind'] = type === 'rsa_pss' ? 'rsa' : type;
  const pointDiffers = raw.point !== undefined && publicKey.raw !== undefined && !equalBytes(raw.point, publicKey.raw);
  if (kindOfType !== raw.kind || pointDiffers) {
    throw keyMismatch(label, kindOfType === raw.kind ? undefined : raw.kind, type);
  }
  const pkcs8 = pkcs8Of(raw, publicKey);
  if (raw.kind !== 'rsa') return { type, schemes, pkcs8, scalar: raw.secret };
  raw.secret.fill(0);
  return { type, schemes, pkcs8, scalar: undefined };
}

/** The error for a key that belongs to another certificate. */
export function keyMismatch(label: string, keyKind?: string, certificateKind?: KeyType): UsageError {
  const kinds = keyKind === undefined ? '' : ` (the key is ${keyKind}, the certificate's is ${certificateKind})`;
  return new UsageError(
    `${label}: this private key does not belong to the certificate${kinds}: give the key the certificate was requested with`,
  );
}

function pkcs8Of(raw: RawKey, publicKey: PublicKey): Uint8Array {
  switch (raw.kind) {
    case 'rsa':
      return encodePkcs8(algorithmIdentifier(KeyOid.rsaEncryption, NULL), raw.secret);
    case 'ed25519':
      return encodePkcs8(algorithmIdentifier(KeyOid.ed25519), encodeOctets(raw.secret));
    case 'ecdsa_p256':
    case 'ecdsa_p384':
    case 'ecdsa_p521': {
      const algorithm = algorithmIdentifier(KeyOid.ecPublicKey, encodeOid(CURVE_OF_KIND[raw.kind]));
      return encodePkcs8(algorithm, encodeEcPrivateKey(raw.secret, publicKey.raw ?? new Uint8Array()));
    }
  }
}

function parse(der: Uint8Array): asn1js.BaseBlock {
  const { result, offset } = asn1js.fromBER(der);
  if (offset !== der.length) throw new TypeError('DER');
  return result;
}

function sequenceValues(der: Uint8Array): readonly asn1js.BaseBlock[] | undefined {
  const { result, offset } = asn1js.fromBER(der);
  return offset === der.length && result instanceof asn1js.Sequence ? result.valueBlock.value : undefined;
}
