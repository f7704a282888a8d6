/**
 * Certificates for tests, made at run time: roots, intermediates and leaves of every key type, honest or hostile. Keys are cached for
 * the run of one test file, so that an RSA key is made at most twice (rsaEncryption and id-RSASSA-PSS) and only when asked for.
 *
 *     const root = makeRoot();
 *     const leaf = issue(root, { names: ['example.test'], type: 'ecdsa_p256' });
 *     leaf.chainPem, leaf.keyPem, leaf.chain (DER), leaf.pkcs8 (DER), root.pem
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { KeyType } from '../../src/crypto/provider.ts';
import {
  algorithmIdentifier,
  authorityKeyIdentifier,
  basicConstraints,
  commonName,
  encodeCertificate,
  encodeToBeSigned,
  type ExtensionFields,
  extKeyUsage,
  keyUsage,
  KeyUsageBit,
  NULL,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/pki/encode.ts';
import { PurposeOid, SignatureOid } from '../../src/pki/oid.ts';

export const KEY_TYPES: readonly KeyType[] = ['ecdsa_p256', 'ecdsa_p384', 'ecdsa_p521', 'ed25519', 'rsa', 'rsa_pss'];

const DAY = 86_400_000;

/** The instant all test certificates are made around, unless told otherwise: tests do not depend on today. */
export const TEST_NOW: number = Date.UTC(2026, 5, 15, 12);

export interface TestCertificate {
  readonly type: KeyType;
  readonly subject: string;
  readonly der: Uint8Array;
  readonly pem: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** PKCS#8, DER and PEM. */
  readonly pkcs8: Uint8Array;
  readonly keyPem: string;
  /** Issuers' certificates from the next one up; the root, which has none, included. */
  readonly issuers: readonly TestCertificate[];
  /** This certificate and its intermediates in DER, without the root: what a TLS peer sends. */
  readonly chain: readonly Uint8Array[];
  readonly chainPem: string;
}

export interface TestCertificateOptions {
  /** Default 'ecdsa_p256'. */
  readonly type?: KeyType;
  /** Common name. Default: the first DNS name, or 'Test …'. */
  readonly subject?: string;
  /** DNS names as text, IP addresses as 4 or 16 bytes. Default for leaves: localhost, 127.0.0.1, ::1. */
  readonly names?: readonly (string | Uint8Array)[];
  /** Milliseconds. Default: a day before TEST_NOW, and 20 years later. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** extKeyUsage. Default for leaves: serverAuth and clientAuth; none for authorities. An empty list: no extension. */
  readonly purposes?: readonly string[];
  /** keyUsage bits. Default: digitalSignature, or keyCertSign and cRLSign. An empty list: no extension. */
  readonly usages?: readonly number[];
  /** More extensions, after the others. */
  readonly extensions?: readonly ExtensionFields[];
  /** This key, instead of a cached one. */
  readonly keys?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** Do not reuse a cached key. */
  readonly freshKey?: boolean;
  /** Signs with a hash that nobody should accept: SHA-1 (RSA and ECDSA issuers), MD5 (RSA issuers). */
  readonly weakHash?: 'sha1' | 'md5';
  /** The RSASSA-PSS signature algorithm instead of PKCS#1, for RSA issuers. */
  readonly pssSignature?: boolean;
}

/** A self-signed authority. */
export function makeRoot(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate(undefined, { subject: 'Test Root', isAuthority: true, names: [], ...options });
}

/** An authority below `issuer`. */
export function makeIntermediate(issuer: TestCertificate, options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate(issuer, { subject: 'Test Intermediate', isAuthority: true, names: [], ...options });
}

/** A leaf below `issuer`. */
export function issue(issuer: TestCertificate, options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate(issuer, options);
}

const cachedKeys = new Map<string, KeyPair>();

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A key pair of `type`. `slot` tells keys of one type apart; RSA keys ignore it, being slow to make. */
export function testKey(type: KeyType, slot: string): KeyPair {
  const name = type.startsWith('rsa') ? type : `${type}/${slot}`;
  const cached = cachedKeys.get(name);
  if (cached !== undefined) return cached;
  const made = generateKey(type);
  cachedKeys.set(name, made);
  return made;
}

function generateKey(type: KeyType): KeyPair {
  switch (type) {
    case 'ecdsa_p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ecdsa_p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ecdsa_p521':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'rsa_pss':
      return generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  }
}

const LEAF_NAMES: readonly (string | Uint8Array)[] = [
  'localhost',
  new Uint8Array([127, 0, 0, 1]),
  new Uint8Array([...new Uint8Array(15), 1]),
];

/** `issuer` undefined: self-signed. */
export function makeCertificate(
  issuer: TestCertificate | undefined,
  options: TestCertificateOptions,
): TestCertificate {
  const type = options.type ?? 'ecdsa_p256';
  const isAuthority = options.isAuthority ?? false;
  const names = options.names ?? LEAF_NAMES;
  const firstName = names.find((name) => typeof name === 'string');
  const subject = options.subject ?? firstName ?? 'Test Leaf';
  const key = options.keys ?? (options.freshKey ? generateKey(type) : testKey(type, subject));
  const signer = issuer ?? { ...key, type, subject };
  const algorithm = signatureAlgorithm(signer.type, options);

  const fields = {
    serialNumber: new Uint8Array([0x40, ...randomBytes(15)]),
    issuer: commonName(signer.subject),
    notBefore: options.notBefore ?? TEST_NOW - DAY,
    notAfter: options.notAfter ?? TEST_NOW + 20 * 365 * DAY,
    subject: commonName(subject),
    spki: new Uint8Array(key.publicKey.export({ format: 'der', type: 'spki' })),
    extensions: extensionsOf(options, isAuthority, names, key.publicKey, signer.publicKey),
  };
  const toBeSigned = encodeToBeSigned(fields, algorithm.identifier);
  const signature = new Uint8Array(
    algorithm.pss
      ? sign(algorithm.hash, toBeSigned, { key: signer.privateKey, padding: 6, saltLength: 32 })
      : sign(algorithm.hash, toBeSigned, signer.privateKey),
  );
  const der = encodeCertificate(toBeSigned, algorithm.identifier, signature);
  return describe(type, subject, der, key, issuer);
}

function extensionsOf(
  options: TestCertificateOptions,
  isAuthority: boolean,
  names: readonly (string | Uint8Array)[],
  publicKey: KeyObject,
  issuerKey: KeyObject,
): ExtensionFields[] {
  const { keyCertSign, cRLSign, digitalSignature } = KeyUsageBit;
  const usages = options.usages ?? (isAuthority ? [keyCertSign, cRLSign] : [digitalSignature]);
  const purposes = options.purposes ?? (isAuthority ? [] : [PurposeOid.serverAuth, PurposeOid.clientAuth]);
  return [
    basicConstraints(isAuthority, options.pathLength),
    ...(usages.length === 0 ? [] : [keyUsage(...usages)]),
    ...(purposes.length === 0 ? [] : [extKeyUsage(...purposes)]),
    ...(names.length === 0 ? [] : [subjectAltName(names)]),
    subjectKeyIdentifier(keyIdentifier(publicKey)),
    authorityKeyIdentifier(keyIdentifier(issuerKey)),
    ...(options.extensions ?? []),
  ];
}

function describe(
  type: KeyType,
  subject: string,
  der: Uint8Array,
  key: KeyPair,
  issuer: TestCertificate | undefined,
): TestCertificate {
  const issuers = issuer === undefined ? [] : [issuer, ...issuer.issuers];
  const sent = issuers.slice(0, -1);
  const certificatePem = pem('CERTIFICATE', der);
  return {
    type,
    subject,
    der,
    pem: certificatePem,
    privateKey: key.privateKey,
    publicKey: key.publicKey,
    pkcs8: new Uint8Array(key.privateKey.export({ format: 'der', type: 'pkcs8' })),
    keyPem: key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    issuers,
    chain: [der, ...sent.map((one) => one.der)],
    chainPem: [certificatePem, ...sent.map((one) => one.pem)].join(''),
  };
}

function keyIdentifier(key: KeyObject): Uint8Array {
  const spki = key.export({ format: 'der', type: 'spki' });
  return new Uint8Array(createHash('sha256').update(spki).digest().subarray(0, 20));
}

// RSASSA-PSS-params (RFC 4055 §3.1) of SHA-256, MGF1 with SHA-256, salt of 32 bytes.
const PSS_SHA256 = new Uint8Array(Buffer.from(
  '3030a00d300b0609608648016503040201a11a301806092a864886f70d010108300b0609608648016503040201a203020120',
  'hex',
));

interface SignatureAlgorithm {
  readonly identifier: Uint8Array;
  readonly hash: string | null;
  readonly pss: boolean;
}

function signatureAlgorithm(type: KeyType, options: TestCertificateOptions): SignatureAlgorithm {
  const { weakHash } = options;
  if (weakHash !== undefined) {
    const rsaId = weakHash === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.4';
    const identifier = type === 'rsa' ? algorithmIdentifier(rsaId, NULL) : algorithmIdentifier('1.2.840.10045.4.1');
    return { identifier, hash: weakHash, pss: false };
  }
  switch (type) {
    case 'ecdsa_p256':
      return { identifier: algorithmIdentifier(SignatureOid.ecdsaWithSHA256), hash: 'sha256', pss: false };
    case 'ecdsa_p384':
      return { identifier: algorithmIdentifier(SignatureOid.ecdsaWithSHA384), hash: 'sha384', pss: false };
    case 'ecdsa_p521':
      return { identifier: algorithmIdentifier(SignatureOid.ecdsaWithSHA512), hash: 'sha512', pss: false };
    case 'ed25519':
      return { identifier: algorithmIdentifier(SignatureOid.ed25519), hash: null, pss: false };
    case 'rsa':
      if (!options.pssSignature) {
        return {
          identifier: algorithmIdentifier(SignatureOid.sha256WithRSAEncryption, NULL),
          hash: 'sha256',
          pss: false,
        };
      }
      break;
    case 'rsa_pss':
      break;
  }
  return { identifier: algorithmIdentifier(SignatureOid.rsassaPss, PSS_SHA256), hash: 'sha256', pss: true };
}

/** RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
