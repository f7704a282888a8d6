/** Configurations of the engine from the shim's flags. */
import type { CertificateCompression, ClientConfig, CommonConfig, ServerConfig } from '../../src/handshake/config.ts';
import { EchKeys } from '../../src/ech/keys.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { HANDSHAKE_SCHEMES } from '../../src/registry/signature_scheme.ts';
import type { SessionTickets } from '../../src/session/session.ts';
import type { LoadedCredential } from './credentials.ts';
import type { Received } from './exchange.ts';
import { type ShimConfig, Unimplemented } from './flags.ts';
import { policyOf } from './policies.ts';

/** What BoringSSL's servers take as early data: the runner knows the number. */
const MAX_EARLY_DATA = 14336;
/** And how far off a ticket's age may be. Milliseconds. */
const AGE_TOLERANCE = 60_000;

/** What the runner expects without a flag: P-384 as well, which the library has by name alone. */
const ALL_GROUPS: readonly number[] = [
  NamedGroup.X25519MLKEM768,
  NamedGroup.x25519,
  NamedGroup.secp256r1,
  NamedGroup.secp384r1,
  NamedGroup.SecP256r1MLKEM768,
];

export function serverConfig(
  config: ShimConfig,
  common: CommonConfig,
  store: SessionTickets,
  externalPsk: ServerConfig['externalPsk'],
): ServerConfig {
  const { switches, strings, lists } = config;
  const required = switches.has('require-any-client-certificate');
  const protocol = strings.get('select-alpn');
  const verifySchemes = verifyPrefs(config);
  const certificateTypes = lists.get('accepted-peer-cert-types');
  const authorities = readNames(strings.get('use-client-ca-list'));
  return {
    ...common,
    ...withCommon(config),
    ...required || switches.has('verify-peer')
      ? {
        clientAuthentication: {
          mode: required ? 'require' as const : 'request' as const,
          authorities,
          ...certificateTypes === undefined ? {} : { certificateTypes },
        },
      }
      : {},
    ...verifySchemes === undefined ? {} : { verifySchemes },
    ...protocol === undefined || switches.has('decline-alpn') ? {} : { applicationProtocols: [protocol] },
    ...switches.has('reject-alpn') ? { applicationProtocols: ['a protocol nobody offers'] } : {},
    ...switches.has('no-ticket') ? {} : { tickets: { store, count: switches.has('skip-ticket') ? 0 : 2 } },
    grease: true,
    ...externalPsk === undefined ? {} : { externalPsk },
    ...config.echKeys.length === 0 ? {} : { encryptedClientHello: echKeys(config, common) },
    ...switches.has('enable-early-data') && !switches.has('no-ticket')
      ? { earlyData: { maxSize: MAX_EARLY_DATA, ageTolerance: AGE_TOLERANCE, antiReplay: { accept: () => true } } }
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
  if (credentials.some(({ psks }) => psks.length > 0)) throw new Unimplemented('imported PSKs of the client role');
  if (credentials.some(({ issuers }) => issuers !== undefined)) {
    throw new Unimplemented('-must-match-issuer of the client role');
  }
  if (credentials.length > 1) throw new Unimplemented('several credentials of the client role');
  const serverName = strings.get('host-name');
  const verifySchemes = verifyPrefs(config);
  const serverCertificateTypes = lists.get('accepted-peer-cert-types');
  const keyShareGroups = switches.has('no-key-shares') ? [] : lists.get('key-shares');
  const advertised = strings.get('advertise-alpn');
  const host = credentials[0]?.host;
  return {
    ...common,
    ...withCommon(config),
    ...serverName === undefined ? {} : { serverName },
    ...verifySchemes === undefined ? {} : { verifySchemes },
    ...serverCertificateTypes === undefined ? {} : { serverCertificateTypes },
    ...keyShareGroups === undefined ? {} : { keyShareGroups },
    ...advertised === undefined ? {} : { applicationProtocols: protocolNames(advertised) },
    ...host === undefined ? {} : { credentials: host },
    ...switches.has('enable-ocsp-stapling') ? { requestOcsp: true } : {},
    ...resume === undefined ? {} : { resume },
  };
}

/** Of the schemes that are to be accepted, those that are known here, as BoringSSL does it. */
function verifyPrefs(config: ShimConfig): readonly number[] | undefined {
  const all = config.lists.get('verify-prefs') ?? policyOf(config)?.schemes;
  if (all === undefined) return undefined;
  const known = all.filter((scheme) => HANDSHAKE_SCHEMES.has(scheme));
  // Nothing else can be configured; where nothing is left, its defaults are what has to refuse the peer's.
  return known.length > 0 ? known : undefined;
}

function withCommon(config: ShimConfig): Partial<CommonConfig> {
  const { lists, numbers, switches } = config;
  const policy = policyOf(config);
  const groups = lists.get('curves') ?? policy?.groups ?? ALL_GROUPS;
  const fragment = numbers.get('max-send-fragment');
  const one = numbers.get('install-one-cert-compression-alg');
  const algorithms = one === undefined ? switches.has('install-cert-compression-algs') ? [0xff02, 0xff01] : [] : [one];
  return {
    groups,
    ...policy?.cipherSuites === undefined ? {} : { cipherSuites: policy.cipherSuites },
    ...fragment === undefined ? {} : { maxFragmentLength: fragment },
    ...algorithms.length === 0 ? {} : { certificateCompression: runnersCompression(algorithms) },
  };
}

function echKeys({ echKeys: keys }: ShimConfig, { crypto }: CommonConfig): EchKeys {
  return new EchKeys(
    crypto,
    keys.map(({ config, privateKey = new Uint8Array(0), retry = false }) => ({ config, privateKey, retry })),
  );
}

/** DER names in hexadecimal, with commas between them; BoringSSL tells "no list" from "an empty one". */
function readNames(list: string | undefined): Uint8Array[] {
  if (list === undefined || list === '<NULL>' || list === '<EMPTY>') return [];
  return list.split(',').map((name) => new Uint8Array(Buffer.from(name, 'hex')));
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
