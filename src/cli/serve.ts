import { UsageError } from '../error.ts';
import type { EchKeys } from '../ech/keys.ts';
import { keyLogLine } from '../observe/key_log.ts';
import { LineBuffer } from '../observe/line_buffer.ts';
import { Log, LOG_LEVELS } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import type { SelfSigned } from '../pki/self_signed.ts';
import type { Address, Listener } from '../socket/socket.ts';
import { MemoryAntiReplay } from '../session/memory_store.ts';
import type { AntiReplay } from '../session/session.ts';
import { type TicketKey, TicketKeyRing } from '../session/ticket_key_ring.ts';
import { createEngine, type Engine } from '../terminator/engine.ts';
import { serveHttp } from '../terminator/http_responder.ts';
import { ListenError } from '../terminator/listen.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { Terminator, type TerminatorOptions } from '../terminator/terminator.ts';
import { type Certificates, loadCertificates, loadClientAuthorities } from './certificates.ts';
import { connectionLimit } from './connection_limit.ts';
import { introduce, startDemoBackend } from './demo.ts';
import { echWarnings, loadEchKeys } from './ech_keys.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings.ts';
import { handleSignals } from './signals.ts';
import { fileProblem, formatAddress, listenProblem } from './system_error.ts';
import { loadTicketKeys } from './ticket_keys.ts';

/** What workers get from the process that starts them, so that all of them are one server. */
export interface Shared {
  /** The demonstration backend. */
  readonly target?: Address;
  /** The certificate that was made in memory. */
  readonly selfSigned?: SelfSigned;
  readonly ticketKeys?: readonly TicketKey[];
  /** Others listen on the same port (SO_REUSEPORT). */
  readonly reusePort?: boolean;
}

/** A terminator that is ready to listen, and what it was made of. */
export interface Service {
  readonly engine: Engine;
  readonly certificates: Certificates;
  readonly tickets: TicketKeyRing;
  /** Undefined unless asked for. */
  readonly ech: EchKeys | undefined;
  /** Undefined unless neither target nor route was given. */
  readonly demo: Listener | undefined;
  readonly terminator: Terminator;
  /** Logs what the user should know before the first connection comes. */
  readonly warn: () => void;
}

/** Finds everything that can be wrong before a port is opened. Throws `UsageError`. */
export async function createService(
  host: Host,
  runtime: Runtime,
  settings: Settings,
  log: Log,
  metrics: Metrics,
  shared: Shared = {},
  antiReplay: AntiReplay = createRegister(),
): Promise<Service> {
  const engine = await createEngine(runtime);
  checkSupported(engine, settings);
  const certificates = await loadCertificates(runtime, settings, engine, shared.selfSigned);
  const clients = loadClientAuthorities(runtime, settings);
  const { crypto } = engine.environment;
  const ech = loadEchKeys(runtime, settings, crypto);
  const keyLog = openKeyLog(host, runtime, settings);
  const tickets = new TicketKeyRing(crypto, engine.environment.random);
  if (shared.ticketKeys === undefined) loadTicketKeys(runtime, settings, tickets);
  else tickets.replace(shared.ticketKeys);

  const limit = connectionLimit(settings, runtime);
  const given = settings.target ?? shared.target;
  const demo = given === undefined && settings.routes.length === 0 ? await startDemoBackend(engine.network) : undefined;
  const target = given ?? demo?.address;
  const terminator = new Terminator(engine, {
    ...terminatorOptions(settings),
    routes: target === undefined ? settings.routes : [...settings.routes, { target }],
    credentials: certificates.all,
    maxConnections: limit.maxConnections,
    reusePort: shared.reusePort ?? false,
    ...(clients && { clientAuthentication: clients }),
    ...(settings.earlyDataSize > 0 && { earlyData: { maxSize: settings.earlyDataSize, antiReplay } }),
    tls: {
      ...tlsOptions(settings),
      ...(settings.tickets > 0 && { tickets: { store: tickets, count: settings.tickets, withFirstData: true } }),
      ...(ech && { encryptedClientHello: ech }),
      ...(keyLog && { keyLog: keyLog.write }),
    },
    log,
    metrics,
  });
  const warn = (): void => {
    const problems = [...certificates.warnings, ...clients?.trust.warnings ?? []];
    for (const problem of problems) log.warning('certificate', { problem });
    for (const problem of ech ? echWarnings(ech, certificates.all) : []) {
      log.warning('encrypted client hello', { problem });
    }
    if (limit.warning !== undefined) log.warning('connection limit', { problem: limit.warning });
    if (keyLog === undefined) return;
    log.warning('secrets of all connections are written to the key log', { file: keyLog.file });
  };
  return { engine, certificates, tickets, ech, demo, terminator, warn };
}

/** Of early data. No ticket is older than this process, which makes their keys: so there is nothing it could have missed. */
export function createRegister(): MemoryAntiReplay {
  return new MemoryAntiReplay(0);
}

/** Reads certificates and keys again. When one file is wrong it throws, and nothing changes. */
export async function reloadFiles(runtime: Runtime, settings: Settings, service: Service): Promise<Certificates> {
  const { engine, certificates, tickets, ech } = service;
  const reloaded = settings.certificateFiles.length > 0
    ? await loadCertificates(runtime, settings, engine)
    : certificates;
  const nextEch = loadEchKeys(runtime, settings, engine.environment.crypto);
  loadTicketKeys(runtime, settings, tickets);
  if (nextEch !== undefined) ech?.replace(nextEch);
  return reloaded;
}

/** Serves in this process until it is told to stop. */
export async function serve(host: Host, runtime: Runtime, settings: Settings): Promise<void> {
  const log = createLog(host, settings);
  const metrics = new Metrics();
  const service = await createService(host, runtime, settings, log, metrics);
  const { engine, terminator, demo } = service;
  service.certificates.selfSigned?.privateKey.fill(0);
  const metricsListener = await startMetrics(engine, settings, log, () => metrics.render());
  await startListening(terminator);

  service.warn();
  for (const address of terminator.addresses) log.info('listening', { address: formatAddress(address) });
  const forget = introduce(host, terminator.addresses, service);
  const reload = async (): Promise<Certificates> => {
    const certificates = await reloadFiles(runtime, settings, service);
    terminator.replaceCredentials(certificates.all);
    return certificates;
  };
  const drain = (): Promise<number> => terminator.drain(settings.drainTimeout);
  handleSignals({ host, settings, log, reload, drain }, () => {
    demo?.close();
    metricsListener?.close();
    forget();
  });
}

/** Warnings are written at once, other lines soon, all of them before the process ends. */
export function createLog(host: Host, settings: Settings): Log {
  const lines = new LineBuffer((text) => host.printError(text));
  host.onExit(() => lines.flush());
  const urgent = LOG_LEVELS.indexOf('warning');
  return new Log(settings.logLevel, settings.logFormat, (line, level) => {
    lines.add(line, LOG_LEVELS.indexOf(level) >= urgent);
  });
}

function terminatorOptions(settings: Settings): Omit<TerminatorOptions, 'routes' | 'credentials' | 'maxConnections'> {
  const { listen, strictServerName, handshakeTimeout, connectTimeout, proxyProtocol } = settings;
  return { listen, strictServerName, handshakeTimeout, connectTimeout, proxyProtocol };
}

type TlsOptions = NonNullable<TerminatorOptions['tls']>;

/** What was not given is left to the defaults of the core. */
function tlsOptions(settings: Settings): TlsOptions {
  const { applicationProtocols, paddingMultiple, groups, cipherSuites, limits } = settings;
  return {
    paddingMultiple,
    limits,
    ...(applicationProtocols.length > 0 ? { applicationProtocols } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(cipherSuites.length > 0 ? { cipherSuites } : {}),
  };
}

function checkSupported(engine: Engine, settings: Settings): void {
  const { keyExchanges, aeads } = engine.environment.crypto;
  const group = settings.groups.find((code) => !keyExchanges.has(code));
  if (group !== undefined) {
    const known = [...keyExchanges.values()].map(({ name }) => name).join(', ');
    throw new UsageError(`--groups: group 0x${group.toString(16)} is not supported; supported are ${known}`);
  }
  const suite = settings.cipherSuites.find((code) => !aeads.has(code));
  if (suite !== undefined) {
    throw new UsageError(`--ciphers: suite 0x${suite.toString(16)} is not supported; leave it out`);
  }
}

interface KeyLog {
  readonly file: string;
  readonly write: (label: string, clientRandom: Uint8Array, secret: Uint8Array) => void;
}

/** Undefined unless asked for by flag or variable. */
function openKeyLog(host: Host, runtime: Runtime, settings: Settings): KeyLog | undefined {
  const file = settings.keyLogFile ?? host.environment('SSLKEYLOGFILE');
  if (file === undefined || file === '') return undefined;
  try {
    runtime.appendFile(file, '');
  } catch (error) {
    const where = settings.keyLogFile === undefined ? 'SSLKEYLOGFILE' : '--keylog';
    throw new UsageError(`${where}: cannot write ${file}: ${fileProblem(error)}`);
  }
  return {
    file,
    write: (label, clientRandom, secret) => runtime.appendFile(file, keyLogLine(label, clientRandom, secret)),
  };
}

export async function startMetrics(
  engine: Engine,
  settings: Settings,
  log: Log,
  render: () => string | Promise<string>,
): Promise<Listener | undefined> {
  const address = settings.metrics;
  if (address === undefined) return undefined;
  try {
    const listener = await serveHttp(
      engine.network,
      address,
      async ({ target }) =>
        target === '/metrics'
          ? { contentType: 'text/plain; version=0.0.4', body: await render() }
          : { status: '404 Not Found', contentType: 'text/plain', body: 'The metrics are at /metrics.\n' },
    );
    log.info('serving metrics', { address: formatAddress(listener.address) });
    return listener;
  } catch (error) {
    throw new UsageError(listenProblem('--metrics', address, error));
  }
}

export async function startListening(terminator: Terminator): Promise<void> {
  try {
    await terminator.listen();
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw new UsageError(listenProblem('--listen', error.address, error.cause));
  }
}
