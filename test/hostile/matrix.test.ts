/**
 * Every state of the server against every handshake message, record type and alert: progress, or exactly the alert
 * RFC 9846 names (§4, §5, §6, §A.2).
 */
import { describe, expect, test } from 'vitest';
import { Alert } from '../../src/registry/alert.ts';
import type { MemoryServer } from '../support/memory_server.ts';
import { CLIENT, Clock, join, TestAntiReplay, TestTickets } from '../support/hostile_server.ts';
import { type RawClient, Type } from '../support/raw_client.ts';
import { type Bytes, concat, extension, message, plainRecord, u8, withExtensions } from '../support/raw_wire.ts';
import { recordCases, type RecordState, type Wire } from './record_cases.ts';

type Joined = { readonly server: MemoryServer; readonly client: RawClient };

interface State extends RecordState {
  readonly name: string;
  enter(): Promise<Joined>;
  /** Handshake types that are due here. All others are unexpected_message. */
  readonly due: readonly number[];
}

async function connected(config = {}): Promise<Joined> {
  const joined = join(config);
  await joined.client.handshake();
  await joined.client.drain();
  return joined;
}

async function authenticating(): Promise<Joined> {
  const joined = join({ clientAuthentication: { mode: 'request' } });
  await joined.client.toServerFinished();
  return joined;
}

const STATES: readonly State[] = [
  {
    name: 'START',
    enter: () => Promise.resolve(join()),
    due: [1],
    sealed: false,
    dropsChangeCipherSpec: false,
    takesData: false,
  },
  {
    name: 'START, after HelloRetryRequest',
    enter: async () => {
      const joined = join();
      const hello = joined.client.usualHello();
      await joined.client.sendHello(withExtensions(hello, extension.keyShare([])));
      await joined.client.drain();
      return joined;
    },
    due: [1],
    sealed: false,
    dropsChangeCipherSpec: true,
    takesData: false,
  },
  {
    name: 'WAIT_EOED',
    enter: async () => {
      const clock = new Clock();
      const store = new TestTickets();
      const config = { tickets: { store }, earlyData: { maxSize: 16384, antiReplay: new TestAntiReplay() } };
      const first = join(config, {}, { clock });
      await first.client.handshake();
      await first.client.drain();
      const second = join(config, {}, { clock });
      second.client.psk = first.client.pskOf(first.client.tickets[0]!);
      await second.client.toServerFinished(withExtensions(second.client.usualHello(), extension.earlyData()));
      second.client.epoch = 'early';
      return second;
    },
    due: [5],
    sealed: true,
    dropsChangeCipherSpec: true,
    takesData: true,
  },
  {
    name: 'WAIT_CERT',
    enter: authenticating,
    due: [11],
    sealed: true,
    dropsChangeCipherSpec: true,
    takesData: false,
  },
  {
    name: 'WAIT_CV',
    enter: async () => {
      const joined = await authenticating();
      await joined.client.sendMessages(joined.client.certificateMessage([CLIENT.certificate]));
      return joined;
    },
    due: [15],
    sealed: true,
    dropsChangeCipherSpec: true,
    takesData: false,
  },
  {
    name: 'WAIT_FINISHED',
    enter: async () => {
      const joined = join();
      await joined.client.toServerFinished();
      return joined;
    },
    due: [20],
    sealed: true,
    dropsChangeCipherSpec: true,
    takesData: false,
  },
  {
    name: 'WAIT_FINISHED, after CertificateVerify',
    enter: async () => {
      const joined = await authenticating();
      await joined.client.sendMessages(joined.client.certificateMessage([CLIENT.certificate]));
      await joined.client.sendMessages(joined.client.certificateVerifyMessage(CLIENT.privateKey));
      return joined;
    },
    due: [20],
    sealed: true,
    dropsChangeCipherSpec: true,
    takesData: false,
  },
  {
    name: 'CONNECTED',
    enter: connected,
    due: [24],
    sealed: true,
    dropsChangeCipherSpec: false,
    takesData: true,
  },
];

/** A message of each type that would be right in its own place. */
function messageOf(type: number, client: RawClient): Bytes {
  switch (type) {
    case 1:
      client.psk = undefined;
      return client.encodeHello(client.retry === undefined ? client.usualHello() : client.secondHello());
    case 11:
      return client.certificateMessage([CLIENT.certificate]);
    case 15:
      return client.serverHello === undefined
        ? message(15, concat([4, 3, 0, 0]))
        : client.certificateVerifyMessage(CLIENT.privateKey);
    case 20:
      return client.serverHello === undefined ? message(20, new Uint8Array(32)) : client.finishedMessage();
    case 24:
      return message(24, u8(0));
    default:
      return message(type, new Uint8Array());
  }
}

const MESSAGE_TYPES = [0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25, 67, 99, 254, 255];

/** What came of it: 'progress', the name of the alert the server sent, or 'closed' without an error alert. */
async function outcome({ server, client }: Joined): Promise<string> {
  await client.drain();
  const failure = server.error;
  const name = Object.entries(Alert).find(([, code]) => code === client.alert)?.[0];
  if (failure !== undefined && name !== (failure.reason === 'peer_alert' ? undefined : failure.alert ?? undefined)) {
    return `${name} sent, ${failure.alert} reported for ${failure.reason}`;
  }
  if (name !== undefined) return name;
  if (failure !== undefined) return 'closed';
  return server.events.some(({ type }) => type === 'end') ? 'closed' : 'progress';
}

function wireOf(client: RawClient): Wire {
  return {
    record: (type, content, padding = 0) => client.seal(type, content, { padding }),
    protect: (inner) => client.writeKeys.get(client.epoch)!.seal(inner),
  };
}

/** 9846-6-2, 9846-6.2-2: nothing is sent or taken after an error. */
async function expectSilence({ server, client }: Joined): Promise<void> {
  if (server.error === undefined) return;
  const [alerts, events] = [client.alerts.length, server.events.length];
  expect(client.alerts.length).toBeLessThanOrEqual(1);
  const extra = client.writeKeys.get(client.epoch)?.seal(concat([1], u8(Type.applicationData)));
  await client.send(extra ?? plainRecord(Type.handshake, message(1, new Uint8Array())));
  await client.drain();
  expect(client.alerts.length).toBe(alerts);
  expect(server.events.length).toBe(events);
}

describe.each(STATES)('$name', (state) => {
  async function poke(act: (client: RawClient) => Promise<void>): Promise<string> {
    const joined = await state.enter();
    expect(joined.server.error).toBeUndefined();
    await act(joined.client);
    const result = await outcome(joined);
    await expectSilence(joined);
    return result;
  }

  test('every handshake message: due, or unexpected_message', async () => {
    // 9846-4-1, 9846-4-2, 9846-4.2.2-3, 9846-4.5.2-3, 9846-4.6-3, 9846-4.7.3-1
    const results: Record<number, string> = {};
    const expected: Record<number, string> = {};
    for (const type of MESSAGE_TYPES) {
      results[type] = await poke((client) => client.sendMessages(messageOf(type, client)));
      expected[type] = state.due.includes(type) ? 'progress' : 'unexpected_message';
    }
    expect(results).toEqual(expected);
  });

  test('every record type', async () => {
    // 9846-5.1-16, 9846-5.2-2, 9846-5.2-5, 9846-5.4-4
    // 9846-5-1, 9846-5-2, 9846-5-3, 9846-5-5, 9846-5.1-8, 9846-5.1-10, 9846-5.2-3, 9846-5.4-3, 9846-5.4-5
    // Another protocol is not answered in TLS: what is not a TLS record at the very start is closed without an alert.
    const cases = recordCases(state, state.name === 'START' ? 'closed' : 'unexpected_message');
    const results: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const [name, [act, result]] of Object.entries(cases)) {
      results[name] = await poke((client) => client.send(...act(wireOf(client))));
      expected[name] = result;
    }
    expect(results).toEqual(expected);
  });

  test('every alert, at both levels, and the end of the stream', async () => {
    // 9846-6-4, 9846-6-5, 9846-6.2-1: all but close_notify and user_canceled are errors whatever their level says.
    const results: Record<string, string> = {};
    const expected: Record<string, string> = {};
    const all = [...Object.values(Alert), 1, 41, 100, 200, 255];
    const [some, few] = [all.filter((_, i) => i % 3 === 0), [Alert.close_notify, Alert.user_canceled, 40, 200]];
    for (const [level, descriptions] of [[2, all], [1, some], [0, few], [255, few]] as const) {
      for (const description of descriptions) {
        const name = `level ${level} alert ${description}`;
        results[name] = await poke((client) => client.sendAlert(level, description));
        expected[name] = description === Alert.user_canceled ? 'progress' : 'closed';
      }
    }
    expect(results).toEqual(expected);
    const joined = await state.enter();
    joined.client.link.end();
    expect(await outcome(joined)).toBe('closed');
    expect(joined.server.reason).toBe('truncated');
    await expectSilence(joined);
  });
});

test('after close_notify everything is ignored', async () => {
  // 9846-6.1-1
  const joined = await connected();
  const { server, client } = joined;
  await client.sendAlert(1, Alert.close_notify);
  await client.sendData('late');
  await client.sendRecord(Type.handshake, message(1, new Uint8Array()));
  await client.send(plainRecord(99, u8(0)));
  await client.drain();
  expect(server.events.map(({ type }) => type)).toEqual(['handshake', 'end']);
  // Our direction is still open.
  server.connection.send(Uint8Array.of(1, 2, 3));
  await client.drain();
  expect(client.applicationData).toEqual(Uint8Array.of(1, 2, 3));
  client.link.end();
  await client.drain();
  expect(server.error).toBeUndefined();
  server.connection.close();
  await client.drain();
  // 9846-6.1-2, 9846-6.1-6
  expect(client.alerts).toEqual([[1, 0]]);
});
