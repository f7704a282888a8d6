/** The command line that BoringSSL's test runner gives a shim (ssl/test/PORTING.md there), as far as this library can follow it. */

import { POLICIES } from './policies.ts';

/** The runner takes this exit code as "not implemented" and skips the test. */
export const UNIMPLEMENTED = 89;

export class Unimplemented extends Error {}

/** The runner's expectation was not met: the text goes to stderr. */
export class ExpectationError extends Error {}

/** One certificate with its key, raw public key or PSK. */
export interface ShimCredential {
  kind: 'x509' | 'rpk' | 'psk' | 'delegated';
  certFile?: string;
  keyFile?: string;
  ocspResponse?: Uint8Array;
  signedCertTimestamps?: Uint8Array;
  signingPrefs?: number[];
  mustMatchIssuer?: boolean;
  key?: Uint8Array;
  identity?: Uint8Array;
  context?: Uint8Array;
  hash?: 'SHA-256' | 'SHA-384';
  delegatedCredential?: Uint8Array;
}

/** A key for Encrypted Client Hello, of three flags. */
export interface ShimEchKey {
  readonly config: Uint8Array;
  privateKey?: Uint8Array;
  retry?: boolean;
}

/** What one connection is to do and to find. */
export interface ShimConfig {
  numbers: Map<string, number>;
  strings: Map<string, string>;
  lists: Map<string, number[]>;
  switches: Set<string>;
  /** Those of -new-*-credential, then the unnamed one. */
  credentials: ShimCredential[];
  legacyCredential: ShimCredential;
  echKeys: ShimEchKey[];
}

/** Flags without a parameter that change or check something here. */
const SWITCHES: ReadonlySet<string> = new Set([
  'server',
  'ipv6',
  'require-any-client-certificate',
  'verify-peer',
  'verify-fail',
  'use-custom-verify-callback',
  'no-ticket',
  'shim-writes-first',
  'shim-shuts-down',
  'check-close-notify',
  'enable-early-data',
  'expect-accept-early-data',
  'expect-reject-early-data',
  'expect-session-miss',
  'expect-no-session',
  'expect-ticket-supports-early-data',
  'expect-hrr',
  'expect-no-hrr',
  'expect-no-peer-cert',
  'expect-no-server-name',
  'enable-ocsp-stapling',
  'key-update',
  'key-update-before-read',
  'use-export-context',
  'decline-alpn',
  'install-cert-compression-algs',
  'no-key-shares',
  'fail-cert-callback',
  'reject-alpn',
  'use-ocsp-callback',
  'set-ocsp-in-callback',
  'decline-ocsp-callback',
  'fail-ocsp-callback',
  'fail-early-callback',
  'fail-ddos-callback',
  'skip-ticket',
  'expect-ech-accept',
  ...POLICIES.keys(),
]);

/** Flags without a parameter that ask for what is so anyway, or speak of the inner workings of BoringSSL. */
const IGNORED_SWITCHES: ReadonlySet<string> = new Set([
  'async',
  'implicit-handshake',
  'use-early-callback',
  'no-tls1',
  'no-tls11',
  'no-tls12',
  'peek-then-read',
  'use-old-client-cert-callback',
  'server-preference',
  'no-op-extra-handshake',
  'use-exporter-between-reads',
  'allow-hint-mismatch',
  'use-ticket-callback',
  'use-ticket-aead-callback',
  'expect-extended-master-secret',
  'expect-secure-renegotiation',
  'expect-verify-result',
  'read-with-unfinished-write',
  'partial-write',
  'cbc-record-splitting',
  'renegotiate-freely',
  'renegotiate-ignore',
  'renegotiate-once',
  'forbid-renegotiation-after-handshake',
  'no-legacy-server-connect',
  'allow-unknown-alpn-protos',
  'expect-no-session-id',
  'expect-session-id',
  'write-different-record-sizes',
  'install-ddos-callback',
  // Every resumption gets new tickets.
  'renew-ticket',
]);

const NUMBERS: ReadonlySet<string> = new Set([
  'port',
  'resume-count',
  'min-version',
  'max-version',
  'expect-version',
  'expect-curve-id',
  'expect-cipher',
  'expect-cipher-aes',
  'expect-cipher-no-aes',
  'expect-peer-signature-algorithm',
  'export-keying-material',
  'resumption-delay',
  'max-send-fragment',
  'repeat-shim-initial-write',
  'expect-selected-credential',
  'install-one-cert-compression-alg',
  'private-key-delay-ms',
  'read-size',
  'max-cert-list',
  // Which code point QUIC would use.
  'quic-use-legacy-codepoint',
  'expect-ticket-age-skew',
  'expect-peer-certificate-type',
]);

/** Numbers that may be given several times. */
const LISTS: ReadonlySet<string> = new Set([
  'curves',
  'verify-prefs',
  'key-shares',
  'expect-peer-verify-pref',
  'accepted-peer-cert-types',
]);

const STRINGS: ReadonlySet<string> = new Set([
  'shim-id',
  'trust-cert',
  'expect-server-name',
  'shim-initial-write',
  'host-name',
  'advertise-alpn',
  'expect-alpn',
  'expect-advertised-alpn',
  'select-alpn',
  'export-label',
  'export-context',
  'expect-peer-cert-file',
  'expect-ocsp-response',
  // Why BoringSSL took or refused early data, in its own words: whether it did is checked.
  'expect-early-data-reason',
  // NPN, which TLS 1.3 has not.
  'advertise-npn',
  // Its ticket key: ours is a ring of keys, made when the shim starts.
  'ticket-key',
  'use-client-ca-list',
  'expect-peer-rpk-sha256',
  // DTLS-SRTP, which TLS has not.
  'srtp-profiles',
]);

function empty(): ShimConfig {
  return {
    numbers: new Map([['resume-count', 0], ['repeat-shim-initial-write', 1]]),
    strings: new Map([['shim-initial-write', 'hello']]),
    lists: new Map(),
    switches: new Set(),
    credentials: [],
    legacyCredential: { kind: 'x509' },
    echKeys: [],
  };
}

/** The configurations of the first and of the resuming connections. Throws `Unimplemented` for what is not known here. */
export function parseFlags(argv: readonly string[]): { readonly initial: ShimConfig; readonly resume: ShimConfig } {
  const [initial, resume, retry] = [empty(), empty(), empty()];
  for (let i = 0; i < argv.length; i++) {
    let name = argv[i]!.replace(/^-/, '');
    // What another process of the suite would do, if there were one: the shim says that there is none.
    const isForHandshaker = name.startsWith('on-handshaker-');
    name = name.replace(/^on-(shim|handshaker)-/, '');
    const when = /^on-(initial|resume|retry)-/.exec(name);
    if (when !== null) name = name.slice(when[0].length);
    const targets = when === null
      ? [initial, resume, retry]
      : [{ initial, resume, retry }[when[1] as 'initial' | 'resume' | 'retry']];
    const takesValue = needsValue(name);
    const value = takesValue ? argv[++i] : undefined;
    if (takesValue && value === undefined) throw new Unimplemented(`${name} without its value`);
    for (const target of isForHandshaker ? [] : targets) apply(target, name, value ?? '');
  }
  return { initial, resume };
}

const CREDENTIAL_VALUES: ReadonlySet<string> = new Set([
  'cert-file',
  'key-file',
  'ocsp-response',
  'signed-cert-timestamps',
  'signing-prefs',
  'delegated-credential',
  'psk-importer-key',
  'psk-importer-identity',
  'psk-importer-context',
]);

const ECH_VALUES: ReadonlySet<string> = new Set(['ech-server-config', 'ech-server-key', 'ech-is-retry-config']);

const CREDENTIAL_KINDS: ReadonlyMap<string, ShimCredential['kind']> = new Map([
  ['new-x509-credential', 'x509'],
  ['new-rpk-credential', 'rpk'],
  ['new-psk-credential', 'psk'],
  ['new-delegated-credential', 'delegated'],
]);

const CREDENTIAL_SWITCHES: ReadonlyMap<string, Partial<ShimCredential>> = new Map<string, Partial<ShimCredential>>([
  ['must-match-issuer', { mustMatchIssuer: true }],
  ['psk-importer-sha256', { hash: 'SHA-256' }],
  ['psk-importer-sha384', { hash: 'SHA-384' }],
]);

function needsValue(name: string): boolean {
  return NUMBERS.has(name) || LISTS.has(name) || STRINGS.has(name) || CREDENTIAL_VALUES.has(name) ||
    ECH_VALUES.has(name);
}

function apply(config: ShimConfig, name: string, value: string): void {
  const kind = CREDENTIAL_KINDS.get(name);
  const credential = config.credentials.at(-1) ?? config.legacyCredential;
  if (kind !== undefined) config.credentials.push({ kind });
  else if (CREDENTIAL_VALUES.has(name)) applyCredential(credential, name, value);
  else if (ECH_VALUES.has(name)) applyEch(config.echKeys, name, value);
  else if (CREDENTIAL_SWITCHES.has(name)) Object.assign(credential, CREDENTIAL_SWITCHES.get(name));
  else if (SWITCHES.has(name)) config.switches.add(name);
  else if (NUMBERS.has(name)) config.numbers.set(name, Number(value));
  else if (LISTS.has(name)) config.lists.set(name, [...config.lists.get(name) ?? [], Number(value)]);
  else if (STRINGS.has(name)) config.strings.set(name, value);
  else if (!IGNORED_SWITCHES.has(name)) throw new Unimplemented(`-${name}`);
}

/** A key begins with its configuration. */
function applyEch(keys: ShimEchKey[], name: string, value: string): void {
  const bytes = new Uint8Array(Buffer.from(value, 'base64'));
  const last = keys.at(-1);
  if (name === 'ech-server-config') keys.push({ config: bytes });
  else if (last === undefined) throw new Unimplemented(`-${name} before -ech-server-config`);
  else if (name === 'ech-server-key') last.privateKey = bytes;
  else last.retry = value === '1';
}

function applyCredential(credential: ShimCredential, name: string, value: string): void {
  switch (name) {
    case 'cert-file':
      credential.certFile = value;
      break;
    case 'key-file':
      credential.keyFile = value;
      break;
    case 'ocsp-response':
      credential.ocspResponse = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    case 'signed-cert-timestamps':
      credential.signedCertTimestamps = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    case 'delegated-credential':
      credential.delegatedCredential = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    case 'psk-importer-key':
      credential.key = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    case 'psk-importer-identity':
      credential.identity = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    case 'psk-importer-context':
      credential.context = new Uint8Array(Buffer.from(value, 'base64'));
      break;
    default:
      credential.signingPrefs = [...credential.signingPrefs ?? [], Number(value)];
  }
}
