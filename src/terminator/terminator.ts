import type { ServerConfig } from '../handshake/config.ts';
import type { HandshakeInfo } from '../handshake/result.ts';
import { checkServerConfig } from '../connection/options.ts';
import { UsageError } from '../error.ts';
import { Log } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import { Seldom } from '../observe/seldom.ts';
import type { Address, Listener, Socket } from '../socket/socket.ts';
import { type ClientCertificates, clientVerifier, sessionContexts } from './client_certificates.ts';
import { CredentialStore, type NamedCredentials } from './credential_store.ts';
import { Deadlines } from './deadlines.ts';
import type { Engine } from './engine.ts';
import { listenAll } from './listen.ts';
import type { ProxyProtocol } from './proxy_protocol.ts';
import { chooseRoute, type Route } from './route.ts';
import { Tunnel, type TunnelContext } from './tunnel.ts';

export interface TerminatorOptions {
  /** Where to listen. Port 0 takes a free one. */
  readonly listen: readonly Address[];
  /** Where plaintext goes; the first route that applies is taken. */
  readonly routes: readonly Route[];
  /** The first is the default. */
  readonly credentials: readonly NamedCredentials[];
  /** Refuse server names that no certificate is for. Default: they get the default certificate. */
  readonly strictServerName?: boolean;
  /** Protocol settings, see `ServerConfig`. */
  readonly tls?: Pick<
    ServerConfig,
    | 'cipherSuites'
    | 'groups'
    | 'applicationProtocols'
    | 'paddingMultiple'
    | 'maxFragmentLength'
    | 'keyLog'
    | 'limits'
    | 'tickets'
    | 'encryptedClientHello'
  >;
  /** Accept early data (0-RTT), for routes that say so. Default: none. It needs `tls.tickets`. */
  readonly earlyData?: Pick<NonNullable<ServerConfig['earlyData']>, 'maxSize' | 'antiReplay'>;
  /** Ask clients for certificates. Default: they are not asked. */
  readonly clientAuthentication?: ClientCertificates;
  /** Milliseconds from accept to the end of the handshake. Default 10 000. */
  readonly handshakeTimeout?: number;
  /** Milliseconds to reach the backend. Default 10 000. */
  readonly connectTimeout?: number;
  /** Tell the backend who the client is. Default 'off'. */
  readonly proxyProtocol?: ProxyProtocol;
  /**
   * Client connections at a time; more are closed at once. Default 20 000. Each takes two files, and what it holds when it stalls
   * is bounded (see engine.ts): 100 KiB, 2 GB for all.
   */
  readonly maxConnections?: number;
  /** Share the port with other processes or threads. Default false. */
  readonly reusePort?: boolean;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof TerminatorOptions>([
  'listen',
  'routes',
  'credentials',
  'strictServerName',
  'tls',
  'earlyData',
  'clientAuthentication',
  'handshakeTimeout',
  'connectTimeout',
  'proxyProtocol',
  'maxConnections',
  'reusePort',
  'log',
  'metrics',
]);

/** How long a client gets to read the last words, in milliseconds, before its socket is closed under it. */
const FAREWELL = 2000;

/**
 * How long tickets wait for the backend's first bytes, to leave in one write with them, in milliseconds. Some clients wait for a
 * ticket before they say anything.
 */
const TICKET_DELAY = 100;

/** A flood of connections must not become a flood of lines, in milliseconds. */
const WARNING_INTERVAL = 10_000;

/** Listens, and makes a tunnel of each connection. */
export class Terminator {
  readonly metrics: Metrics;
  readonly #options: TerminatorOptions;
  readonly #log: Log;
  readonly #engine: Engine;
  readonly #credentials: CredentialStore;
  readonly #context: TunnelContext;
  readonly #tunnels = new Set<Tunnel>();
  #listeners: readonly Listener[] = [];
  readonly #fullWarnings = new Seldom(WARNING_INTERVAL);
  readonly #acceptWarnings = new Seldom(WARNING_INTERVAL);
  /** Called when the last tunnel is gone. */
  #whenEmpty: (() => void) | undefined;

  /** Throws `UsageError` for options that make no sense. Nothing is opened before `listen`. */
  constructor(engine: Engine, options: TerminatorOptions) {
    for (const name of Object.keys(options)) {
      if (!OPTION_NAMES.has(name)) throw new UsageError(`unknown terminator option '${name}'`);
    }
    if (options.listen.length === 0) throw new UsageError('no address to listen on');
    if (options.credentials.length === 0) throw new UsageError('no certificate');
    if ((options.earlyData !== undefined) !== options.routes.some(({ earlyData }) => earlyData)) {
      throw new UsageError('earlyData and a route with earlyData need each other');
    }
    for (const name of ['handshakeTimeout', 'connectTimeout', 'maxConnections'] as const) {
      const value = options[name];
      if (value !== undefined && !(value > 0)) throw new UsageError(`${name} must be above 0, not ${value}`);
    }
    this.#options = options;
    this.#engine = engine;
    this.#log = options.log ?? new Log('silent', 'text', () => {});
    this.metrics = options.metrics ?? new Metrics();
    this.#credentials = new CredentialStore(
      options.credentials,
      sessionContexts(engine.environment.crypto, options.clientAuthentication),
      options.strictServerName,
    );
    this.#context = this.#createContext();
    // Now, not when the first client comes.
    checkServerConfig(this.#context.config);
  }

  /** Where connections are accepted. */
  get addresses(): readonly Address[] {
    return this.#listeners.map((listener) => listener.address);
  }

  get connections(): number {
    return this.#tunnels.size;
  }

  /** Opens all listeners or none: rejects with a `ListenError`. */
  async listen(): Promise<void> {
    const { listen, reusePort = false } = this.#options;
    const accept = (socket: Socket): void => this.#accept(socket);
    const failed = (error: Error): void => this.#acceptFailed(error);
    this.#listeners = await listenAll(this.#engine.network, listen, accept, { reusePort, failed });
  }

  /** Accepts no more. Connections go on. */
  stopListening(): void {
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
  }

  /** New handshakes get the new certificates; connections go on. */
  replaceCredentials(credentials: readonly NamedCredentials[]): void {
    if (credentials.length === 0) throw new UsageError('no certificate');
    this.#credentials.replace(credentials);
    this.metrics.reloads++;
  }

  /**
   * Accepts no more, waits for connections to end by themselves for at most `timeout` milliseconds, then ends them. Resolves when all
   * are gone, with the number of those that had to be ended.
   */
  async drain(timeout: number): Promise<number> {
    this.stopListening();
    let ended = 0;
    const timer = setTimeout(() => {
      ended = this.#tunnels.size;
      for (const tunnel of this.#tunnels) tunnel.cancel();
    }, timeout);
    if (this.#tunnels.size > 0) await new Promise<void>((resolve) => this.#whenEmpty = resolve);
    clearTimeout(timer);
    this.#context.handshakes.stop();
    this.#context.connects.stop();
    this.#context.tickets.stop();
    this.#context.farewells.stop();
    return ended;
  }

  #createContext(): TunnelContext {
    const { network, pool } = this.#engine;
    const { routes, clientAuthentication, handshakeTimeout = 10_000, connectTimeout = 10_000, proxyProtocol = 'off' } =
      this.#options;
    return {
      network,
      pool,
      log: this.#log,
      metrics: this.metrics,
      config: this.#createConfig(),
      effects: {
        selectCredentials: (clientHello) => this.#credentials.select(clientHello),
        ...(clientAuthentication && { verifyPeer: clientVerifier(this.#engine, clientAuthentication) }),
      },
      proxyProtocol,
      handshakes: new Deadlines(handshakeTimeout, (tunnel: Tunnel) => tunnel.handshakeExpired()),
      connects: new Deadlines(connectTimeout, (tunnel: Tunnel) => tunnel.connectExpired()),
      tickets: new Deadlines(TICKET_DELAY, (tunnel: Tunnel) => tunnel.ticketsDue()),
      farewells: new Deadlines(FAREWELL, (tunnel: Tunnel) => tunnel.farewellExpired()),
      target: (info: HandshakeInfo) => chooseRoute(routes, info)?.target,
      finished: (tunnel) => this.#remove(tunnel),
    };
  }

  #createConfig(): ServerConfig {
    const { environment, certificateCompression } = this.#engine;
    const { tls, clientAuthentication, earlyData, routes } = this.#options;
    return {
      ...environment,
      certificateCompression,
      ...(clientAuthentication && {
        clientAuthentication: {
          mode: clientAuthentication.mode,
          authorities: clientAuthentication.trust.authorities,
        },
      }),
      ...tls,
      ...(earlyData && {
        earlyData: { ...earlyData, allows: (session) => chooseRoute(routes, session)?.earlyData === true },
      }),
    };
  }

  #accept(socket: Socket): void {
    const { metrics } = this;
    metrics.connections++;
    if (this.#tunnels.size >= (this.#options.maxConnections ?? 20_000)) {
      metrics.refused++;
      if (this.#fullWarnings.isDue(performance.now())) {
        this.#log.warning('connection limit reached', { limit: this.#tunnels.size });
      }
      socket.destroy();
      return;
    }
    metrics.active++;
    this.#tunnels.add(new Tunnel(this.#context, socket));
  }

  /** Too many open files, as a rule. The listener goes on. */
  #acceptFailed(error: Error): void {
    this.metrics.acceptFailures++;
    if (this.#acceptWarnings.isDue(performance.now())) this.#log.warning('accept failed', { reason: error.message });
  }

  #remove(tunnel: Tunnel): void {
    if (!this.#tunnels.delete(tunnel)) return;
    this.metrics.active--;
    if (this.#tunnels.size === 0) this.#whenEmpty?.();
  }
}
