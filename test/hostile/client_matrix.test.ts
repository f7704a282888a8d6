/**
 * Every state of the client against every handshake message, record type and alert: progress, or exactly the alert
 * RFC 9846 names (§4, §5, §6, §A.1).
 */
import { describe, expect, test } from 'vitest';
import { ClientConnection } from '../../src/connection/client.ts';
import type { ConnectionEvent } from '../../src/connection/event.ts';
import { Alert } from '../../src/registry/alert.ts';
import { SERVER } from '../support/hostile_server.ts';
import { NOW, provider, seededRandom, settle } from '../support/pair.ts';
import { Type } from '../support/raw_client.ts';
import { RawServer } from '../support/raw_server.ts';
import {
  type Bytes,
  concat,
  encodeCertificate,
  extension,
  message,
  plainRecord,
  u16,
  u16s,
  u8,
  uint,
  vector,
} from '../support/raw_wire.ts';
import { recordCases, type RecordState } from './record_cases.ts';

interface State extends RecordState {
  readonly name: string;
  enter(): RawServer;
  /** Handshake types that are due here. All others are unexpected_message. */
  readonly due: readonly number[];
}

const SCHEMES = extension.raw(13, vector(2, u16s([0x0403])));
const CERTIFICATE = encodeCertificate([SERVER.certificate]).subarray(4);

function meet(keyShareGroups: readonly number[] = [0x1d]): RawServer {
  return new RawServer(
    new ClientConnection({
      crypto: provider,
      random: seededRandom('client matrix'),
      now: () => NOW,
      serverName: 'server.test',
      groups: [0x1d, 0x17],
      keyShareGroups,
      cipherSuites: [0x1301],
    }),
  );
}

/** A server that has taken these steps. */
function after(...steps: readonly ((server: RawServer) => void)[]): RawServer {
  const server = meet();
  for (const step of steps) step(server);
  settle(server.client, { verifyPeer: () => true });
  return server;
}

const hello = (server: RawServer): void => server.hello();
const extensions = (server: RawServer): void => server.encryptedExtensions();
const request = (server: RawServer): void => server.certificateRequest(SCHEMES);
const certificate = (server: RawServer): void => server.say(11, CERTIFICATE);
const authenticate = (server: RawServer): void => {
  server.authenticate(SERVER);
  settle(server.client, { verifyPeer: () => true });
};

const protectedState = { sealed: true, dropsChangeCipherSpec: true, takesData: false };
const STATES: readonly State[] = [
  {
    name: 'WAIT_SH',
    enter: () => after((server) => server.readHello()),
    due: [2],
    ...protectedState,
    sealed: false,
  },
  {
    name: 'WAIT_SH, after HelloRetryRequest',
    enter: () => {
      const server = meet([0x17]);
      server.retry();
      server.readHello();
      return server;
    },
    due: [2],
    ...protectedState,
    sealed: false,
  },
  { name: 'WAIT_EE', enter: () => after(hello), due: [8], ...protectedState },
  { name: 'WAIT_CERT_CR', enter: () => after(hello, extensions), due: [11, 13], ...protectedState },
  { name: 'WAIT_CERT', enter: () => after(hello, extensions, request), due: [11], ...protectedState },
  { name: 'WAIT_CV', enter: () => after(hello, extensions, certificate), due: [15], ...protectedState },
  { name: 'WAIT_FINISHED', enter: () => after(hello, extensions, authenticate), due: [20], ...protectedState },
  {
    name: 'CONNECTED',
    enter: () => after(hello, extensions, authenticate, (server) => server.finish()),
    due: [4, 24],
    sealed: true,
    dropsChangeCipherSpec: false,
    takesData: true,
  },
];

/** The body of a message of each type that would be right in its own place. */
function bodyOf(type: number, server: RawServer, due: boolean): Bytes {
  switch (type) {
    case 2:
      return server.serverHello().subarray(4);
    case 4:
      return concat(uint(3600, 4), uint(7, 4), vector(1, u8(0)), vector(2, new Uint8Array(16)), u16(0));
    case 8:
      return u16(0);
    case 11:
      return CERTIFICATE;
    case 13:
      return concat(u8(0), vector(2, concat(u16(13), vector(2, SCHEMES.body))));
    case 15:
      return due ? server.certificateVerify(SERVER.privateKey) : concat(u16(0x0403), u16(0));
    case 20:
      return due ? server.finished() : new Uint8Array(32);
    case 24:
      return u8(0);
    default:
      return new Uint8Array();
  }
}

const MESSAGE_TYPES = [0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25, 67, 99, 254, 255];

const endsOf = (events: readonly ConnectionEvent[]): boolean => events.some(({ type }) => type === 'end');

/** What came of it: 'progress', the name of the alert that was sent, or 'closed' without an error alert. */
function outcome(
  { client }: RawServer,
  [alert, ...others]: readonly number[],
  events: readonly ConnectionEvent[],
): string {
  expect(others).toEqual([]);
  const failure = client.error;
  const name = Object.entries(Alert).find(([, code]) => code === alert)?.[0];
  if (failure !== undefined && name !== (failure.reason === 'peer_alert' ? undefined : failure.alert ?? undefined)) {
    return `${name} sent, ${failure.alert} reported for ${failure.reason}`;
  }
  if (name !== undefined) return name;
  return failure !== undefined || endsOf(events) ? 'closed' : 'progress';
}

describe.each(STATES)('$name', (state) => {
  function poke(records: (server: RawServer) => Bytes[]): string {
    const server = state.enter();
    const { client } = server;
    expect(client.error).toBeUndefined();
    server.alerts();
    client.takeEvents();
    for (const record of records(server)) client.receive(record);
    settle(client, { verifyPeer: () => true });
    const result = outcome(server, server.alerts(), client.takeEvents());
    if (client.error !== undefined) {
      // 9846-6-2, 9846-6.2-2: nothing is sent or taken after an error.
      client.receive(state.sealed ? server.record(Type.applicationData, u8(1)) : plainRecord(22, message(2, u8(0))));
      expect([server.alerts(), client.takeEvents()]).toEqual([[], []]);
    }
    return result;
  }

  test('every handshake message: due, or unexpected_message', () => {
    // 9846-4-1, 9846-4-2, 9846-4.7.2-6
    const results: Record<number, string> = {};
    const expected: Record<number, string> = {};
    for (const type of MESSAGE_TYPES) {
      const due = state.due.includes(type);
      results[type] = poke((server) => [server.record(Type.handshake, message(type, bodyOf(type, server, due)))]);
      expected[type] = due ? 'progress' : 'unexpected_message';
    }
    expect(results).toEqual(expected);
  });

  test('every record type', () => {
    // 9846-5-1, 9846-5-2, 9846-5-3, 9846-5-5, 9846-5.1-8, 9846-5.1-10, 9846-5.2-3, 9846-5.4-3, 9846-5.4-5
    const results: Record<string, string> = {};
    const expected: Record<string, string> = {};
    // What is not a TLS record at the very start is another protocol, which is not answered in TLS.
    const foreign = state.name === 'WAIT_SH' ? 'closed' : 'unexpected_message';
    for (const [name, [records, result]] of Object.entries(recordCases(state, foreign))) {
      results[name] = poke(records);
      expected[name] = result;
    }
    expect(results).toEqual(expected);
  });

  test('every alert, at both levels, and the end of the stream', () => {
    // 9846-6-4, 9846-6-5, 9846-6.2-1: all but close_notify and user_canceled are errors whatever their level says.
    const results: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const level of [2, 1, 0, 255]) {
      for (const description of [...Object.values(Alert), 1, 41, 100, 200, 255]) {
        const name = `level ${level} alert ${description}`;
        results[name] = poke((server) => [server.record(Type.alert, Uint8Array.of(level, description))]);
        expected[name] = description === Alert.user_canceled ? 'progress' : 'closed';
      }
    }
    expect(results).toEqual(expected);
    const { client } = state.enter();
    client.receiveEnd();
    expect(client.error?.reason).toBe('truncated');
  });
});
