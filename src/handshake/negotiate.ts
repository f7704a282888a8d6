import type { CryptoProvider, KeyExchange } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import type { ClientHello } from '../message/client_hello.ts';
import type { KeyShareEntry } from '../message/extension/key_share.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import { SignatureScheme } from '../registry/signature_scheme.ts';
import { equal } from '../wire/bytes.ts';
import type { CommonConfig } from './config.ts';
import type { ClientHelloInfo } from './effect.ts';
import type { Suite } from './flow.ts';

/** The pure decisions of a handshake: no output, no waiting. */

// 9846-9.1-1
export const DEFAULT_CIPHER_SUITES: readonly number[] = [
  CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
  CipherSuite.TLS_AES_128_GCM_SHA256,
  CipherSuite.TLS_AES_256_GCM_SHA384,
];

/** RFC 7507: a cipher suite value by which a client says that it offers less than it could. */
const TLS_FALLBACK_SCSV = 0x5600;

/** Every scheme that may sign a TLS 1.3 handshake. */
// 9846-4.3.3-20
export const DEFAULT_VERIFY_SCHEMES: readonly number[] = [
  SignatureScheme.ecdsa_secp256r1_sha256,
  SignatureScheme.ed25519,
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.ecdsa_secp384r1_sha384,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
  SignatureScheme.rsa_pss_pss_sha256,
  SignatureScheme.rsa_pss_pss_sha384,
  SignatureScheme.rsa_pss_pss_sha512,
];

/** What is accepted in the signatures of certificates: PKCS #1 v1.5 beside what may sign a handshake. */
export function certificateSchemes(schemes: readonly number[]): readonly number[] {
  // 9846-9.1-2
  const { rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512 } = SignatureScheme;
  return [...new Set([...schemes, rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512])];
}

const SUITE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CipherSuite).map(([name, code]) => [code as number, name]),
);

export function suiteOf(crypto: CryptoProvider, cipherSuite: number): Suite | undefined {
  const aead = crypto.aeads.get(cipherSuite);
  const name = SUITE_NAMES.get(cipherSuite);
  if (aead === undefined || name === undefined) return undefined;
  const hash = cipherSuite === CipherSuite.TLS_AES_256_GCM_SHA384 ? crypto.sha384 : crypto.sha256;
  return { cipherSuite, name, hash, aead };
}

/** What every TLS 1.3 ClientHello must be (§4.2.2, §9.2), whatever is chosen from it. */
export function checkClientHello(hello: ClientHello): void {
  const { extensions } = hello;
  // 9846-4.3.1-5: without supported_versions the client wants TLS 1.2 or less, which there is not.
  // 9846-4.3.1-4, 9846-4.3.1-5, 9846-4.3.1-7, 9846-E.2-1, 9846-E.2-3, 9846-E.5-4
  if (!extensions.supportedVersions?.includes(ProtocolVersion.tls13)) {
    // RFC 7507 §3: it has tried a newer version before, and somebody kept that from succeeding.
    if (hello.cipherSuites.includes(TLS_FALLBACK_SCSV)) fail('inappropriate_fallback');
    fail('protocol_version', 'the client does not offer TLS 1.3');
  }
  // 9846-4.2.2-7, 9846-E.5-9
  if (hello.legacyVersion !== ProtocolVersion.tls12) {
    fail('protocol_version', `legacy_version is 0x${hello.legacyVersion.toString(16)}`);
  }
  // 9846-4.2.2-15
  if (hello.legacyCompressionMethods.length !== 1 || hello.legacyCompressionMethods[0] !== 0) {
    fail('bad_compression_methods');
  }
  checkRequiredExtensions(hello);
  checkKeyShares(hello);
}

function checkRequiredExtensions({ extensions }: ClientHello): void {
  const { preSharedKey, pskKeyExchangeModes, supportedGroups, keyShare, signatureAlgorithms } = extensions;
  // 9846-4.3.9-3, 9846-9.2-8: with pre_shared_key, psk_key_exchange_modes is needed.
  if (preSharedKey !== undefined && pskKeyExchangeModes === undefined) {
    fail('missing_extension', 'psk_key_exchange_modes');
  }
  // §9.2: a ClientHello without pre_shared_key needs both signature_algorithms and supported_groups.
  // 9846-9.2-4, 9846-9.2-5, 9846-9.2-12
  if (preSharedKey === undefined && signatureAlgorithms === undefined) {
    fail('missing_extension', 'signature_algorithms');
  }
  if (preSharedKey === undefined && supportedGroups === undefined) fail('missing_extension', 'supported_groups');
  // 9846-9.2-6, 9846-9.2-12: supported_groups needs key_share and the other way round.
  if (supportedGroups !== undefined && keyShare === undefined) fail('missing_extension', 'key_share');
  if (keyShare !== undefined && supportedGroups === undefined) fail('missing_extension', 'supported_groups');
  // §4.3.11: one binder for each identity.
  if (preSharedKey !== undefined && preSharedKey.identities.length !== preSharedKey.binders.length) {
    fail('psk_lists_differ');
  }
}

/** §4.3.8: shares are for groups of supported_groups, in that order, at most one for each. */
function checkKeyShares({ extensions: { keyShare = [], supportedGroups = [] } }: ClientHello): void {
  let previous = -1;
  for (const { group } of keyShare) {
    const index = supportedGroups.indexOf(group);
    // §4.3.8
    if (index < 0) fail('key_share_mismatch', `a share for group ${group}, which supported_groups lacks`);
    // §4.3.8
    if (index === previous) fail('duplicate_key_share', `group ${group}`);
    if (index < previous) fail('key_share_mismatch', 'shares are not in the order of supported_groups');
    previous = index;
  }
}

/** The server's preference decides. */
export function chooseCipherSuite(hello: ClientHello, config: CommonConfig): Suite {
  for (const cipherSuite of config.cipherSuites ?? DEFAULT_CIPHER_SUITES) {
    // 9846-4.2.2-12
    if (!hello.cipherSuites.includes(cipherSuite)) continue;
    const suite = suiteOf(config.crypto, cipherSuite);
    if (suite !== undefined) return suite;
  }
  // 9846-2.1-1, 9846-4.2.1-4
  fail('no_common_cipher_suite', `the client offers ${hexList(hello.cipherSuites)}`);
}

export interface GroupChoice {
  readonly keyExchange: KeyExchange;
  /** The client's share, or undefined when it has to be asked for. */
  readonly share: Uint8Array | undefined;
}

/** What the configuration names, or all groups but those that are for requests only. In order of preference. */
export function preferredGroups({ groups, crypto }: CommonConfig): readonly number[] {
  return groups ?? [...crypto.keyExchanges.values()].filter(({ onRequest }) => !onRequest).map(({ group }) => group);
}

/** The most preferred group the client sent a share for; only without any the most preferred it supports, at the cost of a round trip. */
export function chooseGroup(hello: ClientHello, config: CommonConfig): GroupChoice {
  const { supportedGroups = [], keyShare = [] } = hello.extensions;
  const preference = preferredGroups(config);
  // 9846-4.3.8-16, 9846-B.3.1.4-1
  const supported = preference.filter((group) => supportedGroups.includes(group));
  const shared = supported.find((group) => keyShare.some((entry) => entry.group === group));
  const group = shared ?? supported[0];
  const keyExchange = group === undefined ? undefined : config.crypto.keyExchanges.get(group);
  // 9846-4.2.1-1
  if (keyExchange === undefined) fail('no_common_group', `the client supports ${hexList(supportedGroups)}`);
  return { keyExchange, share: keyShare.find((entry: KeyShareEntry) => entry.group === shared)?.keyExchange };
}

/** RFC 7301 §3.2: the server's preference; no overlap is an error, no extension is no protocol. */
export function chooseApplicationProtocol(
  offered: readonly string[] | undefined,
  supported: readonly string[] | undefined,
): string | undefined {
  if (offered === undefined || supported === undefined || supported.length === 0) return undefined;
  const chosen = supported.find((name) => offered.includes(name));
  if (chosen === undefined) fail('no_application_protocol');
  return chosen;
}

/** The signer's preference among what the peer can verify. */
export function chooseSignatureScheme(peerSchemes: readonly number[], signerSchemes: readonly number[]): number {
  // 9846-4.5.2-4, 9846-4.5.2-6
  const scheme = signerSchemes.find((candidate) => peerSchemes.includes(candidate));
  if (scheme === undefined) fail('no_common_signature_scheme', `the peer verifies ${hexList(peerSchemes)}`);
  return scheme;
}

export function clientHelloInfo({ cipherSuites, extensions }: ClientHello): ClientHelloInfo {
  const signatureSchemes = extensions.signatureAlgorithms ?? [];
  return {
    serverName: extensions.serverName,
    applicationProtocols: extensions.applicationProtocols ?? [],
    cipherSuites,
    groups: extensions.supportedGroups ?? [],
    signatureSchemes,
    certificateSignatureSchemes: extensions.signatureAlgorithmsCert ?? signatureSchemes,
    delegatedCredentialSchemes: extensions.delegatedCredential ?? [],
    serverCertificateTypes: extensions.serverCertificateTypes ?? [CertificateType.X509],
    certificateAuthorities: extensions.certificateAuthorities ?? [],
  };
}

/** Extensions that may differ in the ClientHello after a HelloRetryRequest (§4.2.2). */
const MAY_CHANGE: ReadonlySet<number> = new Set([
  ExtensionType.key_share,
  ExtensionType.early_data,
  ExtensionType.cookie,
  ExtensionType.pre_shared_key,
  ExtensionType.padding,
  // Not looked at where it is not accepted (RFC 9849 §7.1.1).
  ExtensionType.encrypted_client_hello,
]);

/**
 * 9846-4.2.2-2: the ClientHello after a HelloRetryRequest is the first one but for the requested share, removed early data, updated PSKs
 * and padding.
 */
export function checkSecondHello(first: ClientHello, second: ClientHello, group: number): Uint8Array {
  const same = first.legacyVersion === second.legacyVersion && equal(first.random, second.random) &&
    equal(first.legacySessionId, second.legacySessionId) &&
    equal(first.legacyCompressionMethods, second.legacyCompressionMethods) &&
    first.cipherSuites.length === second.cipherSuites.length &&
    first.cipherSuites.every((suite, i) => suite === second.cipherSuites[i]);
  if (!same) fail('second_hello_changed');
  for (const type of new Set([...first.rawExtensions.keys(), ...second.rawExtensions.keys()])) {
    if (MAY_CHANGE.has(type)) continue;
    const [before, after] = [first.rawExtensions.get(type), second.rawExtensions.get(type)];
    if (before === undefined || after === undefined || !equal(before, after)) {
      fail('second_hello_changed', `extension ${type}`);
    }
  }
  // 9846-4.2.2-2 (early_data is to be removed); no cookie was sent.
  if (second.extensions.earlyData) fail('second_hello_changed', 'early_data is still there');
  if (second.extensions.cookie !== undefined) fail('invalid_cookie', 'none was sent');
  if (second.extensions.preSharedKey !== undefined && first.extensions.preSharedKey === undefined) {
    fail('second_hello_changed', 'pre_shared_key was added');
  }
  // §4.3.8: exactly the share that was asked for.
  const shares = second.extensions.keyShare ?? [];
  const share = shares[0];
  if (share === undefined || shares.length !== 1 || share.group !== group) {
    fail('key_share_mismatch', 'the second ClientHello lacks the one share asked for');
  }
  return share.keyExchange;
}

function hexList(codes: readonly number[]): string {
  const shown = codes.slice(0, 16).map((code) => `0x${code.toString(16).padStart(4, '0')}`).join(' ');
  return codes.length > 16 ? `${shown} and ${codes.length - 16} more` : shown || 'none';
}
