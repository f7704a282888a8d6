import { UsageError } from '../error.ts';
import { DEFAULT_LIMITS, type Limits } from '../handshake/config.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../observe/log.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { NamedGroup } from '../registry/named_group.ts';
import type { Address } from '../socket/socket.ts';
import type { Route } from '../terminator/route.ts';
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

/** All limits but those of the client role and of a caller of the protocol. */
const SERVER_LIMITS = (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[])
  .filter((name) => name !== 'tickets' && name !== 'pendingInput');

export const OPTIONS: readonly Option[] = [
  list('listen', 'HOST:PORT', 'accept TLS here; may be repeated (default localhost:8443)', (text, settings) => {
    settings.listen.push(readAddress(text, 0));
  }),
  option(
    'target',
    'HOST:PORT',
    'forward plaintext to this TCP backend (default: a small one inside)',
    (text, settings) => {
      settings.target = readAddress(text, 1);
    },
  ),
  list(
    'route',
    'MATCH=HOST:PORT',
    'another backend for a server name (www.example.com, *.example.com), a protocol (alpn:h2) or all (*); may be repeated, first match wins',
    (text, settings) => {
      settings.routes.push(readRoute(text));
    },
  ),
  list(
    'early-route',
    'MATCH=HOST:PORT',
    'like --route, in the same order, for a backend that gets early data (0-RTT) as well: its requests may be replays',
    (text, settings) => {
      settings.routes.push({ ...readRoute(text), earlyData: true });
    },
  ),
  list('cert', 'FILE', 'certificate chain, PEM or DER; may be repeated, chosen by server name', (text, settings) => {
    settings.certificateFiles.push(readPath(text));
  }),
  list('key', 'FILE', 'private key of the certificate at the same place in the order', (text, settings) => {
    settings.keyFiles.push(readPath(text));
  }),
  list(
    'ocsp',
    'FILE',
    'OCSP response to staple to the certificate at the same place in the order',
    (text, settings) => {
      settings.ocspFiles.push(readPath(text));
    },
  ),
  list('sct', 'FILE', 'SignedCertificateTimestampList for the certificate at the same place', (text, settings) => {
    settings.timestampFiles.push(readPath(text));
  }),
  list(
    'client-ca',
    'FILE',
    'ask clients for certificates issued by these authorities, PEM or DER; may be repeated',
    (text, settings) => {
      settings.clientAuthorityFiles.push(readPath(text));
    },
  ),
  option(
    'client-auth',
    'require|request',
    'with --client-ca: refuse clients without a certificate, or let them in (default require)',
    (text, settings) => {
      settings.clientAuthentication = readChoice(text, ['require', 'request'] as const);
    },
  ),
  list('crl', 'FILE', 'revocation list of a --client-ca, PEM or DER; may be repeated', (text, settings) => {
    settings.revocationFiles.push(readPath(text));
  }),
  toggle('strict-sni', 'refuse server names that no certificate is for', (_text, settings) => {
    settings.strictServerName = true;
  }),
  option('alpn', 'LIST', 'application protocols in order of preference, for example h2,http/1.1', (text, settings) => {
    settings.applicationProtocols = readProtocols(text);
  }),
  option(
    'groups',
    'LIST',
    'key exchange groups in order of preference, for example x25519,secp256r1 (default: all but secp384r1, which is costly)',
    (text, settings) => {
      settings.groups = readNames(text, NamedGroup, { 'p-256': 'secp256r1', 'p-384': 'secp384r1' });
    },
  ),
  option('ciphers', 'LIST', 'cipher suites in order of preference, by their RFC names', (text, settings) => {
    settings.cipherSuites = readNames(text, CipherSuite, {});
  }),
  option(
    'padding',
    'BYTES',
    'pad records to a multiple of this, 1 to 16384 (default 1: no padding)',
    (text, settings) => {
      settings.paddingMultiple = readInteger(text, 1, 16384);
    },
  ),
  option('tickets', 'N', 'session tickets per connection, 0 to 16; 0: no resumption (default 2)', (text, settings) => {
    settings.tickets = readInteger(text, 0, 16);
  }),
  option(
    'ticket-keys',
    'FILE',
    'seal tickets under the keys in this file (openssl rand -hex 48, one a line; the first seals, all open), to be shared by instances',
    (text, settings) => {
      settings.ticketKeyFile = readPath(text);
    },
  ),
  list(
    'ech',
    'FILE',
    'open Encrypted Client Hellos (RFC 9849) with the key in this file, made by --make-ech; may be repeated, the newest first',
    (text, settings) => {
      settings.echFiles.push(readPath(text));
    },
  ),
  option(
    'early-data',
    'BYTES',
    'accept this much early data (0-RTT) where --early-route allows it, up to 1048576 (default 0: none)',
    (text, settings) => {
      settings.earlyDataSize = readInteger(text, 0, 1_048_576);
    },
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
      settings.limits[limit] = readInteger(value, 0, 0xffffff);
    },
  ),
  option(
    'keylog',
    'FILE',
    'append the secrets of every connection, for debugging only (or SSLKEYLOGFILE)',
    (text, settings) => {
      settings.keyLogFile = readPath(text);
    },
  ),
  option(
    'handshake-timeout',
    'SECONDS',
    'close clients that take longer to finish the handshake (default 10)',
    (text, settings) => {
      settings.handshakeTimeout = readSeconds(text);
    },
  ),
  option('connect-timeout', 'SECONDS', 'give up on a backend that does not answer (default 10)', (text, settings) => {
    settings.connectTimeout = readSeconds(text);
  }),
  option(
    'drain-timeout',
    'SECONDS',
    'on SIGTERM or SIGINT, wait for connections to end (default 30)',
    (text, settings) => {
      settings.drainTimeout = readSeconds(text);
    },
  ),
  option(
    'proxy-protocol',
    'off|v1|v2',
    "send the backend a PROXY protocol header with the client's address",
    (text, settings) => {
      settings.proxyProtocol = readChoice(text, ['off', 'v1', 'v2'] as const);
    },
  ),
  option(
    'max-connections',
    'N',
    'close connections above this number at once (default: 20000 for each worker, or half of its open files)',
    (text, settings) => {
      settings.maxConnections = readInteger(text, 1, 10_000_000);
    },
  ),
  option(
    'workers',
    'N|auto',
    'serve from this many processes; auto: one per processor (default: one, in this process)',
    (text, settings) => {
      settings.workers = text === 'auto' ? 'auto' : readInteger(text, 1, 1024, "'auto' or ");
    },
  ),
  option('metrics', 'HOST:PORT', 'serve Prometheus metrics over plain HTTP here', (text, settings) => {
    settings.metrics = readAddress(text, 0);
  }),
  option(
    'log-level',
    LOG_LEVELS.join('|'),
    'least weight of the lines that are logged (default info)',
    (text, settings) => {
      settings.logLevel = readChoice(text, LOG_LEVELS);
    },
  ),
  option(
    'log-format',
    LOG_FORMATS.join('|'),
    'one line per event, as text or JSON (default text)',
    (text, settings) => {
      settings.logFormat = readChoice(text, LOG_FORMATS);
    },
  ),
];

function readAddress(text: string, lowestPort: number): Address {
  const match = /^(?:\[([\da-fA-F:.]+(?:%\w+)?)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < lowestPort || port > 65535) {
    throw new UsageError(`'${text}' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443`);
  }
  return { host: (match[1] ?? match[2]) as string, port };
}

function readRoute(text: string): Route {
  const [match = '', address] = text.split('=', 2);
  if (match === '' || address === undefined) {
    throw new UsageError(`'${text}' is not MATCH=HOST:PORT; for example www.example.com=127.0.0.1:8080`);
  }
  const target = readAddress(address, 1);
  if (match === '*') return { target };
  if (match.startsWith('alpn:')) return { applicationProtocol: match.slice('alpn:'.length), target };
  if (!/^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(match)) {
    throw new UsageError(
      `'${match}' is neither a server name, such as www.example.com or *.example.com, nor alpn:PROTOCOL, nor *`,
    );
  }
  return { serverName: match.toLowerCase(), target };
}

function readPath(text: string): string {
  if (text === '') throw new UsageError('the file name is empty');
  return text;
}

function readProtocols(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const tooLong = names.find((name) => name.length === 0 || new TextEncoder().encode(name).length > 255);
  if (tooLong !== undefined) {
    throw new UsageError(`'${text}' is not a list of protocol names of 1 to 255 bytes, such as h2,http/1.1`);
  }
  return names;
}

function readNames(
  text: string,
  registry: Readonly<Record<string, number>>,
  aliases: Readonly<Record<string, string>>,
): number[] {
  const byName = new Map(Object.entries(registry).map(([name, code]) => [name.toLowerCase(), code]));
  return text.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const code = byName.get(aliases[name] ?? name);
    if (code === undefined) {
      throw new UsageError(`'${part.trim()}' is unknown; known are ${Object.keys(registry).join(', ')}`);
    }
    return code;
  });
}

function readInteger(text: string, least: number, most: number, or = ''): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`'${text}' is not ${or}a whole number from ${least} to ${most}`);
  }
  return value;
}

function readSeconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 86_400) {
    throw new UsageError(`'${text}' is not a number of seconds, above 0 and up to 86400; for example 10 or 0.5`);
  }
  return value * 1000;
}

function readChoice<const Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new UsageError(`'${text}' is none of ${choices.join(', ')}`);
  return choice;
}
