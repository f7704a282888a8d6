import { UsageError } from '../error.ts';
import { keyLogLine } from '../observe/key_log.ts';
import { Log } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import type { Listener } from '../socket/socket.ts';
import { TicketKeyRing } from '../session/ticket_key_ring.ts';
import { createEngine, type Engine } from '../terminator/engine.ts';
import { serveHttp } from '../terminator/http_responder.ts';
import { ListenError } from '../terminator/listen.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { Terminator, type TerminatorOptions } from '../terminator/terminator.ts';
import { type Certificates, loadCertificates, loadClientAuthorities } from './certificates.ts';
import { introduce, startDemoBackend } from './demo.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings.ts';
import { handleSignals } from './signals.ts';
import { fileProblem, formatAddress, listenProblem } from './system_error.ts';

/** From settings to a terminator that runs. Everything that can be wrong is found before the first port is opened. */
export async function serve(host: Host, runtime: Runtime, settings: Settings): Promise<void> {
  const log = new Log(settings.logLevel, settings.logFormat, (line) => host.printError(line));
  const metrics = new Metrics();
  const engine = await createEngine(runtime);
  checkSupported(engine, settings);
  const certificates = await loadCertificates(runtime, settings, engine);
  const clients = loadClientAuthorities(runtime, settings);
  const keyLog = openKeyLog(host, runtime, settings);

  const demo = settings.target === undefined && settings.routes.length === 0
    ? await startDemoBackend(engine.network)
    : undefined;
  const terminator = new Terminator(engine, {
    ...terminatorOptions(settings),
    routes: routesOf(settings, demo),
    credentials: certificates.all,
    ...(clients && { clientAuthentication: clients }),
    tls: {
      ...tlsOptions(settings),
      ...ticketOptions(engine, settings),
      ...(keyLog === undefined ? {} : { keyLog: keyLog.write }),
    },
    log,
    metrics,
  });
  const metricsListener = await startMetrics(engine, settings, metrics);
  await startListening(terminator);

  for (const problem of [...certificates.warnings, ...clients?.trust.warnings ?? []]) {
    log.warning('certificate', { problem });
  }
  if (keyLog !== undefined) log.warning('secrets of all connections are written to the key log', { file: keyLog.file });
  for (const address of terminator.addresses) log.info('listening', { address: formatAddress(address) });
  const forget = introduce(host, terminator, certificates, demo);
  const reload = (): Promise<Certificates> => loadCertificates(runtime, settings, engine);
  handleSignals({ host, settings, log, terminator, reload }, () => {
    demo?.close();
    metricsListener?.close();
    forget();
  });
}

function routesOf(settings: Settings, demo: Listener | undefined): TerminatorOptions['routes'] {
  const target = settings.target ?? demo?.address;
  return target === undefined ? settings.routes : [...settings.routes, { target }];
}

function terminatorOptions(settings: Settings): Omit<TerminatorOptions, 'routes' | 'credentials'> {
  const { listen, strictServerName, handshakeTimeout, connectTimeout, proxyProtocol, maxConnections } = settings;
  return { listen, strictServerName, handshakeTimeout, connectTimeout, proxyProtocol, maxConnections };
}

type TlsOptions = NonNullable<TerminatorOptions['tls']>;

/** What was not given is left to the defaults of the core. */
function tlsOptions(settings: Settings): TlsOptions {
  const { applicationProtocols, paddingMultiple, groups, cipherSuites } = settings;
  return {
    paddingMultiple,
    ...(applicationProtocols.length > 0 ? { applicationProtocols } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(cipherSuites.length > 0 ? { cipherSuites } : {}),
  };
}

/** The keys live as long as the process and change every eight hours. */
function ticketOptions({ environment: { crypto, random } }: Engine, settings: Settings): Pick<TlsOptions, 'tickets'> {
  if (settings.tickets === 0) return {};
  return { tickets: { store: new TicketKeyRing(crypto, random), count: settings.tickets, withFirstData: true } };
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

async function startMetrics(engine: Engine, settings: Settings, metrics: Metrics): Promise<Listener | undefined> {
  const address = settings.metrics;
  if (address === undefined) return undefined;
  try {
    return await serveHttp(
      engine.network,
      address,
      ({ target }) =>
        target === '/metrics'
          ? { contentType: 'text/plain; version=0.0.4', body: metrics.render() }
          : { status: '404 Not Found', contentType: 'text/plain', body: 'The metrics are at /metrics.\n' },
    );
  } catch (error) {
    throw new UsageError(listenProblem('--metrics', address, error));
  }
}

async function startListening(terminator: Terminator): Promise<void> {
  try {
    await terminator.listen();
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw new UsageError(listenProblem('--listen', error.address, error.cause));
  }
}
