import { UsageError } from '../error.ts';
import { DEFAULT_LIMITS, type Limits } from '../handshake/config.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../observe/log.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { NamedGroup } from '../registry/named_group.ts';
import { address, choice, integer, names, readPath, readProtocols, readRoute, readSeconds } from './option_values.ts';
import type { Settings } from './settings.ts';

/** One option: a flag `--name` and a key of the config file. Help, parser and config reader all follow from this table. */
export interface Option {
  readonly name: string;
  /** How the help names the value; undefined for a switch. */
  readonly argument: string | undefined;
  /** May be given many times (an array in the config file). */
  readonly many: boolean;
  readonly help: string;
  /** Checks `text` and stores it. Throws `UsageError` that says what is wrong and what would be right. */
  readonly read: (text: string, settings: Settings) => void;
}

const option = (name: string, argument: string, help: string, read: Option['read']): Option => {
  return { name, argument, many: false, help, read };
};
const list = (name: string, argument: string, help: string, read: Option['read']): Option => {
  return { name, argument, many: true, help, read };
};
const toggle = (name: string, help: string, read: Option['read']): Option => {
  return { name, argument: undefined, many: false, help, read };
};

/** Stores one value. */
const set = <Key extends keyof Settings>(key: Key, read: (text: string) => Settings[Key]): Option['read'] => {
  return (text, settings) => {
    settings[key] = read(text);
  };
};
/** Adds to a list. */
const push = <Key extends ListKey>(key: Key, read: (text: string) => Settings[Key][number]): Option['read'] => {
  return (text, settings) => {
    (settings[key] as Settings[Key][number][]).push(read(text));
  };
};
type ListKey = { [Key in keyof Settings]: Settings[Key] extends unknown[] ? Key : never }[keyof Settings];

/** All limits but those of the client role and of a caller of the protocol. */
const SERVER_LIMITS = (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[])
  .filter((name) => name !== 'tickets' && name !== 'pendingInput');

export const OPTIONS: readonly Option[] = [
  list('listen', 'HOST:PORT', 'accept TLS here; may be repeated (default localhost:8443)', push('listen', address(0))),
  option(
    'target',
    'HOST:PORT',
    'forward plaintext to this TCP backend (default: a small one inside)',
    set('target', address(1)),
  ),
  list(
    'route',
    'MATCH=HOST:PORT',
    'another backend for a server name (www.example.com, *.example.com), a protocol (alpn:h2) or all (*); may be repeated, first match wins',
    push('routes', readRoute),
  ),
  list(
    'early-route',
    'MATCH=HOST:PORT',
    'like --route, in the same order, for a backend that gets early data (0-RTT) as well: its requests may be replays',
    push('routes', (text) => ({ ...readRoute(text), earlyData: true })),
  ),
  list(
    'cert',
    'FILE',
    'certificate chain, PEM or DER; may be repeated, chosen by server name',
    push('certificateFiles', readPath),
  ),
  list('key', 'FILE', 'private key of the certificate at the same place in the order', push('keyFiles', readPath)),
  list(
    'ocsp',
    'FILE',
    'OCSP response to staple to the certificate at the same place in the order',
    push('ocspFiles', readPath),
  ),
  list(
    'sct',
    'FILE',
    'SignedCertificateTimestampList for the certificate at the same place',
    push('timestampFiles', readPath),
  ),
  list(
    'client-ca',
    'FILE',
    'ask clients for certificates issued by these authorities, PEM or DER; may be repeated',
    push('clientAuthorityFiles', readPath),
  ),
  option(
    'client-auth',
    'require|request',
    'with --client-ca: refuse clients without a certificate, or let them in (default require)',
    set('clientAuthentication', choice(['require', 'request'])),
  ),
  list(
    'crl',
    'FILE',
    'revocation list of a --client-ca, PEM or DER; may be repeated',
    push('revocationFiles', readPath),
  ),
  toggle('strict-sni', 'refuse server names that no certificate is for', set('strictServerName', () => true)),
  option(
    'alpn',
    'LIST',
    'application protocols in order of preference, for example h2,http/1.1',
    set('applicationProtocols', readProtocols),
  ),
  option(
    'groups',
    'LIST',
    'key exchange groups in order of preference, for example x25519,secp256r1 (default: all but secp384r1, which is costly)',
    set('groups', names(NamedGroup, { 'p-256': 'secp256r1', 'p-384': 'secp384r1' })),
  ),
  option(
    'ciphers',
    'LIST',
    'cipher suites in order of preference, by their RFC names',
    set('cipherSuites', names(CipherSuite, {})),
  ),
  option(
    'padding',
    'BYTES',
    'pad records to a multiple of this, 1 to 16384 (default 1: no padding)',
    set('paddingMultiple', integer(1, 16384)),
  ),
  option(
    'tickets',
    'N',
    'session tickets per connection, 0 to 16; 0: no resumption (default 2)',
    set('tickets', integer(0, 16)),
  ),
  option(
    'ticket-keys',
    'FILE',
    'seal tickets under the keys in this file (openssl rand -hex 48, one a line; the first seals, all open), to be shared by instances',
    set('ticketKeyFile', readPath),
  ),
  list(
    'ech',
    'FILE',
    'open Encrypted Client Hellos (RFC 9849) with the key in this file, made by --make-ech; may be repeated, the newest first',
    push('echFiles', readPath),
  ),
  option(
    'early-data',
    'BYTES',
    'accept this much early data (0-RTT) where --early-route allows it, up to 1048576 (default 0: none)',
    set('earlyDataSize', integer(0, 1_048_576)),
  ),
  list(
    'limit',
    'NAME=N',
    `bound what a client can make us hold or do, for example clientHelloLength=8192; may be repeated; names and defaults: ${
      SERVER_LIMITS.map((name) => `${name} ${DEFAULT_LIMITS[name]}`).join(', ')
    }`,
    (text, settings) => {
      const [name = '', value = ''] = text.split('=', 2);
      const limit = SERVER_LIMITS.find((each) => each === name);
      if (limit === undefined) {
        throw new UsageError(`'${text}' is not NAME=N with a NAME of ${SERVER_LIMITS.join(', ')}`);
      }
      if (settings.limits[limit] !== undefined) throw new UsageError(`${limit} is given twice; give it once`);
      settings.limits[limit] = integer(0, 0xffffff)(value);
    },
  ),
  option(
    'keylog',
    'FILE',
    'append the secrets of every connection, for debugging only (or SSLKEYLOGFILE)',
    set('keyLogFile', readPath),
  ),
  option(
    'handshake-timeout',
    'SECONDS',
    'close clients that take longer to finish the handshake (default 10)',
    set('handshakeTimeout', readSeconds),
  ),
  option(
    'connect-timeout',
    'SECONDS',
    'give up on a backend that does not answer (default 10)',
    set('connectTimeout', readSeconds),
  ),
  option(
    'drain-timeout',
    'SECONDS',
    'on SIGTERM or SIGINT, wait for connections to end (default 30)',
    set('drainTimeout', readSeconds),
  ),
  option(
    'proxy-protocol',
    'off|v1|v2',
    "send the backend a PROXY protocol header with the client's address",
    set('proxyProtocol', choice(['off', 'v1', 'v2'])),
  ),
  option(
    'max-connections',
    'N',
    'close connections above this number at once (default: 20000 for each worker, or half of its open files)',
    set('maxConnections', integer(1, 10_000_000)),
  ),
  option(
    'workers',
    'N|auto',
    'serve from this many processes; auto: one per processor (default: one, in this process)',
    set('workers', (text) => text === 'auto' ? 'auto' : integer(1, 1024, "'auto' or ")(text)),
  ),
  option('metrics', 'HOST:PORT', 'serve Prometheus metrics over plain HTTP here', set('metrics', address(0))),
  option(
    'log-level',
    LOG_LEVELS.join('|'),
    'least weight of the lines that are logged (default info)',
    set('logLevel', choice(LOG_LEVELS)),
  ),
  option(
    'log-format',
    LOG_FORMATS.join('|'),
    'one line per event, as text or JSON (default text)',
    set('logFormat', choice(LOG_FORMATS)),
  ),
];
