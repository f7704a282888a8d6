/**
 * Handshakes made once, client and server in memory, of which only what the client sent and what the server drew at random is kept:
 * with the same random bytes and the same time the server says the same again, so that the client's bytes fit and no client has to run
 * beside the server that is measured.
 */
import { randomBytes } from 'node:crypto';
import { ClientConnection } from '../../src/connection/client.ts';
import type { Connection } from '../../src/connection/connection.ts';
import type { ConnectionEvent } from '../../src/connection/event.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { runEffect } from '../../src/stream/effect_runner.ts';
import { type Bytes, type Identity, Server } from './server.ts';

export const KINDS = ['full', 'resumed', 'hybrid', 'sha384'] as const;
export type Kind = (typeof KINDS)[number];

/** ClientHello; change_cipher_spec and Finished; one byte; close_notify. */
export type Flights = readonly [Bytes, Bytes, Bytes, Bytes];

export interface Exchange {
  readonly random: Bytes;
  readonly flights: Flights;
}

export interface Recording {
  readonly identity: Identity;
  readonly exchanges: readonly Exchange[];
}

type Ticket = Extract<ConnectionEvent, { type: 'ticket' }>;

const TLS_AES_256_GCM_SHA384 = 0x1302;

export function record(crypto: CryptoProvider, signatures: Server['signatures'], kind: Kind, count: number): Recording {
  const identity = {
    // Any bytes: nobody reads the certificate here. As long as a usual one.
    certificate: randomBytes(450),
    scalar: randomBytes(32),
    ticketKey: { name: randomBytes(16), secret: randomBytes(32) },
    now: Date.UTC(2026, 6, 1),
  };
  const exchanges: Exchange[] = [];
  for (let i = 0; i < count; i++) {
    const first = exchange(crypto, signatures, identity, kind, undefined);
    exchanges.push((kind === 'resumed' ? exchange(crypto, signatures, identity, kind, first.ticket) : first).made);
  }
  return { identity, exchanges };
}

function exchange(
  crypto: CryptoProvider,
  signatures: Server['signatures'],
  identity: Identity,
  kind: Kind,
  ticket: Ticket | undefined,
): { made: Exchange; ticket: Ticket | undefined } {
  const drawn: Buffer[] = [];
  const server = new Server(crypto, signatures, identity, (length) => {
    const bytes = randomBytes(length);
    drawn.push(bytes);
    return new Uint8Array(bytes);
  });
  const connection = server.connect();
  const client = new ClientConnection({
    crypto,
    random: (length) => new Uint8Array(randomBytes(length)),
    now: () => identity.now,
    serverName: 'localhost',
    groups: [kind === 'hybrid' ? NamedGroup.X25519MLKEM768 : NamedGroup.x25519],
    ...(kind === 'sha384' ? { cipherSuites: [TLS_AES_256_GCM_SHA384] } : {}),
    ...(ticket === undefined ? {} : { resume: ticket }),
  });
  const events: ConnectionEvent[] = [];
  /** What the client has to say now, carried to the server, and the server's answer to the client. */
  const carry = (): Bytes => {
    const flight = takeAll(client);
    server.receive(connection, flight);
    client.receive(takeAll(connection));
    settle(client);
    events.push(...client.takeEvents());
    return flight;
  };
  const hello = carry();
  const finished = carry();
  client.send(Uint8Array.of(1));
  server.answer = true;
  const data = carry();
  client.close();
  const end = carry();
  const done = events.find((event) => event.type === 'handshake');
  if (done?.info.resumed !== (ticket !== undefined)) {
    throw new Error('the handshake to be recorded is not what it should be');
  }
  return {
    made: { random: Buffer.concat(drawn), flights: [hello, finished, data, end] },
    ticket: events.findLast((event): event is Ticket => event.type === 'ticket'),
  };
}

function settle(client: Connection): void {
  for (let effect = client.pending; effect !== undefined; effect = client.pending) {
    client.resolve(runEffect(effect, { verifyPeer: () => true }));
  }
}

function takeAll(connection: Connection): Bytes {
  return Buffer.concat(connection.takeOutput());
}
