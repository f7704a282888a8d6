/** Configurations of the engine from the shim's flags. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Signer } from '../../src/crypto/provider.ts';
import type {
  CertificateCompression,
  ClientConfig,
  CommonConfig,
  HostConfig,
  ServerConfig,
} from '../../src/handshake/config.ts';
import type { SessionTickets } from '../../src/session/session.ts';
import { nodeSigner } from '../support/node_provider.ts';
import type { Received } from './exchange.ts';
import { type ShimConfig, type ShimCredential, Unimplemented } from './flags.ts';

/** What BoringSSL's servers take as early data: the runner knows the number. */
const MAX_EARLY_DATA = 14336;

export interface LoadedCredential {
  /** Place among the -new-x509-credential ones, or -1. */
  readonly index: number;
  readonly host: HostConfig;
}

export function loadCredentials(config: ShimConfig): LoadedCredential[] {
  const loaded = config.credentials.map((credential, index) => load(credential, index));
  if (config.legacyCredential.certFile !== undefined) loaded.push(load(config.legacyCredential, -1));
  if (!config.switches.has('decline-ocsp-callback')) return loaded;
  return loaded.map(({ index, host: { ocspResponse: _, ...host } }) => ({ index, host }));
}

function load(credential: ShimCredential, index: number): LoadedCredential {
  if (credential.certFile === undefined || credential.keyFile === undefined) {
    throw new Unimplemented('a half credential');
  }
  const chain = readFileSync(credential.certFile, 'utf8')
    .match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
    ?.map((pem) => new Uint8Array(new X509Certificate(pem).raw)) ?? [];
  const signer = restricted(readSigner(credential.keyFile), credential.signingPrefs);
  const { ocspResponse, signedCertTimestamps: signedCertificateTimestamps } = credential;
  return {
    index,
    host: {
      chain,
      signer,
      ...ocspResponse === undefined ? {} : { ocspResponse },
      ...signedCertificateTimestamps === undefined ? {} : { signedCertificateTimestamps },
    },
  };
}

function readSigner(file: string): Signer {
  try {
    const signer = nodeSigner(createPrivateKey(readFileSync(file)));
    if (signer.schemes.length > 0) return signer;
  } catch {
    // ML-DSA, which this runtime cannot read.
  }
  throw new Unimplemented('a key of that type');
}

function restricted(signer: Signer, prefs: readonly number[] | undefined): Signer {
  if (prefs === undefined) return signer;
  const schemes = prefs.filter((scheme) => signer.schemes.includes(scheme));
  return { schemes, sign: (scheme, content) => signer.sign(scheme, content) };
}

/** The first whose key the peer can verify; else the first. */
export function chooseCredential(
  credentials: readonly LoadedCredential[],
  peerSchemes: readonly number[],
): LoadedCredential | undefined {
  const usable = credentials.find(({ host }) => host.signer.schemes.some((scheme) => peerSchemes.includes(scheme)));
  return usable ?? credentials[0];
}

export function serverConfig(config: ShimConfig, common: CommonConfig, store: SessionTickets): ServerConfig {
  const { switches, strings, lists } = config;
  const required = switches.has('require-any-client-certificate');
  const protocol = strings.get('select-alpn');
  const verifySchemes = lists.get('verify-prefs');
  return {
    ...common,
    ...withCommon(config),
    ...required || switches.has('verify-peer')
      ? { clientAuthentication: { mode: required ? 'require' as const : 'request' as const } }
      : {},
    ...verifySchemes === undefined ? {} : { verifySchemes },
    ...protocol === undefined || switches.has('decline-alpn') ? {} : { applicationProtocols: [protocol] },
    ...switches.has('reject-alpn') ? { applicationProtocols: ['a protocol nobody offers'] } : {},
    ...switches.has('no-ticket') ? {} : { tickets: { store } },
    ...switches.has('enable-early-data') && !switches.has('no-ticket')
      ? { earlyData: { maxSize: MAX_EARLY_DATA, antiReplay: { accept: () => true } } }
      : {},
  };
}

export function clientConfig(
  config: ShimConfig,
  common: CommonConfig,
  credentials: readonly LoadedCredential[],
  resume: Received | undefined,
): ClientConfig {
  const { switches, strings, lists } = config;
  if (switches.has('enable-early-data')) throw new Unimplemented('early data of the client role');
  if (credentials.length > 1) throw new Unimplemented('several credentials of the client role');
  const serverName = strings.get('host-name');
  const verifySchemes = lists.get('verify-prefs');
  const keyShareGroups = switches.has('no-key-shares') ? [] : lists.get('key-shares');
  const advertised = strings.get('advertise-alpn');
  const host = credentials[0]?.host;
  return {
    ...common,
    ...withCommon(config),
    ...serverName === undefined ? {} : { serverName },
    ...verifySchemes === undefined ? {} : { verifySchemes },
    ...keyShareGroups === undefined ? {} : { keyShareGroups },
    ...advertised === undefined ? {} : { applicationProtocols: protocolNames(advertised) },
    ...host === undefined ? {} : { credentials: host },
    ...switches.has('enable-ocsp-stapling') ? { requestOcsp: true } : {},
    ...resume === undefined ? {} : { resume },
  };
}

function withCommon({ lists, numbers, switches }: ShimConfig): Partial<CommonConfig> {
  const groups = lists.get('curves');
  const fragment = numbers.get('max-send-fragment');
  const one = numbers.get('install-one-cert-compression-alg');
  const algorithms = one === undefined ? switches.has('install-cert-compression-algs') ? [0xff02, 0xff01] : [] : [one];
  return {
    ...groups === undefined ? {} : { groups },
    ...fragment === undefined ? {} : { maxFragmentLength: fragment },
    ...algorithms.length === 0 ? {} : { certificateCompression: runnersCompression(algorithms) },
  };
}

function protocolNames(wire: string): string[] {
  const names: string[] = [];
  for (let at = 0; at < wire.length;) {
    const length = wire.charCodeAt(at);
    names.push(wire.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return names;
}

/** The runner's made-up algorithms: 0xff01 drops the two zeros a message begins with, 0xff02 puts four bytes in front. */
function runnersCompression(algorithms: readonly number[]): CertificateCompression {
  const prefix = Uint8Array.of(1, 2, 3, 4);
  for (const algorithm of algorithms) {
    if (algorithm !== 0xff01 && algorithm !== 0xff02) throw new Unimplemented('compression');
  }
  return {
    algorithms,
    compress: (algorithm, message) => algorithm === 0xff01 ? message.slice(2) : Uint8Array.of(...prefix, ...message),
    decompress: (algorithm, bytes, length) => {
      const message = algorithm === 0xff01 ? Uint8Array.of(0, 0, ...bytes) : bytes.slice(4);
      const fits = algorithm === 0xff01 || prefix.every((byte, i) => bytes[i] === byte);
      return fits && message.length === length ? message : undefined;
    },
  };
}
