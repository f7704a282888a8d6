/** Clients of the terminator: node:tls, and our own for what node:tls cannot do. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../certificates.ts';
import type { Backend } from './backend.ts';
import { makeOwnClient, type OwnClient } from './own_client.ts';
import type { Random } from './random.ts';

/** Where the clients go, and what they know. */
export interface Site {
  readonly port: number;
  readonly backend: Backend;
  /** The server's. */
  readonly certificate: string;
  /** What a client may authenticate with. */
  readonly client: ClientCertificate;
  /** The newest session of each suite, whatever connection left it. */
  readonly sessions: Map<string, Buffer>;
  readonly counts: Counts;
  /** Told that something came of connection `id`. */
  moved(id: number): void;
}

/** What clients did that the bytes do not show. */
export interface Counts {
  sessionsOffered: number;
  sessionsResumed: number;
  certificatesShown: number;
  keyUpdates: number;
  keyUpdatesAnswered: number;
}

export interface Client {
  readonly raw: Socket;
  readonly tls: TLSSocket;
}

const suites = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'] as const;

function connectRaw(site: Site): Socket {
  return connectTcp({ host: '127.0.0.1', port: site.port, noDelay: true, allowHalfOpen: true });
}

/** A client of node:tls, its handshake finished: with any suite; now and then with a session or with a certificate. */
export function connect(site: Site, random: Random): Promise<Client> {
  const raw = connectRaw(site);
  const ciphers = random.pick(suites);
  const known = site.sessions.get(ciphers);
  const session = random.chance(0.3) ? known : undefined;
  const identity = session === undefined && random.chance(0.05) ? site.client : undefined;
  const options: ConnectionOptions = {
    socket: raw,
    servername: 'localhost',
    ca: site.certificate,
    minVersion: 'TLSv1.3',
    ciphers,
    ...(session && { session }),
    ...(identity && { cert: identity.cert, key: identity.key }),
  };
  return new Promise((resolve, reject) => {
    raw.once('error', reject);
    const tls = connectTls(options, () => {
      raw.off('error', reject).on('error', () => {});
      if (identity !== undefined) site.counts.certificatesShown++;
      if (session !== undefined) {
        site.counts.sessionsOffered++;
        if (tls.isSessionReused()) site.counts.sessionsResumed++;
      }
      resolve({ raw, tls });
    });
    tls.once('error', reject);
    tls.on('session', (newest) => site.sessions.set(ciphers, newest));
    // A handshake that is cut off ends the socket without an error.
    tls.once('close', () => reject(new Error('closed within the handshake')));
  });
}

/** A client of ours, which moves to new keys as it goes. */
export function connectOwn(site: Site, random: Random): Promise<OwnClient> {
  return makeOwnClient(connectRaw(site), random, site.counts);
}
