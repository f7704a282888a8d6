import type { KeyType, PublicKey, SignatureProvider, Signer, Verifier } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { type Certificate, isIssuedBy, LOCAL_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import { CertificateError, equalBytes, splitDer } from './der.ts';
import { KeyUsageBit } from './encode.ts';
import { PurposeOid } from './oid.ts';
import { isPem, readPem } from './pem.ts';
import { keyMismatch, readPrivateKey } from './private_key.ts';
import { schemesOfSignature } from './signature_algorithm.ts';

/** What the user gives for one certificate. */
export interface CredentialFiles {
  /** The certificate and its intermediates, PEM or DER, in any order; may hold the key too. */
  readonly chain: Uint8Array;
  /** The private key, PEM or DER. Default: it stands in `chain`. */
  readonly key?: Uint8Array;
  /** The files' names, for errors. */
  readonly labels: { readonly chain: string; readonly key?: string };
}

/** A certificate with its key: what the handshake calls `Credentials`. */
export interface ChainWithSigner {
  /** DER certificates, the end entity's first. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  /** DER OCSPResponse to staple (RFC 6066 §8). */
  readonly ocspResponse?: Uint8Array;
  /** A SignedCertificateTimestampList (RFC 6962 §3.3). */
  readonly signedCertificateTimestamps?: Uint8Array;
}

/** Credentials for the handshake, and what is known of them. */
export interface LoadedCredentials {
  readonly credentials: ChainWithSigner;
  readonly info: CredentialInfo;
  /** What will make clients refuse this certificate, one line each, beginning with the file's label. */
  readonly warnings: readonly string[];
}

export interface CredentialInfo {
  /** For people. */
  readonly subject: string;
  readonly issuer: string;
  /** Lower case; wildcards as they stand in the certificate. */
  readonly dnsNames: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ipAddresses: readonly Uint8Array[];
  /** Milliseconds since the epoch: when the whole chain becomes and stops being valid. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly keyType: KeyType;
  /** SignatureSchemes the key signs handshakes with. */
  readonly schemes: readonly number[];
  /** For each signature in the chain, the schemes of which a client must know one to check it. Self-signed ones left out. */
  readonly chainSchemes: readonly (readonly number[])[];
}

/**
 * Reads a certificate chain and its key, and checks that they belong together. `now` is in milliseconds since the epoch.
 *
 * A chain in the wrong order is put in order: RFC 9846 §4.5.1 wants each certificate to certify the one before, strict clients refuse
 * anything else, and the right order is never in doubt. A certificate that belongs to no chain is refused: it is a sign of the wrong file.
 *
 * Throws `UsageError` that names the file, what is wrong with it and how to mend it.
 */
export async function loadCredentials(
  files: CredentialFiles,
  signatures: SignatureProvider,
  now: number,
): Promise<LoadedCredentials> {
  const chainLabel = files.labels.chain;
  const keyLabel = files.key === undefined ? chainLabel : files.labels.key ?? 'the private key';
  const chain = orderChain(readCertificates(files.chain, chainLabel), chainLabel);
  const [leaf] = chain;
  if (leaf === undefined) throw noCertificate(chainLabel);
  const publicKey = usableKey(leaf, chainLabel);
  const chainSchemes = chain.filter((one) => !one.isSelfIssued).map((one) => usableSignature(one, chainLabel));

  const signer = await makeSigner(files.key ?? files.chain, keyLabel, publicKey, signatures);
  const info = describeChain(leaf, chain, publicKey, chainSchemes);
  return {
    credentials: { chain: chain.map((certificate) => certificate.der), signer },
    info,
    warnings: findWarnings(leaf, chain, chainLabel, now),
  };
}

/** All certificates of a PEM or DER file. Throws `UsageError`. */
export function readCertificates(file: Uint8Array, label: string): Certificate[] {
  const ders = isPem(file) ? pemCertificates(file, label) : derCertificates(file, label);
  return ders.map((der, index) => {
    try {
      return readCertificate(der, LOCAL_CERTIFICATE_LIMITS);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      throw new UsageError(`${label}: certificate ${index + 1} cannot be read: ${error.message}`);
    }
  });
}

function pemCertificates(file: Uint8Array, label: string): Uint8Array[] {
  const blocks = readPem(file, label);
  for (const block of blocks) {
    if (block.label === 'TRUSTED CERTIFICATE') {
      throw new UsageError(
        `${label}: OpenSSL's own "TRUSTED CERTIFICATE" form: convert it with "openssl x509 -in ${label}"`,
      );
    }
    if (block.label === 'PKCS7' || block.label === 'CMS') {
      throw new UsageError(`${label}: a PKCS#7 bundle: convert it with "openssl pkcs7 -print_certs -in ${label}"`);
    }
  }
  return blocks
    .filter((block) => block.label === 'CERTIFICATE' || block.label === 'X509 CERTIFICATE')
    .map((block) => block.bytes);
}

function derCertificates(file: Uint8Array, label: string): Uint8Array[] {
  try {
    return splitDer(file);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new UsageError(`${label}: neither PEM ("-----BEGIN CERTIFICATE-----") nor DER: give a certificate file`);
  }
}

function noCertificate(label: string): UsageError {
  return new UsageError(`${label}: no certificate in this file: give one that has a "BEGIN CERTIFICATE" block`);
}

/** End entity first, then each one's issuer; further ones that certify a member of the chain (cross-signing) last. */
function orderChain(given: readonly Certificate[], label: string): Certificate[] {
  const rest = given.filter((one, index) => given.findIndex((other) => equalBytes(one.der, other.der)) === index);
  // 9846-4.5.1-12
  const leaf = rest.find((one) => !rest.some((other) => other !== one && isIssuedBy(other, one))) ?? rest[0];
  if (leaf === undefined) throw noCertificate(label);

  const chain: Certificate[] = [];
  for (let next: Certificate | undefined = leaf; next !== undefined;) {
    const current: Certificate = next;
    chain.push(current);
    rest.splice(rest.indexOf(current), 1);
    next = current.isSelfIssued ? undefined : rest.find((one) => isIssuedBy(current, one));
  }
  for (const extra of rest) {
    if (!chain.some((one) => isIssuedBy(one, extra))) {
      throw new UsageError(
        `${label}: the certificate of "${extra.subject}" does not belong to the chain of "${leaf.subject}": ` +
          'leave only the certificate and its intermediates in this file',
      );
    }
  }
  return [...chain, ...rest];
}

function usableKey(leaf: Certificate, label: string): PublicKey {
  const { publicKey } = leaf;
  // 9846-4.5.1.2-1
  if (!leaf.isVersion3) {
    throw new UsageError(
      `${label}: the certificate of "${leaf.subject}" is not of X.509 version 3: request one with a subjectAltName`,
    );
  }
  if (publicKey instanceof CertificateError) {
    throw new UsageError(
      `${label}: the certificate of "${leaf.subject}" has ${publicKey.message}: use ECDSA P-256 or P-384, Ed25519 or RSA`,
    );
  }
  // 9846-4.5.1.2-3: TLS 1.3 needs the digitalSignature bit when there is a keyUsage.
  if (!leaf.allowsUsage(KeyUsageBit.digitalSignature)) {
    throw new UsageError(
      `${label}: the certificate of "${leaf.subject}" is not for digital signatures (keyUsage), which TLS 1.3 needs: ` +
        'request one that is',
    );
  }
  return publicKey;
}

/** The schemes of which a client must know one to check how `certificate` is signed. */
function usableSignature({ subject, signedWith }: Certificate, label: string): readonly number[] {
  if (!(signedWith instanceof CertificateError)) return schemesOfSignature(signedWith);
  // 9846-4.3.3-16, 9846-4.5.1.2-10: no client of TLS 1.3 lists SHA-1 any more; a chain that has it is of no use to anyone.
  throw new UsageError(
    `${label}: the certificate of "${subject}" is ${signedWith.message}: request one signed with SHA-256 or better`,
  );
}

/** A signer of the private key in `file`, which must belong to `publicKey`. Throws `UsageError`. */
export async function makeSigner(
  file: Uint8Array,
  label: string,
  publicKey: PublicKey,
  signatures: SignatureProvider,
): Promise<Signer> {
  const key = readPrivateKey(file, label, publicKey);
  try {
    // A provider refuses a scalar beside a foreign point. Its words could quote the key: they are not passed on.
    const refused = (): never => {
      throw keyMismatch(label);
    };
    const signer = await Promise.resolve(key).then((given) => signatures.signer(given)).catch(refused);
    const verifier = await Promise.resolve(publicKey).then((given) => signatures.verifier(given)).catch(refused);
    if (signer === undefined || verifier === undefined) {
      throw new UsageError(`${label}: this runtime cannot sign with a key of type ${key.type}: use ECDSA P-256`);
    }
    await checkMatch(signer, verifier, label);
    return signer;
  } finally {
    key.pkcs8.fill(0);
    key.scalar?.fill(0);
  }
}

/** The proof that works for every type of key: what the key signs, the certificate verifies. */
async function checkMatch(
  signer: Signer,
  verifier: Verifier,
  label: string,
): Promise<void> {
  const content = new TextEncoder().encode('does this key belong to this certificate?');
  const [scheme = 0] = signer.schemes;
  const signature = await signer.sign(scheme, content);
  if (!(await verifier.verify(scheme, content, signature))) throw keyMismatch(label);
}

function describeChain(
  leaf: Certificate,
  chain: readonly Certificate[],
  publicKey: PublicKey,
  chainSchemes: readonly (readonly number[])[],
): CredentialInfo {
  return {
    subject: leaf.subject,
    issuer: leaf.issuer,
    dnsNames: leaf.names.dns,
    ipAddresses: leaf.names.ip,
    notBefore: Math.max(...chain.map((one) => one.notBefore)),
    notAfter: Math.min(...chain.map((one) => one.notAfter)),
    keyType: publicKey.type,
    schemes: publicKey.schemes,
    chainSchemes,
  };
}

function findWarnings(leaf: Certificate, chain: readonly Certificate[], label: string, now: number): string[] {
  const warnings: string[] = [];
  for (const { subject, notBefore, notAfter } of chain) {
    const whose = `${label}: the certificate of "${subject}"`;
    if (now > notAfter) warnings.push(`${whose} expired on ${date(notAfter)}: renew it`);
    if (now < notBefore) warnings.push(`${whose} is not valid before ${date(notBefore)}: check it and the clock`);
  }
  if (leaf.names.dns.length === 0 && leaf.names.ip.length === 0) {
    warnings.push(`${label}: the certificate of "${leaf.subject}" has no subjectAltName: clients will refuse it`);
  }
  const { purposes } = leaf;
  if (purposes !== undefined && !purposes.includes(PurposeOid.serverAuth) && !purposes.includes(PurposeOid.any)) {
    warnings.push(
      `${label}: the certificate of "${leaf.subject}" is not for servers (extKeyUsage): clients will refuse it`,
    );
  }
  return warnings;
}

function date(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
