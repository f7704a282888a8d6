import { UsageError } from '../error.ts';
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
  strictServerName: boolean;
  applicationProtocols: string[];
  groups: number[];
  cipherSuites: number[];
  paddingMultiple: number;
  /** Per connection. */
  tickets: number;
  keyLogFile: string | undefined;
  handshakeTimeout: number;
  connectTimeout: number;
  drainTimeout: number;
  proxyProtocol: ProxyProtocol;
  maxConnections: number;
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
    strictServerName: false,
    applicationProtocols: [],
    groups: [],
    cipherSuites: [],
    paddingMultiple: 1,
    tickets: 2,
    keyLogFile: undefined,
    handshakeTimeout: 10_000,
    connectTimeout: 10_000,
    drainTimeout: 30_000,
    proxyProtocol: 'off',
    maxConnections: 100_000,
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
  if (settings.listen.length === 0) settings.listen.push({ host: 'localhost', port: 8443 });
  return settings;
}

function count(files: readonly string[], flag: string): string {
  return `${files.length} ${flag}`;
}
