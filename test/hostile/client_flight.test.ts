/** What the client sends after the server's flight, and what it makes of messages only a client gets (RFC 9846 §4.4.2, §4.5, §4.7.1). */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ClientConnection } from '../../src/connection/client.ts';
import type { ConnectionEvent } from '../../src/connection/event.ts';
import type { ClientConfig } from '../../src/handshake/config.ts';
import type { Session } from '../../src/session/session.ts';
import { CLIENT, SERVER, signerOf } from '../support/hostile_server.ts';
import { NOW, provider, seededRandom, settle } from '../support/pair.ts';
import { RawServer } from '../support/raw_server.ts';
import {
  type Bytes,
  concat,
  decodeExtensions,
  extension,
  plainRecord,
  type RawExtension,
  read,
  u16,
  u16s,
  u8,
  uint,
  vector,
} from '../support/raw_wire.ts';

const SCHEMES = extension.raw(13, vector(2, u16s([0x0403])));
const CREDENTIALS = { chain: [CLIENT.certificate], signer: signerOf(CLIENT.privateKey) };

function meet(config: Partial<ClientConfig> = {}): RawServer {
  return new RawServer(
    new ClientConnection({
      crypto: provider,
      random: seededRandom('client flight'),
      now: () => NOW,
      serverName: 'server.test',
      groups: [0x1d],
      cipherSuites: [0x1301],
      ...config,
    }),
  );
}

/** A whole handshake, with a CertificateRequest of these extensions if there are any. */
function complete(config: Partial<ClientConfig>, request?: readonly RawExtension[]): RawServer {
  const server = meet(config);
  server.hello();
  server.encryptedExtensions();
  if (request !== undefined) server.certificateRequest(...request);
  server.authenticate(SERVER);
  settle(server.client, { verifyPeer: () => true });
  server.finish();
  settle(server.client);
  expect(server.client.error).toBeUndefined();
  expect(server.client.established).toBe(true);
  return server;
}

const types = (server: RawServer): number[] => server.flight().map(({ type }) => type);

/** A NewSessionTicket. */
function ticket(lifetime: number, ...extensions: readonly RawExtension[]): Bytes {
  const block = concat(...extensions.map(({ type, body }) => concat(u16(type), vector(2, body))));
  return concat(uint(lifetime, 4), uint(7, 4), vector(1, u8(0)), vector(2, randomBytes(16)), vector(2, block));
}

function tickets(events: readonly ConnectionEvent[]): Session[] {
  return events.flatMap((event) => event.type === 'ticket' ? [event.session] : []);
}

describe('its certificate', () => {
  test('is sent with its proof when it is asked for, and not otherwise', () => {
    // 9846-4.5.1-2, 9846-4.5.2-2
    expect(types(complete({ credentials: CREDENTIALS }))).toEqual([20]);
    const flight = complete({ credentials: CREDENTIALS }, [SCHEMES]).flight();
    expect(flight.map(({ type }) => type)).toEqual([11, 15, 20]);
    expect(flight[0]!.body.length).toBeGreaterThan(CLIENT.certificate.length);
  });

  test('is an empty list when there is none that serves; Finished follows', () => {
    // 9846-4.5.1-3, 9846-4.5.1-4
    const none = complete({}, [SCHEMES]).flight();
    expect(none.map(({ type }) => type)).toEqual([11, 20]);
    expect([...none[0]!.body]).toEqual([0, 0, 0, 0]);
    const unsuitable = [extension.raw(13, vector(2, u16s([0x0807])))];
    expect(types(complete({ credentials: CREDENTIALS }, unsuitable))).toEqual([11, 20]);
  });

  test('does not depend on extensions of the request that are unknown, nor on filters for OIDs that are', () => {
    // 9846-4.4.2-7, 9846-9.3-6, 9846-4.3.5-4
    const filter = concat(vector(1, Buffer.from('550403', 'hex')), vector(2, Uint8Array.of(1, 2, 3)));
    const request = [SCHEMES, extension.raw(0x1a1a, Uint8Array.of(9)), extension.raw(48, vector(2, filter))];
    expect(types(complete({ credentials: CREDENTIALS }, request))).toEqual([11, 15, 20]);
  });
});

test.each([10, 41, 51, 13, 43, 47])('an EncryptedExtensions with extension %i', (type) => {
  // 9846-4.4.1-2, 9846-4.3-7
  const server = meet();
  server.hello();
  server.encryptedExtensions(extension.raw(type, type === 10 ? vector(2, u16(0x1d)) : new Uint8Array(2)));
  // supported_groups is the one of these that belongs there.
  expect(server.client.error?.alert).toBe(type === 10 ? undefined : 'illegal_parameter');
});

test('the version is that of supported_versions, whatever legacy_version says', () => {
  // 9846-4.3.1-12
  const server = complete({});
  const handshake = server.client.takeEvents().find(({ type }) => type === 'handshake');
  expect(handshake).toMatchObject({ info: { version: 'TLSv1.3' } });
});

describe('after the handshake', () => {
  test('a CertificateRequest is unexpected, for it has not offered to answer', () => {
    // 9846-4.7.2-6
    const server = complete({ credentials: CREDENTIALS });
    server.certificateRequest(SCHEMES);
    expect(server.client.error).toMatchObject({ reason: 'unexpected_message', alert: 'unexpected_message' });
  });

  test('unknown extensions of tickets are ignored', () => {
    // 9846-4.7.1-16, 9846-9.3-6
    const server = complete({});
    server.say(4, ticket(60, extension.raw(0x1a1a, Uint8Array.of(1)), extension.raw(42, uint(100, 4))));
    expect(tickets(server.client.takeEvents())).toMatchObject([{ lifetime: 60, maxEarlyDataSize: 100 }]);
  });

  test('tickets are ignored where none are wanted, and so are those that live for no time', () => {
    // 9846-4.7.1-3
    const server = complete({ limits: { tickets: 0 } });
    server.say(4, ticket(60));
    expect(tickets(server.client.takeEvents())).toEqual([]);
    expect(server.client.error).toBeUndefined();
    const other = complete({});
    other.say(4, ticket(0));
    expect(tickets(other.client.takeEvents())).toEqual([]);
  });
});

describe('a session', () => {
  const DAY = 86_400_000;
  const session: Session = {
    kind: 'resumption',
    secret: new Uint8Array(32).fill(1),
    cipherSuite: 0x1301,
    serverName: 'server.test',
    applicationProtocol: undefined,
    context: '',
    createdAt: NOW,
    authenticatedAt: NOW,
    lifetime: 30 * 86_400,
    ageAdd: 7,
    maxEarlyDataSize: 0,
    peerCertificates: [SERVER.certificate],
  };

  /** Extensions of the ClientHello that offers it, in their order. */
  function offered(changes: Partial<Session>, age = 0): number[] {
    const resume = { session: { ...session, ...changes }, ticket: Uint8Array.of(1, 2, 3) };
    const { client } = meet({ resume, now: () => NOW + age });
    const [record] = client.takeOutput() as [Bytes];
    const body = record.subarray(9, 5 + read(record, 3, 2));
    const sessionEnd = 35 + read(body, 34, 1);
    const suitesEnd = sessionEnd + 2 + read(body, sessionEnd, 2);
    return [...decodeExtensions(body.subarray(suitesEnd + 2)).keys()];
  }

  test('is offered last in the ClientHello, with the modes it may be used in', () => {
    // 9846-4.3-8, 9846-4.3.11-15, 9846-4.3.9-2
    const extensions = offered({});
    expect(extensions.at(-1)).toBe(41);
    expect(extensions).toContain(45);
  });

  test('is not offered after its lifetime, nor after seven days', () => {
    // 9846-4.3.11.1-1, 9846-4.7.1-12
    expect(offered({ lifetime: 60 }, 60_000)).toContain(41);
    expect(offered({ lifetime: 60 }, 60_001)).not.toContain(41);
    expect(offered({}, 7 * DAY)).toContain(41);
    expect(offered({}, 7 * DAY + 1)).not.toContain(41);
  });

  test('is not offered to another name than that of the certificate it was made under', () => {
    // 9846-4.7.1-7
    expect(offered({ serverName: 'other.test' })).not.toContain(41);
    expect(offered({ serverName: undefined })).not.toContain(41);
  });
});

test('what it offers, it has', () => {
  // 9846-9.3-4
  const make = (config: Partial<ClientConfig>) => () => meet(config);
  expect(make({ groups: [0x001e] })).toThrow('groups: 30 is not supported');
  expect(make({ keyShareGroups: [0x001e] })).toThrow('keyShareGroups: 30 is not supported');
  expect(make({ cipherSuites: [0x1304] })).toThrow('cipherSuites: 4868 is not supported');
  expect(() => meet().client.receive(plainRecord(22, new Uint8Array(0)))).not.toThrow();
});
