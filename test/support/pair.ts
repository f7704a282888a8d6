/** Two connections joined in memory: no sockets, no timers. */
import * as crypto from 'node:crypto';
import { ClientConnection } from '../../src/connection/client.ts';
import type { Connection } from '../../src/connection/connection.ts';
import type { ConnectionEvent } from '../../src/connection/event.ts';
import { ServerConnection } from '../../src/connection/server.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import type { ClientConfig, Credentials, ServerConfig } from '../../src/handshake/config.ts';
import type { Effect } from '../../src/handshake/effect.ts';
import { type EffectHandlers, runEffect } from '../../src/stream/effect_runner.ts';
import { nodeProvider, nodeSigner, nodeVerify } from './node_provider.ts';

export const provider: CryptoProvider = nodeProvider();
export const NOW = Date.UTC(2026, 6, 1);

/** Random bytes from a seed, so that a test can be replayed byte for byte. */
export function seededRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => {
    const output = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 32) {
      const block = crypto.createHash('sha256').update(`${seed} ${counter++}`).digest();
      output.set(block.subarray(0, length - offset), offset);
    }
    return output;
  };
}

export interface Identity {
  readonly credentials: Credentials;
  readonly publicKey: crypto.KeyObject;
}

/**
 * A key pair with a stand-in for a certificate: its SubjectPublicKeyInfo. The engine hands certificates through without reading
 * them; whoever performs `verify_peer` reads them, and here that is `perform`.
 */
export function identity(kind: 'p256' | 'p384' | 'ed25519' | 'rsa' = 'p256'): Identity {
  const { privateKey, publicKey } = kind === 'ed25519'
    ? crypto.generateKeyPairSync('ed25519')
    : kind === 'rsa'
    ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
    : crypto.generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'prime256v1' : 'secp384r1' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  return { credentials: { chain: [spki], signer: nodeSigner(privateKey) }, publicKey };
}

export const serverIdentity: Identity = identity();

export type Handlers = EffectHandlers;

/** Performs one effect, as the stream room does; without handlers there is one host, and the peer's key is its certificate. */
export function perform(effect: Effect, handlers: Handlers = {}): unknown {
  return runEffect(effect, {
    selectCredentials: () => serverIdentity.credentials,
    verifyPeer({ chain, scheme, content, signature }) {
      const key = crypto.createPublicKey({ key: Buffer.from(chain[0] as Uint8Array), format: 'der', type: 'spki' });
      return nodeVerify(key, scheme, content, signature) || 'bad_signature';
    },
    ...handlers,
  });
}

/** Performs all that is pending; everything here is synchronous. */
export function settle(connection: Connection, handlers?: Handlers): void {
  for (let effect = connection.pending; effect !== undefined; effect = connection.pending) {
    const value = perform(effect, handlers);
    if (value instanceof Promise) throw new Error('the pair is synchronous');
    connection.resolve(value);
  }
}

export interface PairOptions {
  readonly server?: Partial<ServerConfig>;
  readonly client?: Partial<ClientConfig>;
  readonly handlers?: Handlers;
  readonly crypto?: CryptoProvider;
  readonly clientCrypto?: CryptoProvider;
  readonly seed?: string;
  /** Alters or drops what goes from one side to the other. */
  readonly wire?: (from: 'client' | 'server', bytes: Uint8Array) => Uint8Array[];
}

export class Pair {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
  readonly clientEvents: ConnectionEvent[] = [];
  readonly serverEvents: ConnectionEvent[] = [];
  readonly #options: PairOptions;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    const seed = options.seed ?? 'pair';
    const environment = { now: () => NOW };
    this.server = new ServerConnection({
      ...environment,
      crypto: options.crypto ?? provider,
      random: seededRandom(`${seed} server`),
      ...options.server,
    });
    this.client = new ClientConnection({
      ...environment,
      crypto: options.clientCrypto ?? options.crypto ?? provider,
      random: seededRandom(`${seed} client`),
      serverName: 'example.test',
      ...options.client,
    });
  }

  /** Carries bytes back and forth until both sides are silent. */
  run(): this {
    const wire = this.#options.wire ?? ((_from, bytes) => [bytes]);
    for (let moved = true; moved;) {
      moved = false;
      for (
        const [from, source, target] of [
          ['client', this.client, this.server],
          ['server', this.server, this.client],
        ] as const
      ) {
        settle(source, this.#options.handlers);
        for (const chunk of source.takeOutput()) {
          moved = true;
          for (const part of wire(from, chunk.slice())) {
            target.receive(part);
            settle(target, this.#options.handlers);
          }
        }
        this.#collect();
      }
    }
    return this;
  }

  #collect(): void {
    for (const event of this.client.takeEvents()) this.clientEvents.push(copied(event));
    for (const event of this.server.takeEvents()) this.serverEvents.push(copied(event));
  }

  /** All application data that `side` received, up to now. */
  received(side: 'client' | 'server'): Buffer {
    const events = side === 'client' ? this.clientEvents : this.serverEvents;
    return Buffer.concat(events.flatMap((event) => event.type === 'data' ? [event.bytes] : []));
  }
}

function copied(event: ConnectionEvent): ConnectionEvent {
  return event.type === 'data' ? { ...event, bytes: event.bytes.slice() } : event;
}
