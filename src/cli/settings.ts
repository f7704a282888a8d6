import { UsageError } from '../error.ts';
import type { Limits } from '../handshake/config.ts';
import type { LogFormat, LogLevel } from '../observe/log.ts';
import type { Address } from '../socket/socket.ts';
import type { ProxyProtocol } from '../terminator/proxy_protocol.ts';
import type { Route } from '../terminator/route.ts';
import type { Option } from './option_table.ts';

/** Everything the command can be told, read and checked, but no file opened yet. Times in milliseconds. */
export interface Settings {
  listen: Address[];
  target: Address | undefined;
  routes: Route[];
  certificateFiles: string[];
  keyFiles: string[];
  ocspFiles: string[];
  timestampFiles: string[];
  strictServerName: boolean;
  /** Certificates that issue clients' certificates; none: clients are not asked. */
  clientAuthorityFiles: string[];
  revocationFiles: string[];
  clientAuthentication: 'request' | 'require';
  applicationProtocols: string[];
  groups: number[];
  cipherSuites: number[];
  paddingMultiple: number;
  /** Per connection. */
  tickets: number;
  /** Keys of tickets that other instances share; undefined: our own, in memory. */
  ticketKeyFile: string | undefined;
  /** Keys of Encrypted Client Hello, the newest first. */
  echFiles: string[];
  /** Most bytes of 0-RTT data per connection; 0: none is accepted. */
  earlyDataSize: number;
  limits: { -readonly [Name in keyof Limits]?: Limits[Name] };
  keyLogFile: string | undefined;
  handshakeTimeout: number;
  connectTimeout: number;
  drainTimeout: number;
  proxyProtocol: ProxyProtocol;
  /** Undefined: as many as make sense. */
  maxConnections: number | undefined;
  /** Undefined: no workers, all in one process. 'auto': one per processor. */
  workers: number | 'auto' | undefined;
  metrics: Address | undefined;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

/** One value somebody gave, and where, in words for an error message. */
export interface Given {
  readonly option: Option;
  readonly text: string;
  /** `--listen`, or `sallyport.json:3: "listen"`. */
  readonly where: string;
}

export function defaultSettings(): Settings {
  return {
    listen: [],
    target: undefined,
    routes: [],
    certificateFiles: [],
    keyFiles: [],
    ocspFiles: [],
    timestampFiles: [],
    strictServerName: false,
    clientAuthorityFiles: [],
    revocationFiles: [],
    clientAuthentication: 'require',
    applicationProtocols: [],
    groups: [],
    cipherSuites: [],
    paddingMultiple: 1,
    tickets: 2,
    ticketKeyFile: undefined,
    echFiles: [],
    earlyDataSize: 0,
    limits: {},
    keyLogFile: undefined,
    handshakeTimeout: 10_000,
    connectTimeout: 10_000,
    drainTimeout: 30_000,
    proxyProtocol: 'off',
    maxConnections: undefined,
    workers: undefined,
    metrics: undefined,
    logLevel: 'info',
    logFormat: 'text',
  };
}

/** Flags win over the config file, option by option; what can be given many times is replaced as a whole. */
export function makeSettings(fromFile: readonly Given[], fromFlags: readonly Given[]): Settings {
  const overridden = new Set(fromFlags.map((given) => given.option));
  const settings = defaultSettings();
  for (const given of [...fromFile.filter((given) => !overridden.has(given.option)), ...fromFlags]) {
    try {
      given.option.read(given.text, settings);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`${given.where}: ${error.message}`);
    }
  }
  if (settings.certificateFiles.length !== settings.keyFiles.length) {
    throw new UsageError(
      `${count(settings.certificateFiles, '--cert')} but ${count(settings.keyFiles, '--key')}: ` +
        'give one --key for each --cert, in the same order',
    );
  }
  checkPaired(settings, settings.ocspFiles, '--ocsp');
  checkPaired(settings, settings.timestampFiles, '--sct');
  if (settings.revocationFiles.length > 0 && settings.clientAuthorityFiles.length === 0) {
    throw new UsageError('--crl is about client certificates: give --client-ca as well');
  }
  checkResumption(settings);
  if (settings.listen.length === 0) settings.listen.push({ host: 'localhost', port: 8443 });
  return settings;
}

/** Files that go with certificates stand at the same place in the order. */
function checkPaired({ certificateFiles }: Settings, files: readonly string[], flag: string): void {
  if (files.length <= certificateFiles.length) return;
  throw new UsageError(
    `${count(files, flag)} but ${
      count(certificateFiles, '--cert')
    }: give at most one ${flag} for each --cert, in the same order`,
  );
}

/** What needs what, and what would be unsafe together. */
function checkResumption({ tickets, ticketKeyFile, earlyDataSize, routes }: Settings): void {
  if (ticketKeyFile !== undefined && tickets === 0) {
    throw new UsageError('--ticket-keys without tickets: leave one out');
  }
  const early = routes.some(({ earlyData }) => earlyData);
  if (earlyDataSize === 0) {
    if (early) throw new UsageError('--early-route needs --early-data BYTES: how much a client may send early');
    return;
  }
  if (!early) throw new UsageError('--early-data needs --early-route MATCH=HOST:PORT: a backend that can bear replays');
  if (tickets === 0) throw new UsageError('--early-data needs tickets: leave out --tickets 0');
  // Each instance would accept once what all together must accept once (RFC 9846 §8).
  if (ticketKeyFile !== undefined) {
    throw new UsageError('--early-data with --ticket-keys: another instance could accept a replay; leave one out');
  }
}

function count(files: readonly string[], flag: string): string {
  return `${files.length} ${flag}`;
}
