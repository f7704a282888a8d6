/** Servers for hostile tests: the sans-IO connection over the test provider, with everything a test may want to turn. */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { ServerConnection } from '../../src/connection/server.ts';
import type { Signer } from '../../src/crypto/provider.ts';
import type { HostConfig, ServerConfig } from '../../src/handshake/config.ts';
import type { AntiReplay, Session, SessionTickets } from '../../src/session/session.ts';
import { nodeProvider } from './node_provider.ts';
import { MemoryServer, type MemoryServerOptions } from './memory_server.ts';
import { RawClient, type RawClientOptions } from './raw_client.ts';
import { selfSigned } from './self_signed.ts';

const PROVIDER = nodeProvider();

export const SERVER = selfSigned('server.test');
export const CLIENT = selfSigned('client.test');

/** Signs with a P-256 key. */
export function signerOf(privateKey: KeyObject): Signer {
  return { schemes: [0x0403], sign: (_scheme, content) => sign('sha256', content, privateKey) };
}

export const HOST: HostConfig = { chain: [SERVER.certificate], signer: signerOf(SERVER.privateKey) };

/** The server's clock: tests move it. */
export class Clock {
  now: number = Date.UTC(2026, 6, 1);
}

/** Tickets kept in memory; `forget` makes it lose them. */
export class TestTickets implements SessionTickets {
  readonly sessions: Map<string, Session> = new Map();

  seal(session: Session): Uint8Array {
    const ticket = randomBytes(24);
    const { secret, ...rest } = session;
    this.sessions.set(ticket.toString('hex'), { ...rest, secret: secret.slice() });
    return ticket;
  }

  open(ticket: Uint8Array): Session | undefined {
    return this.sessions.get(Buffer.from(ticket).toString('hex'));
  }
}

export class TestAntiReplay implements AntiReplay {
  readonly #seen: Set<string> = new Set();

  accept(binder: Uint8Array): boolean {
    const key = Buffer.from(binder).toString('hex');
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

export interface HostileOptions extends MemoryServerOptions {
  readonly clock?: Clock;
  /** What differs from `HOST`; 'none' for a server that knows no name. */
  readonly host?: Partial<HostConfig> | 'none';
}

export function startServer(config: Partial<ServerConfig> = {}, options: HostileOptions = {}): MemoryServer {
  const clock = options.clock ?? new Clock();
  const connection = new ServerConnection({
    crypto: PROVIDER,
    random: (length) => new Uint8Array(randomBytes(length)),
    now: () => clock.now,
    ...config,
  });
  const host = options.host === 'none' ? undefined : { ...HOST, ...options.host };
  return new MemoryServer(connection, host, options);
}

/** A raw client joined to a new server in memory. */
export function join(
  config: Partial<ServerConfig> = {},
  client: RawClientOptions = {},
  options: HostileOptions = {},
): { readonly server: MemoryServer; readonly client: RawClient } {
  const server = startServer(config, options);
  return { server, client: new RawClient(server, client) };
}
