/** What the shim authenticates with, and the choice among several, which is the application's here: BoringSSL's list in its order. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CryptoProvider, Signer } from '../../src/crypto/provider.ts';
import { TlsError } from '../../src/error.ts';
import type { HostConfig } from '../../src/handshake/config.ts';
import type { ClientHelloInfo } from '../../src/handshake/effect.ts';
import { type ImportedPsk, importPsk } from '../../src/handshake/imported_psk.ts';
import { LOCAL_CERTIFICATE_LIMITS, readCertificate } from '../../src/pki/certificate.ts';
import { readDelegatedCredential } from '../../src/pki/delegated_credential.ts';
import { readRawPublicKey } from '../../src/pki/raw_public_key.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';
import { CertificateType } from '../../src/registry/certificate_type.ts';
import type { Session } from '../../src/session/session.ts';
import { nodeSigner } from '../support/node_provider.ts';
import { ExpectationError, type ShimConfig, type ShimCredential, Unimplemented } from './flags.ts';
import { policyOf } from './policies.ts';

export interface LoadedCredential {
  /** Place among the -new-*-credential ones, or -1. */
  readonly index: number;
  /** Of a PSK credential: the host of a server without a certificate. */
  readonly host: HostConfig;
  /** Of a PSK credential: what it is imported as. */
  readonly psks: readonly ImportedPsk[];
  /** The credential is for clients alone that name an issuer of its chain: DER names. */
  readonly issuers: readonly Uint8Array[] | undefined;
}

export function loadCredentials(config: ShimConfig, crypto: CryptoProvider): LoadedCredential[] {
  const all = config.credentials.map((credential, index) => load(config, credential, index, crypto));
  if (config.legacyCredential.certFile !== undefined) all.push(load(config, config.legacyCredential, -1, crypto));
  if (!config.switches.has('decline-ocsp-callback')) return all;
  return all.map(({ host: { ocspResponse: _, ...host }, ...rest }) => ({ ...rest, host }));
}

const NO_SIGNER: Signer = { schemes: [], sign: () => new Uint8Array(0) };

function load(config: ShimConfig, credential: ShimCredential, index: number, crypto: CryptoProvider): LoadedCredential {
  if (credential.kind === 'psk') {
    const { identity, key, context, hash = 'SHA-256' } = credential;
    if (identity === undefined || key === undefined) throw new Unimplemented('a half credential');
    const psks = importPsk({ identity, key, hash, ...context === undefined ? {} : { context } }, crypto);
    return { index, psks, issuers: undefined, host: { chain: [], signer: NO_SIGNER } };
  }
  if (credential.keyFile === undefined) throw new Unimplemented('a half credential');
  const key = readKey(credential.keyFile);
  const signer = restricted(readSigner(key), [credential.signingPrefs, policyOf(config)?.schemes]);
  const rest = { index, psks: [] };
  if (credential.kind === 'rpk') {
    const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
    return {
      ...rest,
      issuers: undefined,
      host: { chain: [spki], signer, certificateType: CertificateType.RawPublicKey },
    };
  }
  if (credential.certFile === undefined) throw new Unimplemented('a half credential');
  const chain = readFileSync(credential.certFile, 'utf8')
    .match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
    ?.map((pem) => new Uint8Array(new X509Certificate(pem).raw)) ?? [];
  const { ocspResponse, signedCertTimestamps: signedCertificateTimestamps } = credential;
  return {
    ...rest,
    issuers: credential.mustMatchIssuer ? chain.map(issuerOf) : undefined,
    host: {
      chain,
      signer,
      ...ocspResponse === undefined ? {} : { ocspResponse },
      ...signedCertificateTimestamps === undefined ? {} : { signedCertificateTimestamps },
      ...credential.kind === 'delegated' ? delegated(credential.delegatedCredential, key, signer) : {},
    },
  };
}

/** The certificate's own key is not there: only clients that take the delegated credential can be served. */
function delegated(credential: Uint8Array | undefined, key: KeyObject, signer: Signer): Partial<HostConfig> {
  if (credential === undefined) throw new Unimplemented('a half credential');
  const { scheme, spki, algorithm: issuedWith } = readDelegatedCredential(credential, '-delegated-credential');
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  if (readRawPublicKey(spki).type === 'rsa') throw new ExpectationError('rsaEncryption keys are not delegated to');
  if (Buffer.compare(publicKey, spki) !== 0) {
    throw new ExpectationError('the key is not that of the delegated credential');
  }
  return { signer: NO_SIGNER, delegatedCredential: { credential, signer, scheme, issuedWith, expires: Infinity } };
}

function issuerOf(der: Uint8Array): Uint8Array {
  return new Uint8Array(readCertificate(der, LOCAL_CERTIFICATE_LIMITS).x509.issuer.toSchema().toBER(false));
}

function readKey(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch {
    throw new Unimplemented('a key of that type');
  }
}

function readSigner(key: KeyObject): Signer {
  const signer = nodeSigner(key);
  // RSASSA-PSS with SHA-512 and its salt does not fit into 1024 bits. The product does not load such keys at all.
  if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 1042) {
    return restricted(signer, [[SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pss_rsae_sha384]]);
  }
  if (signer.schemes.length === 0) throw new Unimplemented('a key of that type');
  return signer;
}

function restricted(signer: Signer, lists: readonly (readonly number[] | undefined)[]): Signer {
  let schemes = signer.schemes;
  for (const list of lists) {
    if (list !== undefined) schemes = list.filter((scheme) => schemes.includes(scheme));
  }
  return { schemes, sign: (scheme, content) => signer.sign(scheme, content) };
}

/**
 * The first certificate or raw public key that serves; else the PSKs; else the first that could be refused for its schemes or its
 * type, so that the engine says why.
 */
export function chooseCredential(
  credentials: readonly LoadedCredential[],
  hello: ClientHelloInfo,
): LoadedCredential | undefined {
  const named = credentials.filter(({ issuers }) => issuers === undefined || namesOneOf(hello, issuers));
  if (named.length === 0 && credentials.length > 0) {
    throw new TlsError('access_denied', 'no certificate of an issuer that the client names', 'handshake_failure');
  }
  const certificates = named.filter(({ psks }) => psks.length === 0);
  const schemesOf = ({ host: { signer, delegatedCredential } }: LoadedCredential) => {
    const taken = delegatedCredential !== undefined &&
      hello.signatureSchemes.includes(delegatedCredential.issuedWith) &&
      hello.delegatedCredentialSchemes.includes(delegatedCredential.scheme);
    return taken ? hello.signatureSchemes : signer.schemes;
  };
  const typed = certificates.filter(({ host }) => {
    return hello.serverCertificateTypes.includes(host.certificateType ?? CertificateType.X509);
  });
  const usable = typed.find((one) => schemesOf(one).some((scheme) => hello.signatureSchemes.includes(scheme)));
  return usable ?? named.find(({ psks }) => psks.length > 0) ?? typed[0] ?? named[0];
}

function namesOneOf({ certificateAuthorities }: ClientHelloInfo, issuers: readonly Uint8Array[]): boolean {
  return certificateAuthorities.some((name) => issuers.some((issuer) => Buffer.compare(name, issuer) === 0));
}

/** A server's PSK credentials, which stand in one list with its certificates. */
export class PskChoice {
  readonly #all: readonly LoadedCredential[];
  #before: number = Infinity;

  constructor(credentials: readonly LoadedCredential[]) {
    this.#all = credentials;
  }

  /** The configuration's `externalPsk`; undefined without PSKs. */
  get lookUp(): ((identity: Uint8Array) => Session | undefined) | undefined {
    if (this.#all.every(({ psks }) => psks.length === 0)) return undefined;
    return (identity) => {
      const place = this.#all.findIndex((one) => sessionOf(one, identity) !== undefined);
      const credential = this.#all[place];
      return credential && place < this.#before ? sessionOf(credential, identity) : undefined;
    };
  }

  /** PSKs after `certificate`, which serves, do not come into play. */
  preferTo(certificate: LoadedCredential | undefined): void {
    if (certificate?.psks.length === 0) this.#before = this.#all.indexOf(certificate);
  }

  credentialOf(identity: Uint8Array | undefined): LoadedCredential | undefined {
    return identity && this.#all.find((one) => sessionOf(one, identity) !== undefined);
  }
}

function sessionOf({ psks }: LoadedCredential, identity: Uint8Array): Session | undefined {
  return psks.find((psk) => Buffer.compare(psk.identity, identity) === 0)?.session;
}
